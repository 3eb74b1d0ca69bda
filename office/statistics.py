"""Planner statistics after a bulk load: PostgreSQL gathers them some minutes later by itself, and plans badly until then."""

from __future__ import annotations

from django.db import connection
from django.db.models import Model

# A load below this cannot turn a good plan into a bad one.
WORTH_ANALYSING = 500
# Nor can one below this share of a table: what autovacuum goes by too (autovacuum_analyze_scale_factor).
SHARE = 0.1


def analyse_tables(*models: type[Model], changed: int) -> bool:
    """ANALYZE those of the models' tables in which `changed` rows are many, by number and by share; says whether there were
    any. Works inside a transaction."""
    if changed < WORTH_ANALYSING:
        return False
    names = [model._meta.db_table for model in models]
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE oid = ANY(%s::regclass[]) AND reltuples * %s <= %s ORDER BY relname",
                       [[connection.ops.quote_name(name) for name in names], SHARE, changed])
        tables = ", ".join(connection.ops.quote_name(name) for name, in cursor.fetchall())
        if tables:
            cursor.execute(f"ANALYZE {tables}")
    return bool(tables)
