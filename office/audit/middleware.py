from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from office.audit import context

CHANNELS = (("/admin/", context.ADMIN), ("/api/", context.API))


class AuditMiddleware:
    """Says who writes while a request is answered, and gives the answer its number (X-Request-ID).

    The number is always our own: one that came with the request could be another request's.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        channel = next((name for start, name in CHANNELS if request.path_info.startswith(start)), context.WEB)
        number = context.new_request_id()
        # request.user is asked late: an API signs its caller in after the middleware has passed.
        with context.acting(context.Context(channel, request_id=number, user=lambda: getattr(request, "user", None))):
            response = self.get_response(request)
        response["X-Request-ID"] = number
        return response
