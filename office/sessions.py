"""How long a session lasts: half an hour without use, half a day at most, and no longer than the rights it began with."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse

from office.models import User

STARTED, SEEN, RIGHTS = "office.started", "office.seen", "office.rights"
WRITE_EVERY = 60  # seconds: a session row is not rewritten for every page
UNAUTHORIZED = 401
REASONS = {
    "idle": "您有一段时间没有操作，为安全起见已退出，请重新登录。",
    "absolute": "本次登录已到最长时限，请重新登录。",
    "rights": "您的角色或权限有变动，请重新登录。",
}


def wants_data(request: HttpRequest) -> bool:
    """Whether a program asks rather than a person who can follow a redirect to the sign-in page."""
    accept = request.headers.get("Accept", "")
    return (
        request.path.startswith("/api/")
        or request.headers.get("X-Requested-With") == "XMLHttpRequest"
        or "HX-Request" in request.headers
        or ("json" in accept and "html" not in accept)
    )


def rights_of(user: User) -> dict[str, Any]:
    """What a person may do, short enough to compare with every request."""
    return {"staff": user.is_staff, "super": user.is_superuser, "roles": sorted(user.role_names)}


def begin(sender: Any, request: HttpRequest | None, user: User, **_: Any) -> None:
    """Receiver of user_logged_in."""
    if request is not None:
        now = int(time.time())
        request.session[STARTED] = request.session[SEEN] = now
        request.session[RIGHTS] = rights_of(user)


def why_ended(session: Any, *, rights: dict[str, Any], now: int) -> str | None:
    """A key of REASONS where this session may not go on. A session without a beginning is as old as can be."""
    if now - session.get(STARTED, 0) >= settings.SESSION_ABSOLUTE_HOURS * 3600:
        return "absolute"
    if now - session.get(SEEN, 0) >= settings.SESSION_IDLE_MINUTES * 60:
        return "idle"
    return None if session.get(RIGHTS) == rights else "rights"


class SessionLimitsMiddleware:
    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now, rights = int(time.time()), rights_of(request.user)
            reason = why_ended(request.session, rights=rights, now=now)
            if reason is not None:
                return end(request, reason)
            if now - request.session[SEEN] >= WRITE_EVERY:
                request.session[SEEN] = now
        return self.get_response(request)


def end(request: HttpRequest, reason: str) -> HttpResponse:
    logout(request)
    if wants_data(request):
        return JsonResponse({"detail": REASONS[reason]}, status=UNAUTHORIZED)
    query = {"reason": reason}
    if request.method == "GET":
        query["next"] = request.get_full_path()
    return HttpResponseRedirect(f"{reverse('login')}?{urlencode(query)}")


class SignedInMiddleware(LoginRequiredMiddleware):
    """Django's, save that a program gets a plain refusal instead of a sign-in page."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponse:
        if wants_data(request):
            return JsonResponse({"detail": "请先登录"}, status=UNAUTHORIZED)
        return super().handle_no_permission(request, view_func)
