"""An officer confirms or rejects a placement."""

from __future__ import annotations

from django.db import transaction

from chains.models import Placement
from office.models import User


def decide_placement(*, placement_id: int, confirmed: bool, by: User) -> Placement:
    """Settle a placement: confirmed counts with probability 1, rejected not at all; the placer leaves both alone."""
    with transaction.atomic():
        row = Placement.objects.select_for_update().get(pk=placement_id)
        row.state = Placement.State.CONFIRMED if confirmed else Placement.State.REJECTED
        row.probability = 1.0 if confirmed else 0.0
        row.decided_by = by
        row.save(update_fields=["state", "probability", "decided_by"])
    return row
