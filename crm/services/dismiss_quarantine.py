from __future__ import annotations

import datetime as dt

from django.db import transaction

from crm.models import QuarantinedRow
from office.models import User


class NoReason(ValueError):
    """Whoever sets a record aside says why: the next reader sees a firm that is missing, and nothing else."""


class NotWaiting(Exception):
    """Somebody has replayed or dismissed the row, or a newer record took its place."""


def dismiss_quarantine(*, row: int, by: User, reason: str, now: dt.datetime) -> QuarantinedRow:
    """Set a quarantined row aside for good. The source's next different record of the same key is read as any other."""
    if not reason.strip():
        raise NoReason("请写明忽略的理由")
    with transaction.atomic():
        found = QuarantinedRow.objects.select_for_update().get(pk=row)
        if found.state != QuarantinedRow.State.OPEN:
            raise NotWaiting(found.get_state_display())
        found.state, found.handled_by, found.handled_at = QuarantinedRow.State.DISMISSED, by, now
        found.dismissed_because = reason.strip()
        found.save(update_fields=["state", "handled_by", "handled_at", "dismissed_because"])
    return found
