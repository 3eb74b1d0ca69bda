"""A person's word on a possible match: one firm, or two."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.db import transaction

from crm.models import PossibleMatch
from crm.services.identity import IdentityRefused
from crm.services.merge_companies import merge_companies
from office.models import User


def decide_match(
    *, match_id: int, same: bool, by: User, now: dt.datetime, reason: str = "", survivor_id: int | None = None
) -> PossibleMatch:
    """For a pair of companies `same` merges them into the chosen one. A record goes into the company, or, once all its
    candidates are refused, becomes a new one."""
    row_id = PossibleMatch.objects.values_list("row_id", flat=True).get(pk=match_id)
    if row_id is None:
        return _decide_pair(match_id, same, by, now, reason, survivor_id)
    match, target, settled = _decide_row(match_id, same, by, now)
    if settled:
        _replay(row_id, target, by, now)
    return match


@transaction.atomic
def _decide_pair(match_id: int, same: bool, by: User, now: dt.datetime, reason: str, survivor_id: int | None) -> PossibleMatch:
    match = _open(match_id)
    if same:
        sides = {match.company_id, match.other_id}
        if survivor_id not in sides:
            raise IdentityRefused("请选择留存的企业")
        absorbed = next(iter(sides - {survivor_id}))
        merge_companies(survivor_id=survivor_id, absorbed_id=absorbed, by=by, reason=reason, now=now)  # it settles the pair
        match.refresh_from_db()
        return match
    return _settle(match, PossibleMatch.State.DIFFERENT, by, now)


@transaction.atomic
def _decide_row(match_id: int, same: bool, by: User, now: dt.datetime) -> tuple[PossibleMatch, int | None, bool]:
    """The match, the company that the record goes into, and whether there is nothing left to ask about the record."""
    match = _open(match_id)
    rest = PossibleMatch.objects.select_for_update().filter(row=match.row, state=PossibleMatch.State.OPEN).exclude(pk=match.pk)
    if same:
        for other in rest.order_by("pk"):
            _settle(other, PossibleMatch.State.DIFFERENT, by, now)
        return _settle(match, PossibleMatch.State.SAME, by, now), match.company.root.pk, True
    return _settle(match, PossibleMatch.State.DIFFERENT, by, now), None, not rest.exists()


def _open(match_id: int) -> PossibleMatch:
    match = PossibleMatch.objects.select_for_update(of=("self",)).select_related("company__merged_into").get(pk=match_id)
    if match.state != PossibleMatch.State.OPEN:
        raise IdentityRefused(f"这一对已判断为“{match.get_state_display()}”")
    return match


def _settle(match: PossibleMatch, state: str, by: User, now: dt.datetime) -> PossibleMatch:
    match.state, match.decided_by, match.decided_at = state, by, now
    match.save(update_fields=["state", "decided_by", "decided_at"])
    return match


def _replay(row_id: int, company: int | None, by: User, now: dt.datetime) -> Mapping[str, int]:
    """Outside the decision's transaction: a run of its own. Where it fails the decision stands, and the row can be replayed."""
    from crm.services.replay_quarantine import replay_quarantine  # reads connectors; not needed for pairs

    counts: Mapping[str, int] = replay_quarantine(rows=[row_id], by=by, now=now, companies={row_id: company})
    return counts
