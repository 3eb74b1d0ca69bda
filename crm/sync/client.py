"""Fetching pages of a source. Success is a predicate on the body: vendors answer 200 to everything."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from crm.sync.connector import Connector, dig
from office.http import Answer, GuardedClient, NextStep, OutboundError, Policy, Unavailable

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class SourceRefused(OutboundError):
    """The source answered, and its answer says no."""


class SourceBroken(OutboundError):
    """The source contradicts itself (repeated page, sequence going back): reading on would lose rows."""

    next_step = NextStep.GIVE_UP


@dataclass(frozen=True, slots=True)
class Page:
    """`items` raw records, `watermark` the source's sequence number at that moment, `next` the feed's next position."""

    items: list[Any]
    watermark: int
    hash: str
    total: int | None = None
    next: int | None = None


def policy_for(connector: Connector, base_url: str, **changes: Any) -> Policy:
    """Allow exactly the configured origin; a private one only where the connector says that it lies on this machine."""
    parts = urlsplit(base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    origin = f"{parts.hostname}:{port}"
    local = frozenset({origin}) if connector.local and parts.hostname in _LOOPBACK else frozenset()
    return Policy(hosts=frozenset({origin}), local=local, **changes)


def strict_json(answer: Answer) -> dict[str, Any]:
    """The body as an object; raises Unavailable (so that it is fetched again) for whatever is no clean JSON object."""
    if "json" not in answer.headers.get("content-type", ""):
        raise Unavailable("数据源返回的不是 JSON")
    try:
        body = json.loads(answer.body.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_unique)
    except UnicodeDecodeError:
        raise Unavailable("数据源返回的不是 UTF-8 文本") from None
    except RecursionError:
        raise Unavailable("数据源返回的 JSON 嵌套过深") from None
    except ValueError as error:
        raise Unavailable(f"数据源返回的 JSON 不完整或不合法：{str(error)[:80]}") from None
    if not isinstance(body, dict):
        raise Unavailable("数据源返回的 JSON 不是对象")
    return body


def _refuse(constant: str) -> Any:
    raise ValueError(f"含有 {constant}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("含有重复的键")
    return found


@dataclass(slots=True)
class SourceClient:
    connector: Connector
    http: GuardedClient
    base_url: str
    key: str

    def listing(self, number: int) -> Page:
        spec = self.connector.listing
        body, digest = self._get(spec.path, {spec.page: number, spec.size: spec.page_size})
        return Page(_items(body, spec.items), _whole(body, spec.watermark), digest, total=_whole(body, spec.total))

    def changes(self, since: int) -> Page:
        """One page of the feed; raises SourceBroken when the feed does not move although it has items."""
        spec = self.connector.changes
        body, digest = self._get(spec.path, {spec.since: since, spec.limit: spec.page_size})
        page = Page(_items(body, spec.items), _whole(body, spec.watermark), digest, next=_whole(body, spec.next))
        if page.next is None or page.next < since or (page.items and page.next == since):
            raise SourceBroken(f"数据源的变更序号没有前进（{since} → {page.next}）")
        return page

    def _get(self, path: str, params: dict[str, int]) -> tuple[dict[str, Any], str]:
        bodies: list[dict[str, Any]] = []
        answer = self.http.get(self.base_url.rstrip("/") + path, params=params,
                               headers={self.connector.auth.header: self.key},
                               check=lambda candidate: bodies.append(strict_json(candidate)))
        body = bodies[-1]
        code = dig(body, self.connector.success.path)
        if code != self.connector.success.equals or isinstance(code, bool):
            step = NextStep.FIX_SETTINGS if code in self.connector.fix_settings_codes else NextStep.RETRY
            raise SourceRefused(f"数据源拒绝：{str(dig(body, self.connector.message))[:80]}（{code}）", next_step=step)
        return body, hashlib.sha256(answer.body).hexdigest()


def _items(body: dict[str, Any], path: str) -> list[Any]:
    items = dig(body, path)
    if not isinstance(items, list):
        raise SourceBroken(f"数据源的响应里没有列表 {path}")
    return items


def _whole(body: dict[str, Any], path: str) -> int:
    value = dig(body, path)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise SourceBroken(f"数据源的响应里没有数字 {path}")
    return value
