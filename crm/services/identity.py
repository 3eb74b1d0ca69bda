"""What merging, splitting and undoing share: the lock, the live company, the words of a refusal.

Merges are one level deep (a trigger holds it): an absorbed company points at a live one. A merge of a company that has
absorbed others takes those along, and `IdentityChange.moved` says what stood before, so that undoing restores it exactly.

    moved = {"merged": [[company, before]], "closed": [[identifier, before, after]], "rows": {table: [pk]}}
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection

from crm.models import Company, CompanyGrade, CompanyIdentifier, CompanyName, IdentityChange, SourceLink

_LOCK = 0x4944454E  # "IDEN": identity changes are rare and made by people, so they go one at a time
# What can be told apart in a split: table → model.
PARTS: dict[str, Any] = {
    "identifiers": CompanyIdentifier, "former_names": CompanyName, "links": SourceLink, "grades": CompanyGrade,
}


class IdentityRefused(ValueError):
    """The change would break something; the message says what, in Chinese."""


def lock_companies(*company_ids: int) -> dict[int, Company]:
    """The lock of all identity changes, then the rows in the order of their ids. Needs a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    rows = Company.objects.select_for_update(of=("self",)).filter(pk__in=company_ids).order_by("pk")
    found = {row.pk: row for row in rows}
    if missing := set(company_ids) - found.keys():
        raise IdentityRefused(f"没有这家企业：{min(missing)}")
    return found


def check_reason(reason: str) -> str:
    text = reason.strip()
    if not text:
        raise IdentityRefused("请写明理由")
    limit = IdentityChange._meta.get_field("reason").max_length or 0
    if len(text) > limit:
        raise IdentityRefused(f"理由不超过 {limit} 字")
    return text


def close(alias: CompanyIdentifier, *, on: dt.date) -> list[Any]:
    """End a live code on a date, at the earliest the day after it began; what stood before, for undoing."""
    alias.valid_to = on if alias.valid_from is None or alias.valid_from < on else alias.valid_from + dt.timedelta(days=1)
    alias.save(update_fields=["valid_to"])
    return [alias.pk, None, alias.valid_to.isoformat()]
