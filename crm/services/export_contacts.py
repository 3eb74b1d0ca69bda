from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction

from crm.models import Contact, Disclosure
from crm.services.disclosure import (
    ContactErased,
    DisclosureRefused,
    ExportTooLarge,
    check_reason,
    reachable,
    record,
    used,
)
from office.models import User

COLUMNS = ("company", "name", "title", "department", *Contact.CONFIDENTIAL_FIELDS, "purpose", "keep_until")


@dataclass(frozen=True)
class Export:
    """What goes out, once. Nothing of it is kept on the server."""

    batch: uuid.UUID
    header: list[str]
    rows: list[list[str]] = field(repr=False)


def check_export_size(count: int) -> None:
    """Raise where nothing, or more than a piece of work needs, is asked for."""
    if count == 0:
        raise DisclosureRefused("请先勾选要导出的联系人")
    if count > settings.CONTACT_EXPORT_MOST:
        raise ExportTooLarge(
            f"一次最多导出 {settings.CONTACT_EXPORT_MOST} 位联系人，现选了 {count} 位：请按企业或保管人筛选后分批导出"
        )


def export_contacts(
    *, contact_ids: Sequence[int], by: User, purpose: str, now: dt.datetime, channel: str = Disclosure.Channel.ADMIN,
    request_id: str = "",
) -> Export:
    """Write down every contact that leaves, all or none, and return the rows.

    Raises Contact.DoesNotExist if one of them is out of reach, DisclosureRefused with the reason.
    """
    wanted = sorted(set(contact_ids))
    check_export_size(len(wanted))
    with transaction.atomic():
        query = reachable(by, "export").filter(pk__in=wanted).select_related("company").order_by("company__name", "pk")
        contacts = list(query.select_for_update(of=("self",)))
        if len(contacts) != len(wanted):
            raise Contact.DoesNotExist
        if erased := sum(contact.is_erased for contact in contacts):
            raise ContactErased(f"所选的联系人中有 {erased} 位已删除，请去掉后再导出")
        batch = uuid.uuid4()
        record(
            contacts, by=by, now=now, kind=Disclosure.Kind.EXPORT, purpose=check_reason(purpose, contacts), channel=channel,
            request_id=request_id, batch=batch,
        )
        used(contacts, now=now)
    return Export(batch, [str(Contact._meta.get_field(name).verbose_name) for name in COLUMNS], [_row(c) for c in contacts])


def _row(contact: Contact) -> list[str]:
    values = {
        "company": contact.company.name, "name": contact.name, "title": contact.title, "department": contact.department,
        "purpose": contact.get_purpose_display(), "keep_until": contact.keep_until.isoformat(), **contact.clear_values(),
    }
    return [str(values.get(name, "")) for name in COLUMNS]
