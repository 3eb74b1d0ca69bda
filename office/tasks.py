"""Celery carries hints only; each task looks at the rows."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from office import jobs


@shared_task(name="office.look_for_work")
def look_for_work() -> int:
    return len(jobs.run_due(clock=timezone.localtime))


@shared_task(name="office.plan_slots")
def plan_slots() -> int:
    planned = jobs.plan_slots(now=timezone.localtime())
    if planned:
        look_for_work.delay()
    return len(planned)
