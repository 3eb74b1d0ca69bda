"""What a reveal, an export and an erasure have in common: who reaches which contact, and what may be written down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.utils import timezone

from crm.models import Contact, Disclosure
from crm.models.disclosure import LEAST_PURPOSE
from crm.retention import end_of_keeping
from crm.scopes import kept_in_the_department
from office import scope
from office.models import User
from office.privacy import carries_personal

SHORTEST_NAME = 2


class DisclosureRefused(ValueError):
    """The values stay where they are; the message says why and what to do."""


class PurposeUnclear(DisclosureRefused):
    """Nothing is disclosed or erased without a reason, and the reason itself must not name the person."""


class DailyLimitReached(DisclosureRefused):
    """One account reveals so many contacts a day: a list is taken by an export, which says so."""


class ExportTooLarge(DisclosureRefused):
    """An export is for a piece of work, not for a copy of the book."""


class ContactErased(DisclosureRefused):
    """What was erased has nothing to show, to change or to erase."""


def reachable(by: User, right: str) -> QuerySet[Contact]:
    """The contacts that a person may reveal, export or erase; raises PermissionDenied where the role has no such right.

    Whoever sees a contact may use it; erasing is for the keeper's superiors, even where others work with the company too.
    """
    if not by.has_perm(f"crm.{right}_contact"):
        raise PermissionDenied
    rows = scope.visible_to(by, Contact)
    return rows.filter(kept_in_the_department(by)) if right == "erase" else rows


def check_reason(text: str, contacts: Sequence[Contact]) -> str:
    """The reason as it will be kept: these rows outlive the person's data, so they must hold none of it."""
    reason = " ".join(text.split())
    if len(reason) < LEAST_PURPOSE:
        raise PurposeUnclear(f"请写明用途或原因，至少 {LEAST_PURPOSE} 个字，例如：约定现场踏勘时间")
    personal = {value for contact in contacts for value in (contact.name, *contact.clear_values().values())}
    named = any(len(value) >= SHORTEST_NAME and value in reason for value in personal)
    if named or carries_personal(reason):
        raise PurposeUnclear("用途或原因里不要写联系人的姓名、电话、邮箱或微信号：这条记录长期保存，以后删除个人信息时不能改它")
    return reason


def day_of(now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """[start, end) of the local day."""
    start = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return start, start + dt.timedelta(days=1)


def lock_person(by: User) -> None:
    """Two requests of one person count and write one after the other, so that a limit cannot be passed by haste."""
    User.objects.select_for_update(of=("self",)).only("pk").get(pk=by.pk)


def used(contacts: Sequence[Contact], *, now: dt.datetime) -> None:
    """Keeping is counted from the last use, unless people agreed on a date."""
    today = timezone.localdate(now)
    for contact in contacts:
        if contact.last_used_on < today:
            contact.last_used_on = today
            if not contact.keep_until_agreed:
                contact.keep_until = end_of_keeping(last_used=today, months=settings.CONTACT_RETENTION_MONTHS)
            contact.save(update_fields=["last_used_on", "keep_until", "updated_at"])


def record(contacts: Sequence[Contact], *, by: User, now: dt.datetime, **fields: Any) -> list[Disclosure]:
    """One row a contact, naming the columns that were filled."""
    return Disclosure.objects.bulk_create(
        Disclosure(contact=contact, by=by, at=now, fields=list(contact.clear_values()), **fields) for contact in contacts
    )
