from __future__ import annotations

import datetime as dt

from django.db import transaction

from crm.models import Source
from office.models import Job, User
from office.services.start_job import start_job

KIND = "crm.sync_companies"


def start_sync(*, source_id: int, full: bool, by: User, now: dt.datetime) -> tuple[Job, bool]:
    """Have a source synchronised by a worker; a second person who asks meanwhile gets the first one's job.

    Returns (job, whether it is new).
    """
    with transaction.atomic():
        source = Source.objects.select_for_update().get(pk=source_id)
        under_way = Job.objects.filter(
            kind=KIND, state__in=[Job.State.QUEUED, Job.State.RUNNING], payload__source=source.code
        )
        if (job := under_way.first()) is not None:
            return job, False
        payload = {"source": source.code, "full": full, "by": by.pk}
        return start_job(kind=KIND, slot=f"{source.code}-{now:%Y%m%dT%H%M%S.%f}"[:64], now=now, payload=payload)
