"""Between fetch and merge a run's rows stand in an unlogged table of its own: cheap to fill, and one DROP takes it away.

    staging.rows_<run>   the records that may say something new
    staging.seen_<run>   the hashes of all keys met, packed by page: absence is judged by them, also after a kill

Each page is one transaction together with the run's staged cursor. A crash of the server empties unlogged tables; the
cursor counts the pages, so that a run that comes back finds out and starts over.
"""

# ruff: noqa: S608  (table names of our own making: a constant and a run's number)

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from django.db import connection, transaction

from crm.models import QuarantinedRow, SyncIssue, SyncRun
from crm.sync.columns import COLUMNS, COPY_OPTIONS, EXTRAS, STAGED
from crm.sync.digests import Hashes
from crm.sync.records import Reject

_TYPES = {
    "n": "bigint", "key": "text", "key_hash": "bigint", "seq": "bigint", "op": "text", "digest": "bigint", "scheme": "text",
    "code": "text", "updated_at": "timestamptz", **COLUMNS, **dict.fromkeys(EXTRAS, "jsonb"),
}
_COLUMNS = ", ".join(f"{name} {_TYPES[name]}" for name in STAGED)


def rows_of(run_id: int) -> str:
    return f"staging.rows_{int(run_id)}"


def seen_of(run_id: int) -> str:
    return f"staging.seen_{int(run_id)}"


def open_staging(run: SyncRun) -> bool:
    """Make the run's tables, or find those that a killed attempt left; says whether its pages are all still there."""
    with transaction.atomic(), connection.cursor() as db:
        db.execute(f"CREATE UNLOGGED TABLE IF NOT EXISTS {rows_of(run.pk)} ({_COLUMNS})")
        db.execute(f"CREATE UNLOGGED TABLE IF NOT EXISTS {seen_of(run.pk)} (page integer PRIMARY KEY, hashes bytea)")
        db.execute(f"SELECT count(*) FROM {seen_of(run.pk)}")  # nosec B608 (a table of our own making)
        pages = db.fetchone()[0]
    return bool(pages == run.staged_cursor.get("pages", 0))


def drop_staging(run_id: int) -> None:
    with connection.cursor() as db:
        db.execute(f"DROP TABLE IF EXISTS {rows_of(run_id)}, {seen_of(run_id)}")


def clear_staging(run: SyncRun) -> None:
    """Forget what an earlier attempt of this run staged."""
    with transaction.atomic():
        drop_staging(run.pk)
        run.issues.all().delete()
        run.quarantined.all().delete()
        run.staged_cursor, run.page_hash, run.progress = {}, "", {}
        run.save(update_fields=["staged_cursor", "page_hash", "progress"])


def stage_page(run: SyncRun, lines: Sequence[str], rejects: Sequence[Reject], hashes: Hashes, *, page: int,
               digests: Mapping[str, int]) -> None:
    """Write a page's rows and rejects and the run's cursor (set by the caller on `run`), all or nothing."""
    with transaction.atomic():
        with connection.cursor() as db:
            if lines:
                with db.copy(f"COPY {rows_of(run.pk)} FROM STDIN {COPY_OPTIONS}") as copy:
                    copy.write("\n".join(lines) + "\n")
            db.execute(f"INSERT INTO {seen_of(run.pk)} VALUES (%s, %s)", [page, hashes.astype(">i8").tobytes()])  # nosec B608 (a table of our own making)
        quarantine(run, rejects, page=page, digests=digests)
        run.save(update_fields=["staged_cursor", "page_hash", "progress"])


def hashes_of(run_id: int) -> Hashes:
    """The key hashes of every record that the run has met, in order."""
    with connection.cursor() as db:
        db.execute(f"SELECT hashes FROM {seen_of(run_id)} ORDER BY page")  # nosec B608 (a table of our own making)
        return np.frombuffer(b"".join(bytes(row[0]) for row in db.fetchall()), dtype=">i8").astype(np.int64)


def quarantine(run: SyncRun, rejects: Sequence[Reject], *, page: int, digests: Mapping[str, int]) -> None:
    """A quarantined row for each reject, with one issue for each of its reasons."""
    rows = QuarantinedRow.objects.bulk_create(
        [QuarantinedRow(run=run, source_key=r.key, seq=r.seq, page=page, payload=r.payload, digest=digests.get(r.key, 0))
         for r in rejects],
        batch_size=1_000,
    )
    SyncIssue.objects.bulk_create(
        [SyncIssue(run=run, row=row, source_key=reject.key, field=field[:64], severity=SyncIssue.Severity.ERROR, reason=reason)
         for row, reject in zip(rows, rejects, strict=True) for field, reason in reject.errors],
        batch_size=1_000,
    )


def write_notices(run: SyncRun, notices: Sequence[tuple[str, str, str]]) -> None:
    """(source key, field, what somebody should know)."""
    SyncIssue.objects.bulk_create(
        [SyncIssue(run=run, source_key=key, field=field[:64], severity=SyncIssue.Severity.NOTICE, reason=reason)
         for key, field, reason in notices],
        batch_size=1_000,
    )
