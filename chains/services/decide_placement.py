"""An officer confirms or rejects placements."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from chains.models import Placement
from office.models import User
from projects.models import Project

# What became of each row of a decision on many.
DONE, SAME, SETTLED = "done", "same", "settled"


def decide_placement(*, placement_id: int, confirmed: bool, by: User) -> Placement:
    """Settle a placement: confirmed counts with probability 1, rejected not at all; the placer leaves both alone."""
    with transaction.atomic():
        row = _locked([placement_id])[0]
        _write(row, confirmed, by)
    return row


def decide_placements(*, placement_ids: Iterable[int], confirmed: bool, by: User) -> dict[int, str]:
    """Settle many at once, each with a named result.

    A list does not say what stood in it when it was drawn, so a colleague's opposite decision stays (SETTLED): it is
    changed on the placement's own page, which shows it first.
    """
    wanted = Placement.State.CONFIRMED if confirmed else Placement.State.REJECTED
    results = {}
    with transaction.atomic():
        for row in _locked(placement_ids):
            if row.state == wanted:
                results[row.pk] = SAME
            elif row.state != Placement.State.CANDIDATE and row.decided_by_id != by.pk:
                results[row.pk] = SETTLED
            else:
                _write(row, confirmed, by)
                results[row.pk] = DONE
    return results


def _locked(ids: Iterable[int]) -> list[Placement]:
    """Projects first, then placements, each in order: all who lock several do so alike, and never wait in a ring."""
    wanted = list(ids)
    list(Project.objects.filter(placements__in=wanted).order_by("pk").select_for_update(of=("self",)).values_list("pk"))
    return list(Placement.objects.filter(pk__in=wanted).order_by("pk").select_for_update())


def _write(row: Placement, confirmed: bool, by: User) -> None:
    row.state = Placement.State.CONFIRMED if confirmed else Placement.State.REJECTED
    row.probability = 1.0 if confirmed else 0.0
    row.decided_by = by
    row.save(update_fields=["state", "probability", "decided_by"])
