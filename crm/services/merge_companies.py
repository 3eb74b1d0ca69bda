from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils import timezone

from crm.models import Company, CompanyIdentifier, IdentityChange, PossibleMatch
from crm.services.identity import IdentityRefused, check_reason, close, lock_companies
from office.models import User


@transaction.atomic
def merge_companies(*, survivor_id: int, absorbed_id: int, by: User, reason: str, now: dt.datetime) -> IdentityChange:
    """Two rows are one firm: the absorbed points at the survivor and keeps its codes, names, links, projects and placements.

    No foreign key is rewritten. A code of the absorbed ends today where the survivor has one of its own; where it has
    none, the firm is registered under the absorbed's code, which therefore stays in force on its own row.
    """
    why = check_reason(reason)
    if survivor_id == absorbed_id:
        raise IdentityRefused("不能把企业并入它自己")
    companies = lock_companies(survivor_id, absorbed_id)
    survivor, absorbed = companies[survivor_id], companies[absorbed_id]
    _check(survivor, absorbed)
    merged = _take_along(survivor, absorbed)
    closed = _close_codes(survivor, absorbed, on=timezone.localdate(now))
    pair = PossibleMatch.objects.filter(company_id__in=companies, other_id__in=companies, state=PossibleMatch.State.OPEN)
    matches = list(pair.values_list("pk", flat=True))
    pair.update(state=PossibleMatch.State.SAME, decided_by=by, decided_at=now)
    return IdentityChange.objects.create(
        kind=IdentityChange.Kind.MERGE, survivor=survivor, other=absorbed, reason=why, by=by, at=now,
        moved={"merged": merged, "closed": closed, "matches": matches},
    )


def _check(survivor: Company, absorbed: Company) -> None:
    if absorbed.merged_into_id == survivor.pk:
        raise IdentityRefused(f"{absorbed.code} 已并入 {survivor.code}")
    if survivor.merged_into_id == absorbed.pk:
        raise IdentityRefused(f"{survivor.code} 已并入 {absorbed.code}：不能互相并入")
    for company in (survivor, absorbed):
        if company.merged_into is not None:
            into = company.merged_into
            raise IdentityRefused(f"{company.code} 已并入 {into.code} {into.name}：请改选 {into.code}，或先撤销那次合并")


def _take_along(survivor: Company, absorbed: Company) -> list[list[Any]]:
    """First those that the absorbed has absorbed before, then itself: at no moment is a merge two levels deep."""
    before: list[list[Any]] = []
    taken = Company.objects.select_for_update(of=("self",)).filter(merged_into=absorbed).order_by("pk")
    for company in [*taken, absorbed]:
        before.append([company.pk, company.merged_into_id])
        company.merged_into = survivor
        company.save(update_fields=["merged_into", "updated_at"])
    return before


def _close_codes(survivor: Company, absorbed: Company, *, on: dt.date) -> list[list[Any]]:
    live = CompanyIdentifier.objects.select_for_update().filter(valid_to__isnull=True)
    family = Company.objects.filter(merged_into=survivor).exclude(pk=absorbed.pk).values("pk")
    own = set(live.filter(company=survivor).values_list("scheme", flat=True))
    closed = [close(alias, on=on) for alias in live.filter(company=absorbed).order_by("pk") if alias.scheme in own]
    # Of those that came along, at most one code of a scheme may be the firm's: the survivor's, or else the absorbed's.
    own |= set(live.filter(company=absorbed).values_list("scheme", flat=True))
    for alias in live.filter(company__in=family).order_by("pk"):
        if alias.scheme in own:
            closed.append(close(alias, on=on))
        own.add(alias.scheme)
    return closed
