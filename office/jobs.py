"""Jobs with leases: register a handler, enqueue a row, run what is due.

    enqueue ──► queued ──claim──► running ──handler returns──► done
                  ▲                  │
                  └── lease ran out, or the handler raised (attempts < MAX) ──┘   else ► dead

A handler must bear being run twice: a worker that dies after the handler's commit and before `finish`
leaves the row leased, and the next worker runs it again.
"""

from __future__ import annotations

import datetime as dt
import logging
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from office.audit import context
from office.models import Job
from office.redaction import clean

logger = logging.getLogger(__name__)

Clock = Callable[[], dt.datetime]
Handler = Callable[[Mapping[str, Any], dt.datetime], Mapping[str, Any]]

MAX_ATTEMPTS = 3
LEASE = dt.timedelta(minutes=15)
RETRY_AFTER = dt.timedelta(minutes=2)


class UnknownJobKind(LookupError):
    """A kind is enqueued only when code that can run it is installed."""


@dataclass(frozen=True)
class JobKind:
    name: str
    label: str
    handler: Handler
    daily_at: dt.time | None


_kinds: dict[str, JobKind] = {}


def register(name: str, *, label: Any = "", daily_at: dt.time | None = None) -> Callable[[Handler], Handler]:
    """Name a handler `(payload, now) -> result`. With `daily_at`, one slot a day is planned by itself."""

    def decorate(handler: Handler) -> Handler:
        _kinds[name] = JobKind(name, str(label or name), handler, daily_at)
        return handler

    return decorate


def kinds() -> Mapping[str, JobKind]:
    return dict(_kinds)


def enqueue(*, kind: str, slot: str, now: dt.datetime, payload: Mapping[str, Any] | None = None) -> tuple[Job, bool]:
    """Return (job, whether it is new). The unique (kind, slot) lets any number of callers agree on one job."""
    if kind not in _kinds:
        raise UnknownJobKind(_("没有名为 %(kind)s 的任务") % {"kind": kind})
    return Job.objects.get_or_create(
        kind=kind, slot=slot, defaults={"payload": dict(payload or {}), "created": now, "not_before": now}
    )


def plan_slots(*, now: dt.datetime) -> list[Job]:
    """Enqueue today's slot of every daily kind whose hour has come; days missed while beat was down merge into one."""
    planned = []
    for kind in _kinds.values():
        if kind.daily_at is None or now.timetz().replace(tzinfo=None) < kind.daily_at:
            continue
        job, created = enqueue(kind=kind.name, slot=now.date().isoformat(), now=now)
        if created:
            planned.append(job)
    return planned


def claim(*, now: dt.datetime) -> Job | None:
    """Lease the oldest due job, or one whose lease ran out; None when there is nothing to do."""
    with transaction.atomic():
        due = Q(state=Job.State.QUEUED, not_before__lte=now) | Q(state=Job.State.RUNNING, lease_until__lt=now)
        job = Job.objects.select_for_update(skip_locked=True).filter(due).order_by("not_before", "id").first()
        if job is None:
            return None
        if job.attempts >= MAX_ATTEMPTS:  # its workers died each time: a poison task must not take another
            _close(job, state=Job.State.DEAD, now=now, error=str(_("执行者三次中断，不再重试")))
            return None
        job.state, job.lease_until, job.lease_token = Job.State.RUNNING, now + LEASE, uuid.uuid4()
        job.attempts = F("attempts") + 1
        job.save(update_fields=["state", "lease_until", "lease_token", "attempts"])
        job.refresh_from_db()
        return job


def _close(job: Job, *, state: str, now: dt.datetime, result: Mapping[str, Any] | None = None, error: str = "") -> bool:
    """Close the job if the lease is still ours; one row changed means that it was."""
    return bool(
        Job.objects.filter(pk=job.pk, lease_token=job.lease_token, state__in=[Job.State.RUNNING, Job.State.QUEUED]).update(
            state=state, finished=now, result=dict(result or {}), error=error, lease_until=None, lease_token=None
        )
    )


def run(job: Job, *, clock: Clock) -> bool:
    """Run a claimed job's handler; True when it ended well and the lease was still ours."""
    with context.acting(context.Context(context.JOB, actor=str(job), request_id=f"job-{job.pk}-{job.attempts}")):
        return _run(job, clock=clock)


def _run(job: Job, *, clock: Clock) -> bool:
    kind = _kinds.get(job.kind)
    try:
        if kind is None:
            raise UnknownJobKind(_("没有名为 %(kind)s 的任务") % {"kind": job.kind})
        result = kind.handler(job.payload, clock())
    except Exception:  # a job's failure is a row, never a dead worker
        logger.exception("job %s failed", job)
        error = clean(traceback.format_exc(limit=20))  # PostgreSQL quotes the row that it refuses
        if job.attempts >= MAX_ATTEMPTS:
            _close(job, state=Job.State.DEAD, now=clock(), error=error)
        else:
            Job.objects.filter(pk=job.pk, lease_token=job.lease_token).update(
                state=Job.State.QUEUED, not_before=clock() + RETRY_AFTER, error=error, lease_until=None, lease_token=None
            )
        return False
    return _close(job, state=Job.State.DONE, now=clock(), result=result)


def run_due(*, clock: Clock, limit: int = 50) -> list[Job]:
    """Run due jobs until none is left, `limit` at most; returns those that were tried."""
    tried = []
    while len(tried) < limit and (job := claim(now=clock())) is not None:
        run(job, clock=clock)
        tried.append(job)
    return tried
