"""Every address of the program, from the URLconf itself, and those that nobody has declared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin

from tests.matrix import expectations as expect

STANDARD = ("changelist", "add", "history", "delete", "change", "as_of")


@dataclass(frozen=True)
class Address:
    route: str
    name: str
    namespace: str


def addresses(patterns: Sequence[Any], prefix: str = "", namespace: str = "") -> Iterator[Address]:
    for entry in patterns:
        route = prefix + str(entry.pattern)
        if hasattr(entry, "url_patterns"):
            inner = ":".join(filter(None, [namespace, entry.namespace or ""]))
            yield from addresses(entry.url_patterns, route, inner)
        else:
            yield Address(route, entry.name or "", namespace)


def registered() -> dict[str, Any]:
    """Admin models by label."""
    pages = {model._meta.label: page for model, page in admin.site._registry.items()}
    return dict(sorted(pages.items()))


def undeclared(patterns: Sequence[Any]) -> list[str]:
    """Addresses without an expectation."""
    standard = {
        f"{page.opts.app_label}_{page.opts.model_name}_{word}" for page in registered().values() for word in STANDARD
    }
    missing = []
    for address in addresses(patterns):
        if address.namespace == "admin":
            known = standard | set(expect.EXTRA_ADMIN) | set(expect.POST_ONLY) | expect.WHOLE_ADMIN
            # Django's nameless ones: the old address of a row (a redirect to its page) and the catch-all (404).
            nameless = address.name == "" and address.route.endswith(("<path:object_id>/", "(?P<url>.*)$"))
        else:
            known = set(expect.PAGES) | expect.OPEN | expect.API_ROUTES
            known |= expect.ACCOUNT if "<" not in address.route else set()
            nameless = address.route == "admin/login/"
        if address.name not in known and not nameless:
            missing.append(f"{address.namespace}:{address.name} {address.route}")
    return missing
