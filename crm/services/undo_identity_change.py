from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from crm.models import Company, CompanyIdentifier, IdentityChange, PossibleMatch
from crm.services.identity import PARTS, IdentityRefused, lock_companies
from office.models import User


def undo_identity_change(*, change_id: int, by: User, now: dt.datetime) -> IdentityChange:
    """Put back exactly what the change wrote. Refused where something later stands in the way: undo that first."""
    try:
        with transaction.atomic():
            return _undo(change_id, by, now)
    except IntegrityError as error:
        raise IdentityRefused("撤销后会有两家企业同用一个现用代码或名称：请先处理这些代码") from error


def _undo(change_id: int, by: User, now: dt.datetime) -> IdentityChange:
    change = IdentityChange.objects.get(pk=change_id)
    moved = change.moved
    companies = {change.survivor_id, change.other_id, *(pk for pk, _ in moved.get("merged", []))}
    lock_companies(*companies)
    change.refresh_from_db()
    _check(change, companies)
    _restore_merges(moved.get("merged", []), moved.get("into", change.survivor_id))
    _restore_codes(moved.get("closed", []))
    _restore_rows(moved.get("rows", {}), change)
    if moved.get("made"):  # what a split made goes back into the company it came from; what was done with it since goes along
        _retire(change)
    matches = PossibleMatch.objects.filter(pk__in=moved.get("matches", []))
    matches.update(state=PossibleMatch.State.OPEN, decided_by=None, decided_at=None)
    change.undone_by, change.undone_at = by, now
    change.save(update_fields=["undone_by", "undone_at"])
    return change


def _check(change: IdentityChange, companies: set[int]) -> None:
    if change.undone_at is not None:
        raise IdentityRefused("这次变动已经撤销")
    later = IdentityChange.objects.filter(pk__gt=change.pk, undone_at__isnull=True)
    later = later.filter(Q(survivor__in=companies) | Q(other__in=companies)).order_by("-pk")
    if (newest := later.first()) is not None:
        raise IdentityRefused(f"之后还有一次{newest.get_kind_display()}（编号 {newest.pk}）涉及这些企业：请先撤销那一次")


def _restore_merges(merged: list[list[Any]], into: int | None) -> None:
    """The absorbed company first, which stands last: then it is live again when those that it brought go back to it."""
    for pk, before in reversed(merged):
        if not Company.objects.filter(pk=pk, merged_into=into).update(merged_into=before):
            raise IdentityRefused("企业的归并关系已被改动，不能撤销")


def _restore_codes(closed: list[list[Any]]) -> None:
    for pk, before, after in closed:
        if not CompanyIdentifier.objects.filter(pk=pk, valid_to=after).update(valid_to=before):
            raise IdentityRefused("企业代码在这之后被改动，不能撤销：请先核对代码的停用日期")


def _restore_rows(rows: dict[str, list[int]], change: IdentityChange) -> None:
    for name, keys in rows.items():
        back = PARTS[name].objects.filter(pk__in=keys, company=change.other_id)
        if back.update(company=change.survivor_id) != len(keys):
            raise IdentityRefused("拆出的代码、名称或来源记录在这之后被改动，不能撤销")


def _retire(change: IdentityChange) -> None:
    if Company.objects.filter(merged_into=change.other_id).exists():
        raise IdentityRefused("拆出的企业已并入了别家，不能撤销")
    Company.objects.filter(pk=change.other_id).update(merged_into=change.survivor_id)
