"""Quarantined rows once more through the reader and the merge, as corrected by a person or with a company chosen for them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, transaction

from crm.models import PossibleMatch, QuarantinedRow, Source, SourceLink, SyncIssue, SyncRun
from crm.services.sync_companies import recorded, source_lock
from crm.sync.columns import COPY_OPTIONS
from crm.sync.connector import Connector, load_connector
from crm.sync.digests import hash_keys
from crm.sync.intake import line_of
from crm.sync.merge import MergePlan, merge
from crm.sync.records import Row, pinyin_of, read_values
from crm.sync.staging import open_staging, rows_of
from office.audit import context
from office.clock import database_now
from office.models import User


def replay_quarantine(*, rows: Sequence[int], by: User | None, now: dt.datetime,
                      companies: Mapping[int, int | None] | None = None) -> dict[str, int]:
    """Merge open quarantined rows; returns {"REPLAYED": …, "INVALID": …, …} over all of them.

    `companies`: row → the company that it is (None: a new one), where a person decided. A row that is still wrong keeps
    waiting, with its new reasons. A record without a code for which no company is proposed, or which none of those
    proposed is, becomes a new company: who replays it says so. Rows that are no longer open count as SKIP.
    """
    found = QuarantinedRow.objects.filter(pk__in=rows).select_related("run__source")
    counts: Counter[str] = Counter()
    by_source: dict[Source, list[QuarantinedRow]] = {}
    for row in found.order_by("id"):
        by_source.setdefault(row.run.source, []).append(row)
    for source, its_rows in by_source.items():
        with source_lock(source):
            counts += Counter(_replay(source, its_rows, by, now, companies or {}))
    return dict(counts)


def _replay(source: Source, rows: list[QuarantinedRow], by: User | None, now: dt.datetime,
            companies: Mapping[int, int | None]) -> dict[str, int]:
    connector = load_connector(source.connector or source.code)
    slot = f"replay-{database_now():%Y%m%dT%H%M%S.%f}"
    run = SyncRun.objects.create(source=source, slot=slot, mode=SyncRun.Mode.REPLAY)
    good, counts = [], Counter[str]()
    for row in rows:
        values, errors = _read(row, connector)
        if row.state != QuarantinedRow.State.OPEN:
            counts["SKIP"] += 1
        elif errors:
            _give_reasons(row, errors)
            counts["INVALID"] += 1
        else:
            good.append((row, values))
    with recorded(run), context.through(context.SYNC):
        merged = _merge(run, source, connector, good, now, companies)
        counts += Counter(_mark(run, good, by, now))
        counts["NEW"] += merged.get("NEW", 0)
        counts["UPDATE"] += merged.get("UPDATE", 0)
    return dict(counts)


def _read(row: QuarantinedRow, connector: Connector) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    content = row.corrected if row.corrected is not None else row.payload
    if not isinstance(content, dict):
        return {}, [("", "记录不是键值表，无法重放：请更正内容或忽略")]
    if not row.source_key:
        return {}, [("", "记录没有数据源编号，无法重放：请请数据源补上编号")]
    if "values" in content:  # it was read already, and waited for a decision
        values = dict(content["values"])
        code, scheme = values.pop("code", None), values.pop("scheme", "uscc")
        values |= pinyin_of(str(values.get("name") or ""))
        return values | ({} if code is None else {"uscc" if scheme == "uscc" else "foreign_code": code}), []
    return read_values(content, connector)


def _give_reasons(row: QuarantinedRow, errors: list[tuple[str, str]]) -> None:
    with transaction.atomic():
        row.issues.all().delete()
        SyncIssue.objects.bulk_create([
            SyncIssue(run_id=row.run_id, row=row, source_key=row.source_key, field=name[:64], reason=reason)
            for name, reason in errors
        ])


def _merge(run: SyncRun, source: Source, connector: Connector, good: list[tuple[QuarantinedRow, dict[str, Any]]],
           now: dt.datetime, companies: Mapping[int, int | None]) -> dict[str, Any]:
    open_staging(run)
    hashes = hash_keys([row.source_key for row, _values in good])
    lines = [line_of(Row(row.source_key, row.seq, "upsert", values, 0), i, hashes[i], row.digest)
             for i, (row, values) in enumerate(good)]
    if lines:
        with connection.cursor() as db, db.copy(f"COPY {rows_of(run.pk)} FROM STDIN {COPY_OPTIONS}") as copy:
            copy.write("\n".join(lines) + "\n")
    assigned = {row.source_key: companies[row.pk] for row, _values in good if row.pk in companies}
    assigned |= {row.source_key: None for row, values in good if row.pk not in companies and _is_nobody(row, values)}
    known = SourceLink.objects.filter(source=source, gone="").count()
    return merge(MergePlan(
        run_id=run.pk, source_id=source.pk, mode=SyncRun.Mode.REPLAY, cursor=None, as_of=now.date(),
        thresholds=connector.thresholds, fetched=len(good), staged=len(good), known=known, assigned=assigned,
    ))


def _is_nobody(row: QuarantinedRow, values: dict[str, Any]) -> bool:
    """Nothing is left to ask about a record without a code that no company here is linked to."""
    if values.get("uscc") or values.get("foreign_code"):
        return False
    linked = SourceLink.objects.filter(source_id=row.run.source_id, key=row.source_key)
    return not linked.exists() and not row.candidates.filter(state=PossibleMatch.State.OPEN).exists()


def _mark(run: SyncRun, good: list[tuple[QuarantinedRow, dict[str, Any]]], by: User | None, now: dt.datetime) -> dict[str, int]:
    """The rows that arrived are done; the others wait on, with the reason that this run gave them."""
    arrived = set(SourceLink.objects.filter(source_id=run.source_id, key__in=[row.source_key for row, _v in good])
                  .values_list("key", flat=True))
    again = {row.source_key: row for row in run.quarantined.all()}
    counts: Counter[str] = Counter()
    for row, _values in good:
        if row.source_key in arrived and row.source_key not in again:
            row.state, row.replayed_in, row.handled_by, row.handled_at = QuarantinedRow.State.REPLAYED, run, by, now
            row.save(update_fields=["state", "replayed_in", "handled_by", "handled_at"])
            counts["REPLAYED"] += 1
        else:
            _give_reasons(row, [("", issue.reason) for issue in again[row.source_key].issues.all()])
            counts["ERROR"] += 1
    run.quarantined.all().delete()
    return dict(counts)
