"""One synchronisation of one source for one slot: fetch, stage, merge. See crm.sync for each part."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from crm.models import Company, CompanyIdentifier, IndustryCode, Source, SyncRun
from crm.sandbox.server import DEMO_KEY
from crm.services.load_codes import load_codes
from crm.sync.client import SourceBroken, SourceClient, policy_for
from crm.sync.connector import Connector, load_connector
from crm.sync.merge import Halt, MergePlan, merge
from crm.sync.records import Parsed, RowIssue, parse_changes, parse_listing
from crm.sync.staging import clear_staging, stage_page, write_issues
from office.audit import context
from office.http import GuardedClient, NextStep, OutboundError
from office.statistics import analyse_tables

_LOCK_SPACE = 0x43524D  # "CRM": first half of the advisory lock's key
MAX_PAGES = 20_000


@dataclass(frozen=True, slots=True)
class SyncResult:
    """`status` is the run's; on anything but done, `reason` and `next_step` (重试, 改设置, 放弃) say what to do."""

    run_id: int
    status: str
    mode: str
    counts: dict[str, int] = field(default_factory=dict)
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

    Must not run inside a transaction. Raises SyncBusy, ConnectorError, or whatever is a fault of the program itself;
    faults of the source end in the result (and the SyncRun row).
    """
    if connection.in_atomic_block:
        raise RuntimeError("sync_companies commits page by page and must not run inside a transaction")
    connector = load_connector(source_code)
    source = _ensure_source(connector, base_url)
    with _source_lock(source):
        source.refresh_from_db()
        run = _open_run(source, slot, full=full)
        if run.status == SyncRun.Status.DONE:
            return _result(run)
        try:
            with context.through(context.SYNC):
                _fetch_and_merge(run, source, connector, base_url, key, as_of)
        except Halt as halt:
            _fail(run, SyncRun.Status.HALTED, str(halt), NextStep.GIVE_UP)
        except OutboundError as error:
            _fail(run, SyncRun.Status.FAILED, str(error), error.next_step)
        except Exception as error:
            _fail(run, SyncRun.Status.FAILED, f"程序出错：{type(error).__name__}", NextStep.RETRY)
            raise
        run.refresh_from_db()
        return _result(run)


def _ensure_source(connector: Connector, base_url: str) -> Source:
    if not IndustryCode.objects.exists():
        load_codes()
    source, _created = Source.objects.get_or_create(code=connector.code, defaults={"name": connector.name})
    if source.base_url != base_url:
        Source.objects.filter(pk=source.pk).update(base_url=base_url)
    return source


@contextmanager
def _source_lock(source: Source) -> Iterator[None]:
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
    mode = SyncRun.Mode.FULL if full or "since" not in source.cursor else SyncRun.Mode.CHANGES
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


def _fetch_and_merge(run: SyncRun, source: Source, connector: Connector, base_url: str, key: str | None,
                     as_of: dt.date) -> None:
    secret = key or str(getattr(settings, connector.auth.setting, "") or "") or (DEMO_KEY if connector.local else "")
    with GuardedClient(policy_for(connector, base_url)) as http:
        client = SourceClient(connector, http, base_url, secret)
        watermark, complete = (
            _stage_listing(run, client) if run.mode == SyncRun.Mode.FULL else _stage_changes(run, client, source)
        )
    counts = merge(MergePlan(run.pk, source.pk, run.mode, {"since": watermark}, as_of, connector.thresholds, complete))
    analyse_tables(Company, CompanyIdentifier, changed=counts.get("NEW", 0) + counts.get("UPDATE", 0))


def _stage_listing(run: SyncRun, client: SourceClient) -> tuple[int, bool]:
    """Read the listing to its end, or on from where a killed attempt stood; returns (watermark, did it stand still).

    The watermark is the one before the first page: what changes during the listing is read again from the feed.
    """
    tally = _Tally(run, client.connector)
    state: dict[str, Any] = dict(run.staged_cursor)
    first = client.listing(1)
    if state and (state["watermark"] != first.watermark):
        clear_staging(run)
        state = {}
    if not state:
        state = {"watermark": first.watermark, "page": 0, "rows": 0, "steady": True}
    while state["page"] < MAX_PAGES:
        number = state["page"] + 1
        page = first if number == 1 else client.listing(number)
        if not page.items:
            break
        if page.hash == run.page_hash:
            raise SourceBroken(f"数据源第 {number} 页与上一页完全相同")
        steady = state["steady"] and page.watermark == state["watermark"]
        state = {**state, "page": number, "rows": state["rows"] + len(page.items), "steady": steady}
        tally.add(parse_listing(page.items, client.connector, page.watermark), state, page.hash)
        if len(page.items) < client.connector.listing.page_size:
            break
    if state["steady"] and first.total is not None and state["rows"] < first.total:
        raise SourceBroken(f"数据源说有 {first.total} 行，只给了 {state['rows']} 行")
    tally.finish()
    return int(state["watermark"]), bool(state["steady"])


def _stage_changes(run: SyncRun, client: SourceClient, source: Source) -> tuple[int, bool]:
    """Read the change feed from an overlap before the cursor to its end; returns (new watermark, False)."""
    tally = _Tally(run, client.connector)
    cursor = int(source.cursor["since"])
    since = int(run.staged_cursor.get("since", max(0, cursor - client.connector.changes.overlap)))
    for _ in range(MAX_PAGES):
        page = client.changes(since)
        if page.watermark < cursor:
            raise SourceBroken(f"数据源的变更序号倒退（{page.watermark} < {cursor}），可能已重建；核对后请执行全量同步",
                               next_step=NextStep.FIX_SETTINGS)
        if not page.items:
            break
        since = int(page.next or since)
        tally.add(parse_changes(page.items, client.connector), {"since": since}, page.hash)
    tally.finish()
    return max(cursor, since), False


class _Tally:
    """Stages pages and keeps what only shows over all of them: a required field that no row has, fields never seen."""

    def __init__(self, run: SyncRun, connector: Connector) -> None:
        self.run, self.connector, self.whole = run, connector, Parsed()

    def add(self, parsed: Parsed, cursor: dict[str, Any], page_hash: str) -> None:
        self.whole.seen += parsed.seen
        self.whole.absent += parsed.absent
        self.whole.new_fields |= parsed.new_fields
        stage_page(self.run, parsed, cursor=cursor, page_hash=page_hash)

    def finish(self) -> None:
        gone = [name for name, count in self.whole.absent.items() if count == self.whole.seen]
        if gone:
            raise Halt(f"所有记录都没有必填字段 {'、'.join(sorted(gone))}，数据源可能改了格式，整批未并入")
        write_issues(self.run, [RowIssue("", name, "notice", f"数据源新增字段 {name[:40]}，尚未使用", None)
                                for name in sorted(self.whole.new_fields)])


def _fail(run: SyncRun, status: str, reason: str, next_step: NextStep) -> None:
    with connection.cursor() as db:
        db.execute("SELECT now()")
        now = db.fetchone()[0]
    SyncRun.objects.filter(pk=run.pk).update(status=status, reason=reason, next_step=str(next_step), finished_at=now)


def _result(run: SyncRun) -> SyncResult:
    return SyncResult(run.pk, run.status, run.mode, dict(run.counts), run.reason, run.next_step)
