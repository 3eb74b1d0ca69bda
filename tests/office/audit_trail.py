"""What the audit tests share: the trail of a row, and a superuser who may do what the program may not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection, models

from office.models import AuditBlock, AuditEntry


@dataclass(frozen=True)
class Step:
    kind: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    actor: str
    actor_id: int | None
    channel: str
    request_id: str
    db_user: str


def trail(row: models.Model | type[models.Model], pk: int | None = None) -> list[Step]:
    """The entries of a row, or of all rows of a model, oldest first."""
    blocks = {block.pk: block for block in AuditBlock.objects.filter(table_name=row._meta.db_table)}
    number = pk if pk is not None or isinstance(row, type) else row.pk
    steps = []
    for entry in AuditEntry.objects.order_by("pk"):
        block = blocks.get(entry.block_id)
        if block is not None and number in (None, entry.row_id):
            steps.append(Step(
                entry.kind, entry.before(), entry.after(), block.actor, block.actor_id, block.channel, block.request_id,
                block.db_user,
            ))
    return steps


def dsn(**changes: str) -> dict[str, str]:
    entry = connection.settings_dict
    return {
        "host": entry["HOST"], "user": entry["USER"], "password": entry["PASSWORD"], "dbname": entry["NAME"], **changes
    }


def superuser_dsn() -> dict[str, str]:
    folder = Path(os.environ["TEST_DATA_DIRECTORY"]).parent
    return dsn(user="postgres", password=(folder / "postgres-password").read_text().strip())


@contextmanager
def unguarded() -> Iterator[psycopg.Cursor[Any]]:
    """A superuser with every trigger switched off: the strongest forger inside the server."""
    with psycopg.connect(**superuser_dsn()) as link, link.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        yield cursor


def wipe() -> None:
    with unguarded() as cursor:
        cursor.execute("TRUNCATE audit.block, audit.page, audit.link RESTART IDENTITY")


def backdate(*, days: int) -> None:
    """Let everything written so far have been written earlier; within the test's transaction, which is rolled back.

    The role of the tests cannot do it, so the keeper lends it his rights through a function of his own.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.test_backdate(%s)", [days])


def lend_backdate() -> None:
    with unguarded() as cursor:
        cursor.execute("""
            CREATE OR REPLACE FUNCTION public.test_backdate(days integer) RETURNS void
            LANGUAGE plpgsql SECURITY DEFINER SET session_replication_role = replica AS
            $$ BEGIN UPDATE audit.block SET at = at - make_interval(days => days); END $$
        """)
