"""The lease of the job that runs in this thread: renewed while its handler works, given up at once when it is lost.

A handler calls, whenever it likes and wherever it stands:

    still_ours()        between pages: raises LeaseLost when another worker has taken the job over
    report(pages=12)    progress for the screen; what is written goes out once a second at most
    complete(result)    inside the transaction of its effect: the job is done if and only if that transaction commits

Without `complete` a worker may die between the handler's commit and the closing of the row, and the effect comes twice.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import Error, OperationalError, connection
from django.db.models.functions import Now

from office.models import Job

logger = logging.getLogger(__name__)

PROGRESS_EVERY = 1.0
RENEWALS = 3  # in one lease: two may fail before it runs out


class LeaseLost(Exception):
    """Another worker has the job: whatever this one still does is for nothing and must not be written."""


def lease() -> dt.timedelta:
    return dt.timedelta(seconds=settings.JOB_LEASE_SECONDS)


@dataclass(slots=True)
class Held:
    """A claimed job in the hands of this thread. `wake` and `lost` are shared with the thread that renews it."""

    job: Job
    lost: threading.Event = field(default_factory=threading.Event)
    wake: threading.Event = field(default_factory=threading.Event)
    ended: bool = False
    completed: bool = False
    progress: dict[str, Any] = field(default_factory=dict)
    fresh: bool = False


_held: ContextVar[Held | None] = ContextVar("held_job", default=None)


def current() -> Job | None:
    """The job that this thread runs; None outside of one."""
    held = _held.get()
    return held.job if held else None


def still_ours() -> None:
    """Raise LeaseLost if the job has been taken over. Costs nothing: the renewing thread asks the database."""
    held = _held.get()
    if held is not None and held.lost.is_set():
        raise LeaseLost(str(held.job))


def report(**progress: Any) -> None:
    """Merge `progress` into what the screen shows of this job."""
    held = _held.get()
    if held is not None:
        held.progress = {**held.progress, **progress}
        if not held.fresh:
            held.fresh = True
            held.wake.set()


def complete(result: Mapping[str, Any] | None = None) -> None:
    """Close the job within the caller's transaction; raises LeaseLost, and with it undoes the effect, if it is not ours."""
    held = _held.get()
    if held is None:
        return
    closed = Job.objects.filter(pk=held.job.pk, lease_token=held.job.lease_token, state=Job.State.RUNNING).update(
        state=Job.State.DONE, finished=Now(), result=dict(result or {}), error="", lease_until=None, lease_token=None
    )
    if not closed:
        held.lost.set()
        raise LeaseLost(str(held.job))
    held.completed = True


@contextmanager
def holding(job: Job) -> Iterator[Held]:
    """Everything inside works on this job, and its lease is renewed meanwhile."""
    held = Held(job)
    token = _held.set(held)
    # Inside a transaction nobody else sees that the job was claimed: nobody could take it, and there is nothing to renew.
    renewing = None if connection.in_atomic_block else threading.Thread(target=_renew, args=(held,), daemon=True)
    if renewing:
        renewing.start()
    try:
        yield held
    finally:
        held.ended = True
        held.wake.set()
        if renewing:
            renewing.join()
        _held.reset(token)


def _renew(held: Held) -> None:
    """A connection of its own: the handler's may stand in a transaction for minutes."""
    every = lease().total_seconds() / RENEWALS
    own = connection.copy()
    renewed = wrote = time.monotonic()
    try:
        while not held.ended and not held.lost.is_set():
            soon = PROGRESS_EVERY - (time.monotonic() - wrote) if held.fresh else every - (time.monotonic() - renewed)
            if soon > 0:
                held.wake.wait(soon)
                held.wake.clear()
                continue
            asked = time.monotonic()
            if _write(own, held):
                renewed = wrote = asked
            elif not held.lost.is_set() and asked - renewed > lease().total_seconds():
                logger.error("job %s: lease not renewed for %.0f s, given up", held.job, asked - renewed)
                held.lost.set()
            else:
                held.wake.wait(min(1.0, every))
    finally:
        own.close()


def _write(own: Any, held: Held) -> bool:
    """Prolong the lease and write what progress there is; True when the job is known to be ours."""
    with_progress, held.fresh = held.fresh, False
    try:
        with own.cursor() as db:
            db.execute("SET lock_timeout = '2s'")
            rows = _update(db, held, with_progress)
    except OperationalError as error:
        own.close()
        held.fresh = held.fresh or with_progress
        # Only who holds the lease locks the row for long: the handler's own transaction, in `complete`.
        return getattr(error.__cause__, "sqlstate", "") == "55P03"
    except Error:
        own.close()
        held.fresh = held.fresh or with_progress
        logger.exception("job %s: lease not renewed", held.job)
        return False
    if not rows and not held.ended and not held.completed:
        held.lost.set()
    return bool(rows) or held.completed


def _update(db: Any, held: Held, with_progress: bool) -> int:
    words = ["UPDATE office_job SET lease_until = clock_timestamp() + make_interval(secs => %s)"]
    values: list[Any] = [lease().total_seconds()]
    if with_progress:
        words.append(", progress = %s::jsonb")
        values.append(json.dumps(held.progress, ensure_ascii=False, default=str))
    words.append(" WHERE id = %s AND lease_token = %s AND state = 'running'")
    db.execute("".join(words), [*values, held.job.pk, held.job.lease_token])
    return int(db.rowcount)
