"""Rows as they stood at a moment: today's rows, walked back through the entries that came later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import connection, models

from office.audit.history import decode
from office.audit.registry import readable_fields
from office.audit.triggers import PAGES

Row = dict[str, Any]  # column → value as JSON holds it

_FIRST_AFTER = f"""
SELECT e.kind FROM audit.page p JOIN audit.block b ON b.id = p.id / {PAGES} CROSS JOIN LATERAL audit.lines(p) e
WHERE int8range(p.first_row, p.last_row, '[]') @> %s::bigint AND e.row_id = %s AND b.table_name = %s AND b.at > %s
ORDER BY e.id LIMIT 1
"""  # noqa: S608  # nosec B608 (names of our own models)
_AFTER = f"""
SELECT e.row_id, e.kind, e.data FROM unnest(%s::bigint[]) AS asked(row_id)
JOIN audit.page p ON int8range(p.first_row, p.last_row, '[]') @> asked.row_id
JOIN audit.block b ON b.id = p.id / {PAGES} JOIN LATERAL audit.lines(p) e ON e.row_id = asked.row_id
WHERE b.table_name = %s AND b.at > %s ORDER BY e.id DESC
"""  # noqa: S608  # nosec B608 (names of our own models)
_GONE_SINCE = f"""
SELECT DISTINCT e.row_id FROM audit.block b
JOIN audit.page p ON p.id > b.id * {PAGES} AND p.id < (b.id + 1) * {PAGES} CROSS JOIN LATERAL audit.lines(p) e
WHERE b.table_name = %s AND b.at > %s AND b.verb IN ('D', 'U') AND e.kind = 'D' ORDER BY e.row_id
"""  # noqa: S608  # nosec B608 (names of our own models)


class CameLater(models.Expression):
    """Whether a row's first entry after the moment is the one that made it."""

    output_field = models.BooleanField()

    def __init__(self, model: type[models.Model], moment: dt.datetime) -> None:
        super().__init__()
        self.model, self.moment = model, moment

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        quote = connection.ops.quote_name
        key = f"{quote(self.model._meta.db_table)}.{quote(self.model._meta.pk.column)}"
        query = _FIRST_AFTER.replace("%s", key, 2)
        return f"coalesce(({query}) = 'I', false)", [self.model._meta.db_table, self.moment]


def rows_at(queryset: models.QuerySet[Any], moment: dt.datetime, *, limit: int, offset: int = 0) -> list[tuple[int, Row]]:
    """(key, row) of the queryset's rows that were there at the moment, as they were then, by key."""
    model = queryset.model
    there = queryset.alias(_came_later=CameLater(model, moment)).filter(_came_later=False).order_by("pk")
    keys = list(there.values_list("pk", flat=True)[offset:offset + limit])
    return _walked_back(model, keys, _now(model, keys), moment)


def gone_at(model: type[models.Model], moment: dt.datetime) -> list[tuple[int, Row]]:
    """(key, row) of rows that were there at the moment and have been removed since."""
    with connection.cursor() as cursor:
        cursor.execute(_GONE_SINCE, [model._meta.db_table, moment])
        keys = [row[0] for row in cursor.fetchall()]
    back = set(model._base_manager.filter(pk__in=keys).values_list("pk", flat=True))
    return _walked_back(model, [key for key in keys if key not in back], {}, moment)


def truncated_since(model: type[models.Model], moment: dt.datetime) -> bool:
    """Whether the table was emptied at one blow, which leaves a count and no rows to bring back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM audit.block WHERE table_name = %s AND at > %s AND verb = 'T')",
            [model._meta.db_table, moment],
        )
        return bool(cursor.fetchone()[0])


def _now(model: type[models.Model], keys: Sequence[int]) -> dict[int, Row]:
    """The present rows in the words of the audit: what PostgreSQL makes of them as JSON."""
    quote = connection.ops.quote_name
    pk, table = quote(model._meta.pk.column), quote(model._meta.db_table)
    fields = readable_fields(model)
    pairs = ", ".join(f"to_json({quote(field.column)})::text" for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {pk}, {pairs or 'NULL'} FROM {table} WHERE {pk} = ANY(%s)", [list(keys)])  # noqa: S608  # nosec B608 (names of our own models)
        return {
            row[0]: {
                field.column: None if text is None else decode(text)
                for field, text in zip(fields, row[1:], strict=bool(fields))
            }
            for row in cursor.fetchall()
        }


def _walked_back(
    model: type[models.Model], keys: Sequence[int], now: dict[int, Row], moment: dt.datetime
) -> list[tuple[int, Row]]:
    state: dict[int, Row | None] = dict(now)
    with connection.cursor() as cursor:
        cursor.execute(_AFTER, [list(keys), model._meta.db_table, moment])
        for key, kind, data in cursor.fetchall():
            values = decode(data)
            if kind == "I":
                state[key] = None
            elif kind == "D":
                state[key] = values
            else:
                state[key] = (state.get(key) or {}) | {name: pair[0] for name, pair in values.items()}
    return [(key, row) for key in keys if (row := state.get(key)) is not None]
