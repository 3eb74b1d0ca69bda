"""The conditional update: what was checked against a version stays true until the transaction ends.

Every face that changes a row names the version that its user saw. `lock` takes the row's lock and compares; the face then
writes in the same transaction, so nobody can write between the comparison and the save.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)


class Stale(Exception):
    """Somebody has written the row since it was read. `row` is what stands there now, locked."""

    def __init__(self, row: Any) -> None:
        super().__init__(f"{row._meta.label} {row.pk} is at version {row.version}")
        self.row = row


@dataclass(frozen=True)
class Change:
    """Who wrote a row last and when, as far as it is known."""

    by: str
    at: dt.datetime | None


def lock(rows: type[Row] | QuerySet[Row], *, seen: int | None, **key: Any) -> Row:
    """The one row named by `key`, locked to the end of the caller's transaction. Raises Stale unless it is at `seen`."""
    query = rows if isinstance(rows, QuerySet) else rows._default_manager.all()
    row = query.select_for_update(of=("self",)).get(**key)
    if row.version != seen:  # type: ignore[attr-defined]
        raise Stale(row)
    return row


def last_change(row: Any) -> Change:
    """From the row's own date and the admin's log; the log names somebody only where no later write passed it by."""
    at = getattr(row, "updated", None) or getattr(row, "updated_at", None)
    kind = ContentType.objects.get_for_model(type(row))
    entry = LogEntry.objects.filter(content_type=kind, object_id=str(row.pk)).select_related("user").first()
    if entry is None or (at is not None and entry.action_time < at):
        return Change("", at)
    return Change(str(entry.user), at or entry.action_time)
