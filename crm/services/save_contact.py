from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from crm.models import Contact
from crm.retention import end_of_keeping
from crm.services.disclosure import ContactErased
from office.models import User
from office.privacy import canonical_phone

EDITABLE = ["company", *Contact.PERSONAL_FIELDS, "purpose", "basis", "collected_on", "keeper"]
_TERM = ["last_used_on", "keep_until", "keep_until_agreed", "updated_at"]


def save_contact(*, contact: Contact, by: User, now: dt.datetime, agreed_until: dt.date | None = None) -> Contact:
    """Store a contact that a person entered or edited, with the term of keeping counted anew.

    `agreed_until` ends it earlier. Raises KeptTooLong beyond the term, ContactErased if it was erased meanwhile, PhoneError.
    """
    today = timezone.localdate(now)
    for name in ("phone", "other_phone"):
        if getattr(contact, name):
            setattr(contact, name, canonical_phone(getattr(contact, name)))
    with transaction.atomic():
        if contact.pk is None:
            contact.keeper = contact.keeper if contact.keeper_id else by
        elif Contact.objects.select_for_update().get(pk=contact.pk).is_erased:
            raise ContactErased("这位联系人的个人信息已删除，不能再修改")
        contact.last_used_on = today
        contact.keep_until = end_of_keeping(
            last_used=today, months=settings.CONTACT_RETENTION_MONTHS, agreed=agreed_until
        )
        contact.keep_until_agreed = agreed_until is not None
        if contact.pk is None:
            contact.save()
        else:
            contact.save(update_fields=[*EDITABLE, *_TERM])
    return contact
