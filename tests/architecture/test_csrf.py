"""No view takes a change without the token of our own form: walked over every address there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path
from django.views.decorators.csrf import csrf_exempt

from config import urls
from office.models import User

pytestmark = pytest.mark.django_db
PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?\w+>")
UNSAFE = ("post", "put", "patch", "delete")


def addresses(resolver: Any, prefix: str = "/") -> Iterator[str]:
    """One address for every pattern of the URLconf."""
    for entry in resolver.url_patterns:
        text = str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry, prefix + text)
        elif isinstance(entry, URLPattern):
            plain = re.sub(r"\(\?P<\w+>[^)]*\)|[\^$]", lambda found: "1" if "<" in found[0] else "", text)
            yield prefix + PARAMETER.sub("1", plain)


def exempt(client: Client) -> list[str]:
    """Addresses that look at what was sent although no token came with it."""
    found = []
    for address in sorted(set(addresses(get_resolver()))):
        for method in UNSAFE:
            answer = getattr(client, method)(address)
            said = "CSRF" if address.startswith("/api/") else "页面已过期"
            if answer.status_code != 403 or said not in answer.content.decode():
                found.append(f"{method} {address} → {answer.status_code}")
    return found


@pytest.fixture
def forger() -> Client:
    """The browser of somebody who may do everything, led here by a foreign page."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root", password="pass-word-1234"))
    return client


def test_no_change_without_a_token(forger: Client) -> None:
    assert len(set(addresses(get_resolver()))) > 100
    assert exempt(forger) == []


@csrf_exempt
def planted(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("changed")


urlpatterns = [path("planted/<int:pk>/", planted), *urls.urlpatterns[:2]]


@pytest.mark.urls("tests.architecture.test_csrf")
def test_canary_an_exempt_view_is_seen(forger: Client) -> None:
    assert exempt(forger) == [f"{method} /planted/1/ → 200" for method in UNSAFE]
