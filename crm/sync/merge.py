"""Staging → companies in ONE transaction: rows, aliases, links, history, conflicts, cursor and run=done, or nothing.

Set-based throughout: the number of statements does not depend on the number of rows. Rules kept here:
only changed rows are written; NULL never overwrites a value; what an officer wrote is never overwritten, but becomes a
conflict to decide; a tombstone or an absence marks, never deletes; too many bad or vanished rows halt the run and merge
nothing. What a source says of an absorbed company is written to that company: its survivor keeps its own record.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import connection, transaction

from crm.models import CompanyIdentifier, QuarantinedRow, Source, SourceLink, SyncRun
from crm.models.company import Company
from crm.sync import merge_sql as sql
from crm.sync.bulk import bulk_load
from crm.sync.connector import Thresholds
from crm.sync.digests import Hashes
from crm.sync.matching import Decision, Incoming, Known, match
from crm.sync.records import Reject
from crm.sync.staging import drop_staging, quarantine, rows_of, write_notices

AT_ONCE = 5_000
WORTH_BULK = 20_000  # below this, dropping and building indexes costs more than it saves


class Halt(Exception):
    """The batch looks wrong as a whole; nothing was merged. str() is the Chinese reason."""


@dataclass(frozen=True, slots=True)
class MergePlan:
    """`cursor`: what the source's cursor becomes (None: it stays). `unseen`: hashes of the keys that a whole listing did not
    bring (None: absence cannot be judged). `repeats`: a key may stand in staging more than once. `fetched` records came,
    `staged` of them into the run's table. `assigned`: key → company that a person decided on, None for a new one."""

    run_id: int
    source_id: int
    mode: str
    cursor: dict[str, Any] | None
    as_of: dt.date
    thresholds: Thresholds
    fetched: int
    staged: int
    known: int
    unseen: Hashes | None = None
    absence_runs: int = 1
    fingerprint: str = ""
    repeats: bool = True
    assigned: Mapping[str, int | None] = field(default_factory=dict)
    totals: Mapping[str, Any] = field(default_factory=dict)


def merge(plan: MergePlan) -> dict[str, Any]:
    """Merge a staged run; returns the counts by named result. Raises Halt before anything is written."""
    with transaction.atomic():
        run = SyncRun.objects.select_for_update().get(pk=plan.run_id, status=SyncRun.Status.RUNNING)
        with connection.cursor() as db:
            db.execute(sql.ONE_VERSION)
            db.execute(sql.MEMORY)
            step = _Steps(db, plan)
            if plan.repeats:
                step.run(sql.NEWEST)
            empty = not Company.objects.exists() and not SourceLink.objects.exists()
            _decide(step, empty=empty)
            _refuse(step)
            with bulk_load(db, active=empty and plan.staged >= WORTH_BULK):
                _write(step, empty=empty)
            counts = _counts(step)
            _park(step, run)
        _close(run, plan, counts)
    return counts


class _Steps:
    """Runs the statements of one merge with its parameters and its staging table."""

    def __init__(self, db: Any, plan: MergePlan) -> None:
        self.db, self.plan = db, plan
        self._values = {"run": plan.run_id, "mode": plan.mode, "source": plan.source_id, "as_of": plan.as_of,
                        "runs": plan.absence_runs}

    def run(self, *statements: str, **more: Any) -> None:
        for statement in statements:
            self.db.execute(statement.replace("{rows}", rows_of(self.plan.run_id)), self._values | more)

    def rows(self, statement: str, **more: Any) -> list[Any]:
        self.run(statement, **more)
        return list(self.db.fetchall())

    def blocks(self, statement: str) -> Iterator[list[Any]]:
        """The rows of a statement that begins with n and takes those after it, some thousand at a time."""
        after = -1
        while rows := self.rows(statement, after=after, limit=AT_ONCE):
            after = rows[-1][0]
            yield rows


def _decide(step: _Steps, *, empty: bool) -> None:
    if empty:
        step.run(sql.DECIDED_EMPTY)
    else:
        step.run(f"ANALYZE {rows_of(step.plan.run_id)}", sql.DECIDED, sql.INDEX_DECIDED)
        _decide_hard(step)
    _assign(step)
    for find, mark in sql.TWICE:
        step.run("ANALYZE decided", find)
        if step.rows("SELECT 1 FROM twice LIMIT 1"):
            step.run("ANALYZE twice", mark)
        step.run("DROP TABLE twice")
    step.run(sql.NUMBER_NEW)
    if empty:
        step.run(sql.INDEX_DECIDED)


def _decide_hard(step: _Steps) -> None:
    """What SQL cannot decide goes through crm.sync.matching, some thousand records at a time."""
    for rows in step.blocks(sql.HARD):
        records = [Incoming(key, code, tuple(former), name) for _n, key, code, former, name in rows]
        decisions = match(records, _known(step.plan, records))
        _store(step, [(row[0], decision) for row, decision in zip(rows, decisions, strict=True)])


def _store(step: _Steps, decisions: list[tuple[int, Decision]]) -> None:
    step.db.executemany(
        "UPDATE decided SET company_id = %s, outcome = %s, error = %s, notice = %s WHERE n = %s",
        [(d.company, "new" if d.is_new else "known", d.error, d.notice, n) for n, d in decisions],
    )


def _known(plan: MergePlan, records: list[Incoming]) -> Known:
    """The look-ups that these records need, in three queries."""
    codes = {code for r in records for code in (r.uscc, *r.former) if code}
    live: dict[str, int] = {}
    former: dict[str, int] = {}
    aliases = CompanyIdentifier.objects.filter(value__in=codes).order_by("valid_to", "id")
    for value, company, ended in aliases.values_list("value", "company_id", "valid_to"):
        (former if ended else live)[value] = company
    links = SourceLink.objects.filter(source_id=plan.source_id, key__in={r.key for r in records})
    keys = dict(links.values_list("key", "company_id"))
    fresh = {r.name for r in records if r.key not in keys}
    names = dict(Company.objects.filter(name__in=fresh).values_list("name", "code"))
    return Known(live, former, keys, names)


def _assign(step: _Steps) -> None:
    """What a person decided in the review queue stands above what matching says."""
    for key, company in step.plan.assigned.items():
        step.run(
            "UPDATE decided SET company_id = %(company)s, is_new = false, error = '', notice = '', outcome = %(outcome)s"
            " WHERE key = %(key)s",
            company=company, key=key, outcome="new" if company is None else "known",
        )


def _refuse(step: _Steps) -> None:
    plan = step.plan
    invalid = QuarantinedRow.objects.filter(run_id=plan.run_id).count()
    step.run("SELECT count(*) FROM decided WHERE error <> ''")
    bad = invalid + step.db.fetchone()[0]
    enough = plan.mode == SyncRun.Mode.FULL or bad >= plan.thresholds.least_bad_rows_in_changes
    if plan.mode != SyncRun.Mode.REPLAY and plan.fetched and enough and bad / plan.fetched > plan.thresholds.bad_rows:
        raise Halt(f"{plan.fetched} 行中有 {bad} 行不合规，超过 {plan.thresholds.bad_rows:.0%}，整批未并入；请先查看隔离记录")
    absent = 0 if plan.unseen is None else len(plan.unseen)
    if plan.known and absent / plan.known > plan.thresholds.vanished:
        raise Halt(f"已知 {plan.known} 家企业中有 {absent} 家从数据源消失，超过 {plan.thresholds.vanished:.0%}，"
                   "整批未并入；请与数据源核对后再同步")


def _write(step: _Steps, *, empty: bool) -> None:
    step.run(sql.PARTS, sql.CHANGED)
    held = False if empty else _judge(step)
    step.run(sql.INSERT_NEW, *sql.AROUND_NEW, *sql.LINK[: 1 if empty else 2])
    if not empty:
        step.run(sql.update_changed(held=held), "ANALYZE changed", *sql.AROUND_KNOWN)
    for column, statement in sql.LISTS.items():
        if step.rows(f"SELECT 1 FROM {rows_of(step.plan.run_id)} WHERE {column} IS NOT NULL LIMIT 1"):  # noqa: S608  # nosec B608 (constant)
            step.run(statement)
    _mark_gone(step)
    step.run(sql.VERSIONS, sql.EVENTS, sql.TWINS)


def _judge(step: _Steps) -> bool:
    """Whether any company here has fields that this source may not write; then they stand in `held`."""
    step.run(sql.SPECIAL)
    if not step.rows("SELECT 1 FROM special LIMIT 1"):
        return False
    step.run("ANALYZE special", sql.VERDICTS, sql.HELD, *sql.ORIGINS, *sql.CONFLICTS)
    return True


def _mark_gone(step: _Steps) -> None:
    unseen = step.plan.unseen
    if step.rows("SELECT 1 FROM decided WHERE outcome = 'gone' LIMIT 1"):
        step.run(*sql.TOMBSTONES)
    if unseen is None:
        return
    step.run(sql.UNSEEN)
    with step.db.copy("COPY unseen FROM STDIN") as copy:
        copy.write("".join(f"{one}\n" for one in np.asarray(unseen).tolist()))
    if len(unseen):
        step.run(*sql.ABSENT)
    step.run(sql.BACK)


def _counts(step: _Steps) -> dict[str, Any]:
    """Rows by result. In a change feed the companies that it does not mention are skipped ones too."""
    plan = step.plan
    new, update, error, review, removed, redacted, absent, ended = step.rows(sql.COUNTS)[0]
    invalid = QuarantinedRow.objects.filter(run_id=plan.run_id).count()
    touched = update + removed + redacted
    skipped = plan.known - touched if plan.mode == SyncRun.Mode.CHANGES else (
        plan.fetched - new - touched - invalid - error - review)
    conflicts = step.rows("SELECT count(*) FROM crm_fieldconflict WHERE run_id = %(run)s AND state = 'open'")[0][0]
    return {
        "fetched": plan.fetched, "NEW": new, "UPDATE": update, "SKIP": max(0, skipped), "INVALID": invalid, "ERROR": error,
        "REVIEW": review, "CONFLICT": conflicts, "ended": ended, "removed": removed, "absent": absent,
        "redacted": redacted, **plan.totals,
    }


def _park(step: _Steps, run: SyncRun) -> None:
    """Rows that need a person wait in quarantine as they were read; what somebody should know becomes a notice."""
    for found in step.blocks(sql.PARKED):
        waiting = [
            Reject(key, seq, {"values": json.loads(values)}, [("", error or "没有统一社会信用代码，等待判断是否为已有企业")])
            for _n, key, seq, _digest, values, error in found
        ]
        quarantine(run, waiting, page=0, digests={row[1]: row[3] for row in found})
    for found in step.blocks(sql.NOTICES):
        write_notices(run, [(key, "", notice) for _n, key, notice in found])
    step.run(*sql.SUPERSEDED)


def _close(run: SyncRun, plan: MergePlan, counts: dict[str, Any]) -> None:
    with connection.cursor() as db:
        db.execute("SELECT now()")
        now = db.fetchone()[0]
    moved: dict[str, Any] = {} if plan.cursor is None else {"cursor": plan.cursor, "last_ok_at": now}
    if plan.fingerprint:
        moved["fingerprint"] = plan.fingerprint
    if moved:
        Source.objects.filter(pk=plan.source_id).update(**moved)
    run.status, run.reason, run.next_step = SyncRun.Status.DONE, "", ""
    run.finished_at, run.counts, run.staged_cursor, run.progress = now, counts, {}, {}
    run.save()
    drop_staging(run.pk)
