"""Erasing reaches the row, and by a new salt the audit's fingerprints of it. Nothing else holds a personal value: log
entries, messages and jobs know a contact by its number, disclosures by its number and the columns' names. Copies that
people took away are out of the program's reach: they are named, so that they can be called back."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import transaction

from crm.models import Contact, Disclosure
from crm.models.contacts import ERASED_NAME
from crm.services.disclosure import ContactErased, check_reason, reachable
from office.models import User


@dataclass(frozen=True)
class Copy:
    """An export that carried the person: whom to ask for the file."""

    at: dt.datetime
    by: User
    purpose: str
    batch: uuid.UUID | None


@dataclass(frozen=True)
class Erased:
    contact_id: int
    copies: tuple[Copy, ...]


def erase_contact(*, contact_id: int, by: User | None, reason: str, now: dt.datetime) -> Erased:
    """Overwrite the person's data for good; `by` is None where the term of keeping ran out.

    Raises Contact.DoesNotExist out of reach, DisclosureRefused with the reason.
    """
    with transaction.atomic():
        rows = Contact.objects.all() if by is None else reachable(by, "erase")
        contact = rows.select_for_update(of=("self",)).get(pk=contact_id)
        if contact.is_erased:
            raise ContactErased("这位联系人的个人信息此前已删除")
        contact.erased_reason = reason if by is None else check_reason(reason, [contact])
        for name in Contact.PERSONAL_FIELDS:
            setattr(contact, name, "")
        contact.name, contact.privacy_salt, contact.status = ERASED_NAME, uuid.uuid4(), Contact.Status.ERASED
        contact.erased_at, contact.erased_by = now, by
        contact.save(update_fields=[
            *Contact.PERSONAL_FIELDS, "privacy_salt", "status", "erased_at", "erased_by", "erased_reason", "updated_at",
        ])
    return Erased(contact.pk, copies_of(contact_id=contact.pk))


def copies_of(*, contact_id: int) -> tuple[Copy, ...]:
    """The exports that carried this person, newest first."""
    rows = Disclosure.objects.filter(contact_id=contact_id, kind=Disclosure.Kind.EXPORT).select_related("by")
    return tuple(Copy(row.at, row.by, row.purpose, row.batch) for row in rows)
