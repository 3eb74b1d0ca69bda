"""What stands against guessing passwords, beside the lock by name and address that axes keeps.

A name that is tried from many addresses is closed to addresses from which its owner has not signed in of late; at his
usual desk he still gets in. Unknown names are treated alike, so that the answer tells nobody which names exist.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.db.models import Max, Sum
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from office.sessions import wants_data
from office.signin.addresses import client_address

TOO_MANY = 429


def is_spread(*, username: str, address: str, now: dt.datetime) -> bool:
    """Whether the name is being guessed from many places, and this is not a place where its owner is known."""
    recent = AccessAttempt.objects.filter(username=username, attempt_time__gte=now - settings.AXES_COOLOFF_TIME)
    failures = recent.aggregate(total=Sum("failures_since_start"))["total"] or 0
    if failures < settings.SIGNIN_SPREAD_LIMIT:
        return False
    since = now - dt.timedelta(days=settings.SIGNIN_KNOWN_ADDRESS_DAYS)
    return not AccessLog.objects.filter(username=username, ip_address=address, attempt_time__gte=since).exists()


def minutes_left(*, username: str, address: str | None, now: dt.datetime) -> int:
    attempts = AccessAttempt.objects.filter(username=username)
    if address is not None:
        attempts = attempts.filter(ip_address=address)
    last = attempts.aggregate(last=Max("attempt_time"))["last"] or now
    return max(1, math.ceil((last + settings.AXES_COOLOFF_TIME - now).total_seconds() / 60))


def refusal(request: HttpRequest, *, minutes: int) -> HttpResponse:
    if wants_data(request):
        answer: HttpResponse = JsonResponse({"detail": f"登录失败次数过多，请 {minutes} 分钟后再试"}, status=TOO_MANY)
    else:
        answer = render(request, "office/signin/locked.html", {"minutes": minutes}, status=TOO_MANY)
    answer["Retry-After"] = str(minutes * 60)
    return answer


def lockout_response(request: HttpRequest, response: HttpResponse, credentials: dict[str, Any] | None) -> HttpResponse:
    """Named by AXES_LOCKOUT_CALLABLE."""
    username = str((credentials or {}).get("username") or "")
    return refusal(
        request, minutes=minutes_left(username=username, address=client_address(request), now=timezone.now())
    )
