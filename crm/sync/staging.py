"""Pages into staging: one transaction a page, COPY, with the staged cursor beside the rows."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection, transaction

from crm.models import SyncIssue, SyncRun
from crm.sync.records import Parsed, RowIssue

_COPY_ROWS = "COPY crm_stagedrecord (run_id, seq, source_key, op, payload, hash, result) FROM STDIN"


def stage_page(run: SyncRun, parsed: Parsed, *, cursor: dict[str, Any], page_hash: str) -> None:
    """Write a page's rows and issues and move the run's staged cursor, all or nothing."""
    with transaction.atomic():
        with connection.cursor() as db, db.copy(_COPY_ROWS) as copy:
            for row in parsed.rows:
                copy.write_row((run.pk, row.seq, row.key, row.op, json.dumps(row.values, ensure_ascii=False), row.hash,
                                StagedRecord.Result.STAGED.value))
            for key, seq in parsed.bad_keys:
                copy.write_row((run.pk, seq, key, "upsert", None, "", StagedRecord.Result.INVALID.value))
        write_issues(run, parsed.issues)
        run.staged_cursor, run.page_hash = cursor, page_hash
        run.save(update_fields=["staged_cursor", "page_hash"])


def write_issues(run: SyncRun, issues: list[RowIssue]) -> None:
    SyncIssue.objects.bulk_create(
        [SyncIssue(run=run, source_key=issue.key, field=issue.field[:64], severity=issue.severity, reason=issue.reason,
                   payload=issue.payload) for issue in issues],
        batch_size=1_000,
    )


def clear_staging(run: SyncRun) -> None:
    """Forget what an earlier attempt of this run staged."""
    with transaction.atomic():
        run.rows.all().delete()
        run.issues.all().delete()
        run.staged_cursor, run.page_hash = {}, ""
        run.save(update_fields=["staged_cursor", "page_hash"])
