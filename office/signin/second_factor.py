"""Who must give a second factor, whether this session has, and the gate that shows nothing else until then."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse

from office.models import User
from office.sessions import rights_of, wants_data

GIVEN = "office.second_factor"
FORBIDDEN = 403
# What a person without a second factor may still reach: setting it up, proving who he is, leaving.
OPEN_VIEWS = frozenset({
    "mfa_activate_totp", "mfa_reauthenticate", "account_reauthenticate", "login", "account_login", "logout", "healthz",
})


def is_required(user: User, *, roles: Iterable[str] | None = None) -> bool:
    names = rights_of(user)["roles"] if roles is None else roles
    return settings.MFA_REQUIRED and (user.is_superuser or not set(settings.MFA_REQUIRED_ROLES).isdisjoint(names))


def mark_given(request: HttpRequest, user: User) -> None:
    """Kept with the person's number: the session of the first step is anonymous and outlives a change of mind."""
    request.session[GIVEN] = user.pk


def is_given(request: HttpRequest, user: User) -> bool:
    return request.session.get(GIVEN) == user.pk


class SecondFactorMiddleware:
    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        user = request.user
        if not user.is_authenticated or is_given(request, user):
            return None
        match = request.resolver_match
        if match is not None and match.view_name in OPEN_VIEWS:
            return None
        if not is_required(user, roles=user.role_names):
            return None
        if wants_data(request):
            return JsonResponse({"detail": "请先设置两步验证"}, status=FORBIDDEN)
        return HttpResponseRedirect(reverse("mfa_activate_totp"))
