"""Where a request comes from. A header names the caller only when a proxy of ours wrote it."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Sequence

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = str(ipaddress.IPv4Address(0))  # a caller without an address, such as one behind a unix socket


@functools.lru_cache(maxsize=8)
def _networks(words: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(word) for word in words)


def caller(*, peer: str, forwarded: str, proxies: Sequence[str]) -> str:
    """The address nearest to us that is not one of our proxies, reading X-Forwarded-For from its trustworthy end."""
    trusted = _networks(tuple(proxies))
    found = UNKNOWN
    for word in (peer, *reversed(forwarded.split(","))):
        try:
            address = ipaddress.ip_address(word.strip())
        except ValueError:
            return found  # what stands beyond nonsense was written by the caller
        found = str(address)
        if not any(address in network for network in trusted):
            return found
    return found


def client_address(request: HttpRequest) -> str:
    return caller(
        peer=request.META.get("REMOTE_ADDR", ""), forwarded=request.META.get("HTTP_X_FORWARDED_FOR", ""),
        proxies=settings.TRUSTED_PROXIES,
    )
