"""allauth speaks through `requests`; this session hands every call to the program's one guarded client."""

from __future__ import annotations

import functools
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from office.http import GuardedClient, OutboundError, Policy

MAX_ANSWER = 1024 * 1024


def policy(*, attempts: int = 1) -> Policy:
    """The provider's own origins, and nothing else; a private address only where the administrator said so."""
    origins = frozenset(_origin(address) for address in (settings.OIDC_ISSUER, *settings.OIDC_HOSTS))
    return Policy(
        hosts=origins, local=origins if settings.OIDC_INTRANET else frozenset(), attempts=attempts, max_bytes=MAX_ANSWER,
        read_timeout=8, call_deadline=15, max_calls=10,
    )


def _origin(address: str) -> str:
    parts = urlsplit(address if "//" in address else f"https://{address}")
    return f"{parts.hostname}:{parts.port or (80 if parts.scheme == 'http' else 443)}"


class GuardedAdapter(BaseAdapter):
    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        body = request.body.encode() if isinstance(request.body, str) else request.body
        kept = {name: value for name, value in request.headers.items() if name.lower() in _HEADERS}
        reading = request.method == "GET"  # a code is good for one exchange: it is never sent twice
        try:
            with GuardedClient(policy(attempts=2 if reading else 1)) as client:
                answer = client.request(str(request.method), str(request.url), headers=kept, body=body)
        except OutboundError as error:
            raise requests.exceptions.ConnectionError(str(error), request=request) from error
        response = requests.Response()
        response.status_code, response._content, response.url = answer.status, answer.body, str(request.url)
        response.headers, response.request = CaseInsensitiveDict(answer.headers), request
        return response

    def close(self) -> None:
        pass


_HEADERS = frozenset({"accept", "authorization", "content-type"})


def guarded_session() -> requests.Session:
    session = requests.Session()
    session.trust_env, session.max_redirects = False, 0
    session.adapters.clear()
    for scheme in ("https://", "http://"):
        session.mount(scheme, GuardedAdapter())
    session.request = functools.partial(session.request, allow_redirects=False)  # type: ignore[method-assign]
    return session
