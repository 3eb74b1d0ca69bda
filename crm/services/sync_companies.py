"""One synchronisation of one source for one slot: fetch, stage, merge. See crm.sync for each part."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction

from crm.models import Company, CompanyIdentifier, IndustryCode, Source, SourceLink, SyncRun
from crm.sandbox.server import DEMO_KEY
from crm.services.load_codes import load_codes
from crm.services.match_names import propose_for_rows
from crm.sync.asking import Questions
from crm.sync.connector import Connector, ConnectorError, load_connector
from crm.sync.fetch import Reader, Rebaseline, StartOver, open_reader, policy_for
from crm.sync.intake import Intake
from crm.sync.merge import Halt, MergePlan, merge
from crm.sync.staging import clear_staging, drop_staging, hashes_of, open_staging
from office.audit import context
from office.clock import database_now
from office.http import GuardedClient, NextStep, OutboundError
from office.leases import LeaseLost, still_ours
from office.statistics import analyse_tables

_LOCK_SPACE = 0x43524D  # "CRM": first half of the advisory lock's key


@dataclass(frozen=True, slots=True)
class SyncResult:
    """`status` is the run's; on anything but done, `reason` and `next_step` (重试, 改设置, 放弃) say what to do."""

    run_id: int
    status: str
    mode: str
    counts: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    next_step: str = ""

    @property
    def ok(self) -> bool:
        return self.status == SyncRun.Status.DONE


class SyncBusy(OutboundError):
    """Another process synchronises this source right now."""

    next_step = NextStep.RETRY


def sync_companies(*, source_code: str, base_url: str, slot: str, as_of: dt.date, full: bool = False,
                   key: str | None = None) -> SyncResult:
    """Synchronise; a slot that is done answers with its stored result, one that failed or was killed goes on.

    `source_code`: a shipped connector's name or the path of a connector file. `key`: the secret, where it is not to come
    from the environment. Must not run inside a transaction. Raises SyncBusy, ConnectorError, or whatever is a fault of the
    program itself; faults of the source end in the result (and the SyncRun row).
    """
    if connection.in_atomic_block:
        raise RuntimeError("sync_companies commits page by page and must not run inside a transaction")
    connector = load_connector(source_code)
    stored = Source.objects.filter(code=connector.code).values_list("base_url", flat=True).first()
    base_url = base_url or stored or connector.base_url
    if not base_url:
        raise ConnectorError("没有数据源地址：请设置 ENTERPRISE_DB_URL 或给出 --base-url")
    source = _ensure_source(connector, base_url, str(source_code))
    with source_lock(source):
        source.refresh_from_db()
        run = _open_run(source, slot, full=full or source.fingerprint not in ("", connector.fingerprint))
        if run.status == SyncRun.Status.DONE:
            return result_of(run)
        with recorded(run), context.through(context.SYNC):
            _Synchronisation(run, source, connector, base_url, as_of, _environment(connector, key)).carry_out()
        run.refresh_from_db()
        return result_of(run)


def connector_of(code: str) -> str:
    """What the source of that code was last read by: a shipped name, or the path of a file."""
    known = Source.objects.filter(code=code).exclude(connector="").values_list("connector", flat=True).first()
    return known or code


@contextmanager
def recorded(run: SyncRun) -> Iterator[None]:
    """What stops a run is written on it; only faults of the program itself go on upwards."""
    try:
        yield
    except LeaseLost:
        raise  # whoever took the job over goes on where this one stood
    except Halt as halt:
        _fail(run, SyncRun.Status.HALTED, str(halt), NextStep.GIVE_UP)
    except OutboundError as error:
        _fail(run, SyncRun.Status.FAILED, str(error), error.next_step)
    except Exception as error:
        _fail(run, SyncRun.Status.FAILED, f"程序出错：{type(error).__name__}", NextStep.RETRY)
        raise


@dataclass(slots=True)
class _Synchronisation:
    run: SyncRun
    source: Source
    connector: Connector
    base_url: str
    as_of: dt.date
    environ: Mapping[str, str]
    questions: Questions | None = None
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        if self.connector.refresh is not None:
            self.questions = Questions(self.source, self.connector.refresh, database_now())

    def carry_out(self) -> None:
        with GuardedClient(policy_for(self.connector, self.base_url, calls_today=self._calls_today())) as http:
            try:
                intake, reader = self._fetch(http)
            finally:
                self._count_calls(http.calls)
            plan = self._plan(intake, reader, http.calls)
        still_ours()
        counts = merge(plan)
        if self.questions is not None:
            self.questions.stamp(self._asked())
        analyse_tables(Company, CompanyIdentifier, SourceLink, changed=counts["NEW"] + counts["UPDATE"])
        if counts["REVIEW"]:
            propose_for_rows(run_id=self.run.pk, now=database_now())

    def _fetch(self, http: GuardedClient) -> tuple[Intake, Reader]:
        for _attempt in range(3):
            reader = open_reader(self.connector, http, base_url=self.base_url, environ=self.environ,
                                 keys=self.questions.keys if self.questions else None, now=database_now())
            mode = reader.mode(self.source.cursor, self.run.mode == SyncRun.Mode.FULL)
            if mode != self.run.mode or not open_staging(self.run):
                self._begin_again(mode)
            intake = Intake(self.run, self.connector)
            position = self.run.staged_cursor.get("position", {})
            batches = reader.read(mode, self.source.cursor, position)
            try:
                intake.take(self.questions.under_own_keys(batches) if self.questions else batches, calls=lambda: http.calls)
                return intake, reader
            except StartOver:
                self._begin_again(mode)
            except Rebaseline:
                self._begin_again(SyncRun.Mode.FULL)
        raise OutboundError("数据源在读取中反复变动，未能读完一遍", next_step=NextStep.RETRY)

    def _begin_again(self, mode: str) -> None:
        clear_staging(self.run)
        self.run.mode = mode
        self.run.save(update_fields=["mode"])
        open_staging(self.run)

    def _plan(self, intake: Intake, reader: Reader, calls: int) -> MergePlan:
        met = hashes_of(self.run.pk)
        known = SourceLink.objects.filter(source=self.source, gone="").count() if intake.known is None else len(intake.known)
        absence = self.connector.absence
        judged = intake.known is not None and reader.complete and absence is not None
        if judged and absence is not None and known and len(met) < absence.at_least * known:
            judged = False
        return MergePlan(
            run_id=self.run.pk, source_id=self.source.pk, mode=self.run.mode, cursor=self._cursor(reader), as_of=self.as_of,
            thresholds=self.connector.thresholds, fetched=intake.fetched, staged=intake.staged, known=known,
            unseen=intake.known.unseen() if judged and intake.known is not None else None,
            absence_runs=absence.runs if absence else 1, fingerprint=self.connector.fingerprint,
            repeats=intake.known is None or len(np.unique(met)) < len(met),
            totals={"calls": calls, "seconds": round(time.monotonic() - self.started, 1)},
        )

    def _cursor(self, reader: Reader) -> dict[str, Any]:
        if self.questions is None:
            return reader.cursor
        return self.questions.cursor(self._asked())

    def _asked(self) -> int:
        return int(self.run.staged_cursor.get("position", {}).get("done", 0))

    def _calls_today(self) -> int:
        return self.source.calls if self.source.calls_on == self.as_of else 0

    def _count_calls(self, calls: int) -> None:
        Source.objects.filter(pk=self.source.pk).update(calls_on=self.as_of, calls=self._calls_today() + calls)


def _environment(connector: Connector, key: str | None) -> Mapping[str, str]:
    """The environment as connectors ask for it, with the demo key for a source on this machine that has none."""
    said = key if key is not None else settings.ENTERPRISE_DB_KEY
    if not said and connector.local:
        said = DEMO_KEY
    return {**os.environ, **({"ENTERPRISE_DB_KEY": said} if said else {})}


def _ensure_source(connector: Connector, base_url: str, origin: str) -> Source:
    if not IndustryCode.objects.exists():
        load_codes()
    said = {"name": connector.name, "department": connector.department, "base_url": base_url, "connector": origin}
    source, _created = Source.objects.get_or_create(code=connector.code, defaults=said)
    if any(getattr(source, name) != value for name, value in said.items()):
        Source.objects.filter(pk=source.pk).update(**said)
    return source


@contextmanager
def source_lock(source: Source) -> Iterator[None]:
    """One sync a source at a time. The lock belongs to the session: a killed process frees it by dying."""
    with connection.cursor() as db:
        db.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_SPACE, source.pk])
        if not db.fetchone()[0]:
            raise SyncBusy(f"数据源 {source.code} 正在同步")
    try:
        yield
    finally:
        if connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as db:
                db.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, source.pk])


def _open_run(source: Source, slot: str, *, full: bool) -> SyncRun:
    """The slot's run, ready to go on. We hold the lock, so any other run that says "running" was killed."""
    mode = SyncRun.Mode.FULL if full or not source.cursor else SyncRun.Mode.CHANGES
    with transaction.atomic():
        for dead in SyncRun.objects.filter(source=source, status=SyncRun.Status.RUNNING).exclude(slot=slot):
            clear_staging(dead)
            _fail(dead, SyncRun.Status.FAILED, "上次同步中途停止，已由下一次同步接替", NextStep.RETRY)
        run, _created = SyncRun.objects.get_or_create(source=source, slot=slot, defaults={"mode": mode})
        if run.status == SyncRun.Status.DONE:
            return run
        if run.status != SyncRun.Status.RUNNING or run.mode != mode:
            clear_staging(run)
        run.status, run.mode, run.reason, run.next_step, run.finished_at = SyncRun.Status.RUNNING, mode, "", "", None
        run.save()
    return run


def _fail(run: SyncRun, status: str, reason: str, next_step: NextStep) -> None:
    drop_staging(run.pk)
    SyncRun.objects.filter(pk=run.pk).update(status=status, reason=reason, next_step=str(next_step), finished_at=database_now(),
                                            staged_cursor={})


def result_of(run: SyncRun) -> SyncResult:
    return SyncResult(run.pk, run.status, run.mode, run.results, run.reason, run.next_step)
