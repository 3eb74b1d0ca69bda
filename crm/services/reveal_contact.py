from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction

from crm.models import Contact, Disclosure
from crm.services.disclosure import (
    ContactErased,
    DailyLimitReached,
    check_reason,
    day_of,
    lock_person,
    reachable,
    record,
    used,
)
from office.models import User


@dataclass(frozen=True)
class Revealed:
    """The clear values, for one answer to one request. They are left out of repr, which ends up in logs."""

    contact_id: int
    left_today: int
    values: Mapping[str, str] = field(repr=False)


def reveal_contact(
    *, contact_id: int, by: User, purpose: str, now: dt.datetime, channel: str = Disclosure.Channel.ADMIN,
    request_id: str = "",
) -> Revealed:
    """Write down who looks and what for, and return what reaches the person.

    Raises Contact.DoesNotExist out of reach, DisclosureRefused with the reason.
    """
    with transaction.atomic():
        lock_person(by)
        contact = reachable(by, "reveal").select_for_update(of=("self",)).get(pk=contact_id)
        if contact.is_erased:
            raise ContactErased("这位联系人的个人信息已删除，没有可查阅的内容")
        reason = check_reason(purpose, [contact])
        left = settings.CONTACT_REVEALS_A_DAY - _revealed_today(by, now)
        if left <= 0:
            raise DailyLimitReached(
                f"您今天已查阅 {settings.CONTACT_REVEALS_A_DAY} 次，达到每人每天的上限。明天可以继续；确需成批使用请走导出"
            )
        record([contact], by=by, now=now, kind=Disclosure.Kind.REVEAL, purpose=reason, channel=channel, request_id=request_id)
        used([contact], now=now)
        return Revealed(contact.pk, left - 1, contact.clear_values())


def _revealed_today(by: User, now: dt.datetime) -> int:
    start, end = day_of(now)
    return Disclosure.objects.filter(by=by, kind=Disclosure.Kind.REVEAL, at__gte=start, at__lt=end).count()


def clear_labels(values: Mapping[str, str]) -> list[tuple[str, str]]:
    """[(label, value)] for a page."""
    return [(str(Contact._meta.get_field(name).verbose_name), value) for name, value in values.items()]
