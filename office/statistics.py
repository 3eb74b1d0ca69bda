"""Planner statistics after a bulk load: PostgreSQL gathers them some minutes later by itself, and plans badly until then."""

from __future__ import annotations

from django.db import connection
from django.db.models import Model

# A load below this cannot turn a good plan into a bad one.
WORTH_ANALYSING = 500


def analyse_tables(*models: type[Model], changed: int) -> bool:
    """ANALYZE the models' tables when `changed` rows are many; says whether it did. Works inside a transaction."""
    if changed < WORTH_ANALYSING:
        return False
    tables = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in models)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {tables}")
    return True
