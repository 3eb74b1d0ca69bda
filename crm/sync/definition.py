"""What a connector says, as frozen data. How the file is read and checked: connector.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    method: str = "GET"
    body: str = "none"
    path: str = ""
    params: Parameters = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Events:
    """Words by which a feed tells what happened. With `upsert` given, any other word is refused."""

    origin: str
    removed: frozenset[str] = frozenset()
    redacted: frozenset[str] = frozenset()
    upsert: frozenset[str] = frozenset()

    def op(self, word: Any) -> str | None:
        """upsert, removed or redacted; None for a word that the connector does not know."""
        if word in (None, "") and not self.upsert:
            return "upsert"
        if not isinstance(word, str):
            return None
        if word in self.removed:
            return "removed"
        if word in self.redacted:
            return "redacted"
        return "upsert" if not self.upsert or word in self.upsert else None


@dataclass(frozen=True, slots=True)
class Detail:
    """One more call for what an event only announces."""

    request: Request
    item: str = ""


@dataclass(frozen=True, slots=True)
class Stream:
    """A way to read records: the whole listing, or what has changed. `items` is a dotted path, "" the body itself."""

    paging: Mapping[str, Any]
    request: Request = field(default_factory=Request)
    items: str = ""
    single: bool = False
    total: str | None = None
    mark: str | None = None
    record: str = ""
    key: str | None = None
    version: str | None = None
    events: Events | None = None
    detail: Detail | None = None
    incremental: Mapping[str, Any] = field(default_factory=dict)

    @property
    def most(self) -> int:
        return int(self.paging.get("most", 20_000))


@dataclass(frozen=True, slots=True)
class Response:
    """Predicates over {status, headers, body}. `statuses` are answers to look at instead of errors of transport."""

    ok_when: str | None = None
    empty_when: str | None = None
    retry_when: str | None = None
    stop_when: str | None = None
    message: str | None = None
    text: bool = False
    statuses: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Gone:
    ended_from: str | None = None
    ended_status: str = "deregistered"
    statuses: Mapping[int, str] = field(default_factory=dict)
    removed_when: str | None = None
    redacted_when: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """`concurrency` is what the source allows at most; reading is sequential, which every source allows."""

    per_second: float = 0.0
    concurrency: int = 1
    calls_a_day: int = 0
    calls_a_run: int = 50_000
    attempts: int = 5
    backoff_seconds: float = 0.5
    longest_wait_seconds: float = 120.0
    page_megabytes: int = 16
    run_megabytes: int = 8_192
    stream_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class Absence:
    """Missing from `runs` whole listings in a row, each with at least that share of the known records: absent."""

    runs: int
    at_least: float


@dataclass(frozen=True, slots=True)
class Refresh:
    by: str
    older_than_days: int
    at_most: int = 1_000


@dataclass(frozen=True, slots=True)
class Thresholds:
    bad_rows: float = 0.10
    vanished: float = 0.05
    least_bad_rows_in_changes: int = 1


@dataclass(frozen=True, slots=True)
class Field:
    """`origins`: the first that has a value counts."""

    origins: tuple[str, ...]
    kind: str
    required: bool = False
    max: int = 300
    transform: tuple[Any, ...] = ()

    @property
    def origin(self) -> str:
        return self.origins[0]


@dataclass(frozen=True, slots=True, eq=False)
class Connector:
    code: str
    name: str
    auth: Mapping[str, Any]
    key: str
    listing: Stream
    fields: Mapping[str, Field]
    fingerprint: str = ""
    department: str = "market"
    local: bool = False
    base_url: str = ""
    scheme: str = "uscc"
    identity: str = "code"
    limits: Limits = field(default_factory=Limits)
    response: Response = field(default_factory=Response)
    changes: Stream | None = None
    refresh: Refresh | None = None
    gone: Gone = field(default_factory=Gone)
    absence: Absence | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    never_read: frozenset[str] = frozenset()
    keep_personal: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
