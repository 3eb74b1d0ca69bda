"""How often and how much: the connector's limits as a policy of the guarded client, and a pace between calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from crm.sync.definition import Connector
from office.http import Policy

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MEGABYTE = 1024 * 1024


def policy_for(connector: Connector, base_url: str, *, calls_today: int = 0, **changes: Any) -> Policy:
    """Allow exactly the configured origin (and the token's, where it is another); a private one only where the connector
    says that it lies on this machine. `calls_today` is what earlier runs of the day have used of the daily budget."""
    limits = connector.limits
    origins = {_origin(base_url)} if is_web(base_url) else set()
    token = str(connector.auth.get("token", ""))
    if is_web(token):
        origins.add(_origin(token))
    local = {origin for origin in origins if connector.local and origin.rsplit(":", 1)[0].strip("[]") in _LOOPBACK}
    calls = limits.calls_a_run
    if limits.calls_a_day:
        calls = min(calls, max(0, limits.calls_a_day - calls_today))
    values: dict[str, Any] = {
        "attempts": limits.attempts, "wait_initial": limits.backoff_seconds, "max_calls": calls,
        "longest_retry_after": limits.longest_wait_seconds, "max_bytes": limits.page_megabytes * _MEGABYTE,
        "max_total_bytes": limits.run_megabytes * _MEGABYTE,
    }
    return Policy(hosts=frozenset(origins), local=frozenset(local), **(values | changes))


def is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


@dataclass(slots=True)
class Pace:
    """At most `per_second` calls a second, evenly; 0 is as fast as the source answers."""

    per_second: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _next: float = field(default=0.0, init=False)

    def wait(self) -> None:
        if self.per_second <= 0:
            return
        now = self.clock()
        if now < self._next:
            self.sleep(self._next - now)
        self._next = max(now, self._next) + 1 / self.per_second
