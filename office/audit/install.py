"""Bring the triggers into line with the models, after every migrate. One query where nothing changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connections, transaction

from office.audit.registry import table_of, watched
from office.audit.triggers import TRIGGERS, Table, bridge_sql, fingerprint, install_sql, remove_sql

SCHEMA = Path(__file__).parent / "schema.sql"

# Comment of every audit function, and how many of its triggers fire. A disabled trigger ('D') counts as none.
_INSTALLED = """
SELECT substr(p.proname, 7), coalesce(obj_description(p.oid, 'pg_proc'), ''),
       (SELECT count(*) FROM pg_trigger t WHERE t.tgfoid = p.oid AND t.tgenabled <> 'D'
         AND t.tgrelid = to_regclass(format('public.%%I', substr(p.proname, 7))) AND t.tgname = ANY(%s))
FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f' AND p.prorettype = 'trigger'::regtype
  AND starts_with(p.proname, 'audit_')
"""


def create_schema(cursor: Any) -> None:
    """Make the audit's own tables where nobody with more rights has made them yet."""
    cursor.execute("SELECT to_regnamespace('audit') IS NULL")
    if cursor.fetchone()[0]:
        cursor.execute(SCHEMA.read_text(encoding="utf-8"))


def wanted() -> dict[str, Table]:
    return {table.name: table for table in map(table_of, watched())}


def state(using: str = "default") -> tuple[list[Table], list[str]]:
    """(tables whose triggers are missing, disabled or of an earlier form; tables that are no longer to be audited)."""
    with connections[using].cursor() as cursor:
        cursor.execute(_INSTALLED, [[name for name, _when, _tables in TRIGGERS]])
        found = {name: (comment, count) for name, comment, count in cursor.fetchall()}
    asked = wanted()
    stale = [table for name, table in asked.items() if found.get(name) != (fingerprint(table), len(TRIGGERS))]
    return stale, sorted(found.keys() - asked.keys())


def install(using: str = "default") -> list[str]:
    """Returns the tables whose triggers were made anew."""
    stale, left = state(using)
    if stale or left:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            for table in stale:
                cursor.execute(install_sql(table))
            for name in left:
                cursor.execute(remove_sql(name))
    return [table.name for table in stale]


def after_migrate(sender: Any, using: str, **_: Any) -> None:
    """Receiver of post_migrate of the last app, when every table is there."""
    if sender is _last_app():
        install(using)


def before_migrate(sender: Any, using: str, plan: list[Any], **_: Any) -> None:
    """Receiver of pre_migrate: the columns are about to change, and data migrations must be audited all the same.

    The fast functions name columns; until the migrations are through, slower ones stand in that look at whole rows.
    """
    if sender is not _last_app() or not plan:
        return
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(_INSTALLED, [[name for name, _when, _tables in TRIGGERS]])
        there = {name for name, _comment, _count in cursor.fetchall()}
        for name, table in wanted().items():
            if name in there:
                cursor.execute(bridge_sql(table))


def _last_app() -> Any:
    return [config for config in apps.get_app_configs() if config.models_module is not None][-1]


def missing(using: str = "default") -> list[str]:
    return sorted(table.name for table in state(using)[0])


