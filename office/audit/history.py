"""The entries of a record and of the rows that hang on it, newest first."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection, models

from office.audit.triggers import PAGES

_COLUMNS = "e.id, e.row_id, e.kind, e.data, b.at, b.actor, b.channel, b.request_id, b.table_name"
_OF_ROWS = f"""
SELECT {_COLUMNS}
FROM unnest(%s::text[], %s::bigint[]) AS asked(table_name, row_id)
JOIN audit.page p ON int8range(p.first_row, p.last_row, '[]') @> asked.row_id
JOIN audit.block b ON b.id = p.id / {PAGES} AND b.table_name = asked.table_name
JOIN LATERAL audit.lines(p) e ON e.row_id = asked.row_id
ORDER BY e.id DESC LIMIT %s OFFSET %s
"""  # noqa: S608  # nosec B608 (names of our own models)
_IN_BLOCK = f"""
SELECT {_COLUMNS} FROM audit.block b JOIN audit.page p ON p.id > b.id * {PAGES} AND p.id < (b.id + 1) * {PAGES}
CROSS JOIN LATERAL audit.lines(p) e WHERE b.id = %s ORDER BY e.id LIMIT %s
"""  # noqa: S608  # nosec B608 (names of our own models)
# Removals are few, so the blocks of the table are walked instead of keeping an index on every parent.
_GONE = f"""
SELECT e.row_id FROM audit.block b JOIN audit.page p ON p.id > b.id * {PAGES} AND p.id < (b.id + 1) * {PAGES}
CROSS JOIN LATERAL audit.lines(p) e
WHERE b.table_name = %s AND b.verb = 'D' AND e.data::json ->> %s = %s
"""  # noqa: S608  # nosec B608 (names of our own models)


@dataclass(frozen=True)
class Event:
    """One changed row at one moment. `values`: column → (before, after); of a new row only after, of a gone one before."""

    id: int
    table: str
    row_id: int
    kind: str
    values: dict[str, tuple[Any, Any]]
    digest_only: bool
    at: dt.datetime
    actor: str
    channel: str
    request_id: str


def events_of(rows: Sequence[tuple[str, int]], *, limit: int, offset: int = 0) -> list[Event]:
    """The newest events of (table, row) pairs."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_ROWS, [[table for table, _ in rows], [pk for _, pk in rows], limit, offset])
        return [_event(*row) for row in cursor.fetchall()]


def events_in(block: int, *, limit: int) -> list[Event]:
    """The first events of one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_IN_BLOCK, [block, limit])
        return [_event(*row) for row in cursor.fetchall()]


def children_of(parent: models.Model, child: type[models.Model], field: str, present: Sequence[int]) -> list[tuple[str, int]]:
    """(table, row) of a parent's rows in another table: those that are there, and those that were removed."""
    table, column = child._meta.db_table, child._meta.get_field(field).column
    with connection.cursor() as cursor:
        cursor.execute(_GONE, [table, column, str(parent.pk)])
        gone = [row[0] for row in cursor.fetchall()]
    return [(table, pk) for pk in dict.fromkeys([*present, *gone])]


def decode(data: str) -> dict[str, Any]:
    """Amounts stay exact."""
    return json.loads(data, parse_float=Decimal)  # type: ignore[no-any-return]


def _event(
    id_: int, row_id: int, kind: str, data: str, at: dt.datetime, actor: str, channel: str, request_id: str, table: str
) -> Event:
    values = decode(data)
    digest_only = kind == "I" and list(values) == ["#"]
    if kind == "U":
        pairs = {name: (pair[0], pair[1]) for name, pair in values.items()}
    elif kind == "D":
        pairs = {name: (value, None) for name, value in values.items()}
    else:
        pairs = {} if digest_only else {name: (None, value) for name, value in values.items()}
    return Event(id_, table, row_id, kind, pairs, digest_only, at, actor, channel, request_id)
