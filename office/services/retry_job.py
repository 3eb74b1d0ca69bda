from __future__ import annotations

import datetime as dt

from django.db import transaction

from office.models import Job
from office.tasks import hint_after_commit


class NotDead(Exception):
    """Only a job that was given up is retried by hand: any other one has a worker or will have one."""


def retry_job(*, job_id: int, now: dt.datetime) -> Job:
    """Give a dead job its attempts back. Its last error stays readable until it has ended."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job_id)
        if job.state != Job.State.DEAD:
            raise NotDead(job.get_state_display())
        job.state, job.attempts, job.not_before, job.finished = Job.State.QUEUED, 0, now, None
        job.save(update_fields=["state", "attempts", "not_before", "finished"])
        hint_after_commit()
    return job
