"""Jobs with leases: register a handler, enqueue a row, run what is due.

    enqueue ──► queued ──claim──► running ──handler returns──► done
       │          ▲                  │  ▲└─ its lease is renewed (office/leases.py)
       │          │                  │
       │          └── lease ran out, or the handler raised (attempts < MAX) ──┘   else ► dead ──retry──► queued
       └── a scheduled slot that nobody ran before the next one ► merged

Celery carries hints to look at these rows and nothing else: losing them, or getting one ten times, changes nothing.
A handler bears being run twice, or ends its effect with `complete` (office/leases.py), which makes it happen once.

The clock is the database's (office/clock.py), handed in by the faces: a worker or a beat whose own clock jumps does no harm.
Should the database's jump too, times that no worker can have written (a lease longer than a lease, a retry later than the
wait for one) count as run out; a job taken over too early is told so, and the loser's `complete` undoes its effect.
"""

from __future__ import annotations

import datetime as dt
import logging
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from office.audit import context
from office.leases import Held, LeaseLost, complete, current, holding, lease, report, still_ours
from office.models import Job
from office.redaction import clean

__all__ = ["LeaseLost", "complete", "current", "lease", "report", "still_ours"]  # what handlers take from here
logger = logging.getLogger(__name__)

Clock = Callable[[], dt.datetime]
Handler = Callable[[Mapping[str, Any], dt.datetime], Mapping[str, Any]]

MAX_ATTEMPTS = 3
SLACK = dt.timedelta(seconds=1)


class UnknownJobKind(LookupError):
    """A kind is enqueued only when code that can run it is installed."""


@dataclass(frozen=True)
class JobKind:
    """`daily_at`: one slot a day, named by its date. `every`: a slot each such span, named by the moment it begins."""

    name: str
    label: str
    handler: Handler
    daily_at: dt.time | None = None
    every: dt.timedelta | None = None

    @property
    def scheduled(self) -> bool:
        return self.daily_at is not None or self.every is not None

    def newest_slot(self, now: dt.datetime) -> str:
        """The slot whose time came last."""
        if self.every is not None:
            seconds = self.every.total_seconds()
            begun = dt.datetime.fromtimestamp(now.timestamp() // seconds * seconds, dt.UTC)
            return begun.isoformat(timespec="seconds").removesuffix("+00:00") + "Z"
        come = self.daily_at is None or now.timetz().replace(tzinfo=None) >= self.daily_at
        return (now.date() if come else now.date() - dt.timedelta(days=1)).isoformat()


_kinds: dict[str, JobKind] = {}


def register(name: str, *, label: Any = "", daily_at: dt.time | None = None,
             every: dt.timedelta | None = None) -> Callable[[Handler], Handler]:
    """Name a handler `(payload, now) -> result`. With `daily_at` or `every`, its slots are planned by themselves."""

    def decorate(handler: Handler) -> Handler:
        _kinds[name] = JobKind(name, str(label or name), handler, daily_at, every)
        return handler

    return decorate


def kinds() -> Mapping[str, JobKind]:
    return dict(_kinds)


def retry_after() -> dt.timedelta:
    return dt.timedelta(seconds=settings.JOB_RETRY_SECONDS)


def enqueue(*, kind: str, slot: str, now: dt.datetime, payload: Mapping[str, Any] | None = None) -> tuple[Job, bool]:
    """Return (job, whether it is new). The unique (kind, slot) lets any number of callers agree on one job."""
    if kind not in _kinds:
        raise UnknownJobKind(_("没有名为 %(kind)s 的任务") % {"kind": kind})
    return Job.objects.get_or_create(
        kind=kind, slot=slot, defaults={"payload": dict(payload or {}), "created": now, "not_before": now}
    )


def plan_slots(*, now: dt.datetime) -> list[Job]:
    """Enqueue the newest slot of every scheduled kind. Those missed while beat was down are not made up for, and those that
    no worker ran meanwhile merge into it. A kind that is new here waits for its hour: it missed nothing."""
    planned = []
    for kind in _kinds.values():
        if not kind.scheduled:
            continue
        slot = kind.newest_slot(now)
        if kind.daily_at is not None and slot != now.date().isoformat() and not Job.objects.filter(kind=kind.name).exists():
            continue
        job, created = enqueue(kind=kind.name, slot=slot, now=now)
        if created:
            _merge_older(job, now)
            planned.append(job)
    return planned


def _merge_older(job: Job, now: dt.datetime) -> None:
    # Only a schedule's own slots look like this one; what a person started waits on.
    alike = Job.objects.filter(kind=job.kind, slot__regex=r"^\d{4}-\d\d-\d\d(T[\d:]{8}Z)?$", slot__lt=job.slot)
    unrun = alike.filter(state=Job.State.QUEUED, attempts=0, payload={})
    unrun.update(state=Job.State.MERGED, finished=now, result={"merged_into": job.slot})


def _expired(now: dt.datetime) -> Q:
    return Q(state=Job.State.RUNNING) & (Q(lease_until__lt=now) | Q(lease_until__gt=now + lease() + SLACK))


def due(now: dt.datetime) -> Q:
    """Jobs that somebody should be working on and nobody is."""
    ripe = Q(not_before__lte=now) | Q(not_before__gt=now + retry_after() + SLACK)
    return Q(state=Job.State.QUEUED) & ripe | _expired(now)


def bury(*, now: dt.datetime) -> int:
    """Put away what killed its workers MAX_ATTEMPTS times: a poison task must not take another."""
    with transaction.atomic():
        poison = Job.objects.select_for_update(skip_locked=True).filter(_expired(now), attempts__gte=MAX_ATTEMPTS)
        return Job.objects.filter(pk__in=[job.pk for job in poison]).update(
            state=Job.State.DEAD, finished=now, error=str(_("执行者三次中断，不再重试")), lease_until=None, lease_token=None
        )


def claim(*, now: dt.datetime) -> Job | None:
    """Lease the oldest due job, or one whose lease ran out; None when there is nothing to do."""
    bury(now=now)
    with transaction.atomic():
        ours = Job.objects.select_for_update(skip_locked=True).filter(due(now), attempts__lt=MAX_ATTEMPTS)
        job = ours.order_by("not_before", "id").first()
        if job is None:
            return None
        job.state, job.lease_until, job.lease_token = Job.State.RUNNING, now + lease(), uuid.uuid4()
        job.attempts, job.progress = F("attempts") + 1, {}  # counted before the work: a killed worker counts nothing
        job.save(update_fields=["state", "lease_until", "lease_token", "attempts", "progress"])
        job.refresh_from_db()
        return job


def _close(job: Job, *, state: str, now: dt.datetime, result: Mapping[str, Any] | None = None, error: str = "") -> bool:
    """Close the job if the lease is still ours; one row changed means that it was."""
    return bool(
        Job.objects.filter(pk=job.pk, lease_token=job.lease_token, state=Job.State.RUNNING).update(
            state=state, finished=now, result=dict(result or {}), error=error, lease_until=None, lease_token=None
        )
    )


def run(job: Job, *, clock: Clock) -> bool:
    """Run a claimed job's handler; True when it ended well and the lease was still ours."""
    acting = context.Context(context.JOB, actor=str(job), request_id=f"job-{job.pk}-{job.attempts}")
    with context.acting(acting), holding(job) as held:
        return _run(held, clock=clock)


def _run(held: Held, *, clock: Clock) -> bool:
    job, kind = held.job, _kinds.get(held.job.kind)
    try:
        if kind is None:
            raise UnknownJobKind(_("没有名为 %(kind)s 的任务") % {"kind": job.kind})
        result = kind.handler(job.payload, clock())
    except LeaseLost:
        logger.warning("job %s was taken over by another worker", job)
        return False  # nothing is written: the row is the other one's
    except Exception as error:  # a job's failure is a row, never a dead worker
        logger.exception("job %s failed", job)
        lost = database_was_lost(error)
        if lost and not connection.in_atomic_block:
            connection.close()  # it stays dead, and the next one may find a server again
        wait = dt.timedelta(seconds=settings.JOB_SWEEP_SECONDS) if lost else retry_after()
        _failed(job, clean(traceback.format_exc(limit=20)), now=clock(), wait=wait)  # PostgreSQL quotes the row that it refuses
        return False
    if _close(job, state=Job.State.DONE, now=clock(), result=result):
        return True
    return held.completed and Job.objects.filter(pk=job.pk, state=Job.State.DONE).exists()


def database_was_lost(error: Exception) -> bool:
    """The server was shut down, killed or out of reach: no fault of the job's, which is tried again as soon as it is back."""
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    return (getattr(error.__cause__, "sqlstate", None) or "08").startswith(("08", "57P"))


def _failed(job: Job, error: str, *, now: dt.datetime, wait: dt.timedelta) -> None:
    if job.attempts >= MAX_ATTEMPTS:
        _close(job, state=Job.State.DEAD, now=now, error=error)
        return
    Job.objects.filter(pk=job.pk, lease_token=job.lease_token, state=Job.State.RUNNING).update(
        state=Job.State.QUEUED, not_before=now + wait, error=error, lease_until=None, lease_token=None
    )


def run_due(*, clock: Clock, limit: int = 50, more: Callable[[], object] = lambda: None) -> list[Job]:
    """Run due jobs until none is left, `limit` at most; returns those that were tried. `more` is called when the first is
    claimed and others wait, so that another worker looks too, and when `limit` left some."""
    tried: list[Job] = []
    while len(tried) < limit and (job := claim(now=clock())) is not None:
        if not tried and waiting(now=clock()):
            more()
        run(job, clock=clock)
        tried.append(job)
    if len(tried) == limit and waiting(now=clock()):
        more()
    return tried


def waiting(*, now: dt.datetime) -> int:
    """How many jobs are due: the sweeper hints at them, whatever became of the hints before."""
    return Job.objects.filter(due(now)).count()
