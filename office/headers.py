"""Headers that tell the browser what a page may do. The admin theme's needs are granted to the admin's own views alone."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class HeadersMiddleware:
    """Inside django-csp's middleware, which writes the header from what is set here."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        if match is not None and "admin" in match.namespaces and response.status_code < 400:  # noqa: PLR2004 (errors are ours)
            response._csp_config = settings.ADMIN_CONTENT_SECURITY_POLICY
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated:
            response.headers.setdefault("Cache-Control", "no-store")  # nothing of it stays on a shared computer
        return response
