"""From a company row to the live company that it is now. Merges are one level deep: a trigger holds it, and so no reader
needs more than one step (`Company.root` for a row in hand, with `select_related("company__merged_into")`)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from crm.models import Company


def live() -> QuerySet[Company]:
    return Company.objects.filter(merged_into__isnull=True)


def root_of(path: str = "") -> Coalesce:
    """The id of the live company behind a company row or, with `path`, behind a foreign key."""
    return Coalesce(F(f"{path}merged_into"), F(f"{path}id" if path else "id"))


def roots(company_ids: Iterable[int]) -> dict[int, int]:
    """Company → the live company that it is now (1 query)."""
    rows = Company.objects.filter(pk__in=list(company_ids)).values_list("pk", "merged_into_id")
    return {company: into or company for company, into in rows}


def with_absorbed(matching: Q) -> Q:
    """Companies that match, and those that have absorbed one that does."""
    absorbed = Company.objects.filter(matching, merged_into__isnull=False)
    return matching | Q(pk__in=absorbed.values("merged_into"))
