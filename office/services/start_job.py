from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from office import jobs
from office.models import Job
from office.tasks import hint_after_commit


def start_job(*, kind: str, slot: str, now: dt.datetime, payload: Mapping[str, Any] | None = None) -> tuple[Job, bool]:
    """Enqueue a job for somebody who waits for it: workers look as soon as it is committed. Returns (job, whether new)."""
    with transaction.atomic():
        job, created = jobs.enqueue(kind=kind, slot=slot, now=now, payload=payload)
        hint_after_commit()
    return job, created
