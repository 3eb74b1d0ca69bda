"""Staging → companies in ONE transaction: rows, aliases, history, quarantine, cursor and run=done, or nothing.

Set-based throughout: the number of statements does not depend on the number of rows. Rules kept here:
only changed rows are written; NULL never overwrites a value (a capital in another currency replaces the whole capital);
a tombstone or an absence marks `status`, never deletes; too many bad or vanished rows halt the run and merge nothing.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from crm.models import Company, CompanyIdentifier, Source, SyncRun
from crm.sync import merge_sql as sql
from crm.sync.connector import Thresholds
from crm.sync.matching import Decision, Incoming, Known, match
from crm.sync.records import RowIssue
from crm.sync.staging import write_issues


class Halt(Exception):
    """The batch looks wrong as a whole; nothing was merged. str() is the Chinese reason."""


@dataclass(frozen=True, slots=True)
class MergePlan:
    """`cursor`: what the source's cursor becomes. `complete`: the batch is the whole listing in one stable state."""

    run_id: int
    source_id: int
    mode: str
    cursor: dict[str, Any]
    as_of: dt.date
    thresholds: Thresholds
    complete: bool


def merge(plan: MergePlan) -> dict[str, int]:
    """Merge a staged run; returns the counts by named result. Raises Halt before anything is written."""
    with transaction.atomic():
        run = SyncRun.objects.select_for_update().get(pk=plan.run_id, status=SyncRun.Status.RUNNING)
        known_before = Company.objects.filter(source_id=plan.source_id).exclude(status="removed").count()
        with connection.cursor() as db:
            db.execute(sql.ONE_VERSION)
            db.execute(sql.INCOMING, {"run": plan.run_id})
            decisions = _decide(db, plan)
            _refuse_bad_batch(db, plan, decisions)
            _store_decisions(db, plan, decisions)
            _refuse_vanishing(db, plan, known_before)
            for statement in sql.MERGE:
                db.execute(statement, {"run": plan.run_id, "source": plan.source_id, "as_of": plan.as_of})
            if plan.complete:
                db.execute(sql.MARK_ABSENT, {"run": plan.run_id, "source": plan.source_id})
            for statement in sql.FINISH:
                db.execute(statement, {"run": plan.run_id, "source": plan.source_id})
            counts = _counts(db, plan, known_before)
        _close(run, plan, counts, decisions)
    return counts


def _decide(db: Any, plan: MergePlan) -> list[tuple[int, Decision]]:
    db.execute("SELECT staged_id, source_key, op, coalesce(uscc, ''), former, coalesce(name, '') FROM incoming"
               " ORDER BY staged_id")
    rows = db.fetchall()
    records = [Incoming(key, op, uscc, tuple(former or ()), name) for _id, key, op, uscc, former, name in rows]
    decisions = match(records, _known(plan, records))
    return [(row[0], decision) for row, decision in zip(rows, decisions, strict=True)]


def _known(plan: MergePlan, records: list[Incoming]) -> Known:
    """The look-ups that these records need, in three queries."""
    codes = {code for r in records for code in (r.uscc, *r.former) if code}
    live: dict[str, int] = {}
    former: dict[str, int] = {}
    aliases = CompanyIdentifier.objects.filter(scheme="uscc", value__in=codes).order_by("valid_to", "id")
    for value, company, ended in aliases.values_list("value", "company_id", "valid_to"):
        (former if ended else live)[value] = company
    keys = dict(Company.objects.filter(source_id=plan.source_id, source_key__in={r.key for r in records})
                .values_list("source_key", "id"))
    fresh = {r.name for r in records if r.op == "upsert" and r.key not in keys}
    names = dict(Company.objects.filter(name__in=fresh).values_list("name", "code"))
    return Known(live, former, keys, names)


def _refuse_bad_batch(db: Any, plan: MergePlan, decisions: list[tuple[int, Decision]]) -> None:
    db.execute("SELECT count(*) FILTER (WHERE result = 'INVALID'), count(*) FROM crm_stagedrecord WHERE run_id = %s",
               [plan.run_id])
    invalid, total = db.fetchone()
    bad = invalid + sum(1 for _id, decision in decisions if decision.error)
    enough = plan.mode == SyncRun.Mode.FULL or bad >= plan.thresholds.least_bad_rows_in_changes
    if total and enough and bad / total > plan.thresholds.bad_rows:
        raise Halt(f"{total} 行中有 {bad} 行不合规，超过 {plan.thresholds.bad_rows:.0%}，整批未并入；请先查看隔离记录")


def _refuse_vanishing(db: Any, plan: MergePlan, known_before: int) -> None:
    if not plan.complete or not known_before:
        return
    db.execute(sql.COUNT_ABSENT, {"run": plan.run_id, "source": plan.source_id})
    absent = db.fetchone()[0]
    if absent / known_before > plan.thresholds.vanished:
        raise Halt(f"已知 {known_before} 家企业中有 {absent} 家从数据源消失，超过 {plan.thresholds.vanished:.0%}，"
                   "整批未并入；请与数据源核对后再同步")


def _store_decisions(db: Any, plan: MergePlan, decisions: list[tuple[int, Decision]]) -> None:
    db.execute(sql.DECIDED)
    with db.copy("COPY decided (staged_id, company_id, is_new, error) FROM STDIN") as copy:
        for staged_id, decision in decisions:
            copy.write_row((staged_id, decision.company, decision.is_new, decision.error))
    db.execute(sql.NUMBER_NEW)


def _counts(db: Any, plan: MergePlan, known_before: int) -> dict[str, int]:
    """Rows by result. In a change feed the companies that it does not mention are skipped ones too."""
    db.execute("SELECT result, count(*) FROM crm_stagedrecord WHERE run_id = %s GROUP BY result", [plan.run_id])
    found = Counter(dict(db.fetchall()))
    counts = {name: found[name] for name in ("NEW", "UPDATE", "SKIP", "INVALID", "ERROR")}
    if plan.mode == SyncRun.Mode.CHANGES:
        counts["SKIP"] = known_before - counts["UPDATE"]
    db.execute("SELECT count(*) FROM delta WHERE field = 'status' AND after = '\"removed\"'::jsonb")
    return counts | {"REMOVED": db.fetchone()[0]}


def _close(run: SyncRun, plan: MergePlan, counts: dict[str, int], decisions: list[tuple[int, Decision]]) -> None:
    issues = [RowIssue(d.key, "", "error", d.error, None) for _id, d in decisions if d.error]
    issues += [RowIssue(d.key, "", "notice", d.notice, None) for _id, d in decisions if d.notice]
    write_issues(run, issues)
    with connection.cursor() as db:
        db.execute("SELECT now()")
        now = db.fetchone()[0]
    Source.objects.filter(pk=plan.source_id).update(cursor=plan.cursor, last_ok_at=now)
    run.status, run.reason, run.next_step = SyncRun.Status.DONE, "", ""
    run.finished_at, run.counts, run.staged_cursor = now, counts, {}
    run.save()
