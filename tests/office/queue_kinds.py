"""Kinds of jobs for the queue's tests, and the naive tasks that the same harness must catch."""

from __future__ import annotations

import datetime as dt
import os
import signal
import time
from collections.abc import Mapping
from typing import Any

from celery import shared_task
from django.db import connection, transaction

from office import jobs

Payload = Mapping[str, Any]
TICK = dt.timedelta(seconds=2)


def note(table: str, name: str) -> None:
    with connection.cursor() as db:
        db.execute(f"INSERT INTO queue_{table} (name, worker) VALUES (%s, %s)", [name, os.getpid()])  # noqa: S608


def work(payload: Payload, now: dt.datetime) -> dict[str, Any]:
    """Starts, works in pages, and has its effect and its end in one transaction."""
    note("start", payload["name"])
    until = time.monotonic() + payload.get("seconds", 0)
    page = 0
    while time.monotonic() < until:
        page += 1
        jobs.still_ours()
        jobs.report(pages=page)
        time.sleep(0.05)
    with transaction.atomic():
        note("effect", payload["name"])
        jobs.complete({"pages": page})
    return {}


def naive(payload: Payload, now: dt.datetime) -> dict[str, Any]:
    """The effect is committed by itself, and the job ends later: whoever takes it over has it a second time."""
    note("start", payload["name"])
    note("effect", payload["name"])
    time.sleep(payload.get("seconds", 0))
    return {}


def poison(payload: Payload, now: dt.datetime) -> dict[str, Any]:
    note("start", payload["name"])
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def tick(payload: Payload, now: dt.datetime) -> dict[str, Any]:
    job = jobs.current()
    assert job is not None
    return work({"name": job.slot}, now)


@shared_task(name="tests.naive_effect", acks_late=False)
def naive_effect(name: str, seconds: float) -> None:
    """The work travels in the message and is acknowledged before it is done."""
    note("start", name)
    time.sleep(seconds)
    note("effect", name)


def register(*, ticking: bool) -> None:
    for kind, handler in (("test.work", work), ("test.naive", naive), ("test.poison", poison)):
        jobs.register(kind)(handler)
    jobs.register("test.tick", every=TICK if ticking else None)(tick)
