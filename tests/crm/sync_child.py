"""A sync in a process of its own, to be killed:
python -m tests.crm.sync_child URL SLOT MODE STATEMENT [naive ROW]

Kills itself with SIGKILL before its STATEMENT-th database statement (0: never). `naive` replaces the merge by
the one that the harness must catch: cursor first, then row by row; it dies after ROW rows.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DieAt:
    def __init__(self, statement: int) -> None:
        self.left = statement

    def __call__(self, execute: Callable[..., Any], *args: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            die()
        return execute(*args)


def naive_merge(rows: int) -> Callable[[Any], dict[str, int]]:
    from django.db import connection
    from django.utils import timezone

    from crm.models import Company, Source, SourceLink, SyncRun
    from crm.sync.staging import rows_of

    def merge(plan: Any) -> dict[str, int]:
        Source.objects.filter(pk=plan.source_id).update(cursor=plan.cursor)
        SyncRun.objects.filter(pk=plan.run_id).update(status="done", finished_at=timezone.now())
        with connection.cursor() as db:
            db.execute(f"SELECT key, name, status FROM {rows_of(plan.run_id)} ORDER BY n")  # noqa: S608  (names of our own making)
            staged = db.fetchall()
        for done, (key, name, status) in enumerate(staged):
            if done == rows:
                die()
            company = Company.objects.create(name=name, status=status, source_id=plan.source_id)
            SourceLink.objects.create(source_id=plan.source_id, key=key, company=company, key_hash=done)
        return {}

    return merge


def main(url: str, slot: str, mode: str, statement: str, *naive: str) -> None:
    django.setup()
    from django.db import connection

    from crm.services import sync_companies as service
    from tests.crm.conftest import AS_OF

    if naive:
        service.merge = naive_merge(int(naive[1]))
    connection.ensure_connection()
    print("ready", flush=True)
    with connection.execute_wrapper(DieAt(int(statement))):
        service.sync_companies(source_code="sandbox", base_url=url, slot=slot, as_of=AS_OF, full=mode == "full")


if __name__ == "__main__":
    main(*sys.argv[1:])
