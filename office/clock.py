"""The one clock of jobs: the database's, so that workers and beat on any machine agree, whatever their own clocks say."""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django.utils import timezone


def database_now() -> dt.datetime:
    """The moment of the statement, not of its transaction, in local time."""
    with connection.cursor() as db:
        db.execute("SELECT clock_timestamp()")
        now: dt.datetime = db.fetchone()[0]
    return timezone.localtime(now)
