"""Traces of signing in are kept as long as they protect somebody, and no longer."""

from __future__ import annotations

import datetime as dt

from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session


def purge_signin(*, now: dt.datetime) -> dict[str, int]:
    """Delete failures older than a day, sign-ins that no longer make an address known, and ended sessions."""
    day, known = dt.timedelta(days=1), dt.timedelta(days=settings.SIGNIN_KNOWN_ADDRESS_DAYS)
    return {
        "attempts": AccessAttempt.objects.filter(attempt_time__lt=now - day).delete()[0],
        "sign_ins": AccessLog.objects.filter(attempt_time__lt=now - known).delete()[0],
        "sessions": Session.objects.filter(expire_date__lt=now).delete()[0],
    }
