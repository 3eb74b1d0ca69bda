"""Celery carries hints only; each task looks at the rows, by the database's clock."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from office import jobs
from office.clock import database_now

logger = logging.getLogger(__name__)
MOST_HINTS = 4  # at a time: each runs whatever is due until nothing is


@shared_task(name="office.look_for_work")
def look_for_work() -> int:
    return len(jobs.run_due(clock=database_now, more=hint))


@shared_task(name="office.sweep")
def sweep() -> int:
    """Hint at every row that nobody works on: the hint was lost, or the worker was."""
    jobs.bury(now=database_now())
    waiting = jobs.waiting(now=database_now())
    for _number in range(min(waiting, MOST_HINTS)):
        hint()
    return waiting


@shared_task(name="office.plan_slots")
def plan_slots() -> int:
    planned = jobs.plan_slots(now=database_now())
    if planned:
        hint()
    return len(planned)


def hint() -> bool:
    """Ask a worker to look. Without a broker nothing is lost: the row waits, and the sweeper hints again."""
    try:
        look_for_work.apply_async(retry=False)
    except OperationalError:
        logger.warning("no broker: the hint is left to the sweeper")
        return False
    return True


def hint_after_commit() -> None:
    """A worker that looked earlier would not see the row yet."""
    transaction.on_commit(hint)
