"""The one way in: what a connector describes, read by the part that knows that kind of source."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from crm.sync.definition import Connector, Stream
from crm.sync.fetch.batches import Batch
from crm.sync.fetch.calls import Caller, iso
from crm.sync.fetch.errors import SourceRefused
from crm.sync.fetch.files import Files
from crm.sync.fetch.listing import Listing, stamp_moment, watermark_value
from crm.sync.fetch.lookups import Lookups
from crm.sync.fetch.ndjson import Lines
from crm.sync.fetch.sequence import Sequence
from office.http import GuardedClient, NextStep

_STARTED = ("since", "at", "timepoint", "after")


def open_reader(connector: Connector, http: GuardedClient, *, base_url: str, environ: Mapping[str, str],
                keys: Callable[[], Iterable[str]] | None = None, now: dt.datetime) -> Reader:
    address = base_url or connector.base_url
    if not address:
        raise SourceRefused("没有数据源地址", next_step=NextStep.FIX_SETTINGS)
    return Reader(connector, Caller(connector, http, address, environ, now), keys or tuple)


class Reader:
    """`cursor` and `complete` hold after a reading that came to its end."""

    def __init__(self, connector: Connector, caller: Caller, keys: Callable[[], Iterable[str]]) -> None:
        self.connector, self.caller, self.keys = connector, caller, keys
        self.cursor: dict[str, Any] = {}
        self.complete = False

    def mode(self, cursor: dict[str, Any], full: bool) -> str:
        if self.connector.listing.paging["kind"] == "lookup":
            return "changes"  # what was not asked for is not absent
        started = any(name in cursor for name in _STARTED)
        return "full" if full or self.connector.changes is None or not started else "changes"

    def read(self, mode: str, cursor: dict[str, Any], position: dict[str, Any]) -> Iterator[Batch]:
        self.complete, self.cursor = False, dict(cursor)
        listing, changes = self.connector.listing, self.connector.changes
        if listing.paging["kind"] == "lookup":
            yield from Lookups(self.caller, listing, self.keys).read(position)
        elif mode == "full":
            yield from self._full(listing, position)
        else:
            assert changes is not None  # noqa: S101  (mode() never says changes otherwise)
            yield from _CHANGES[changes.incremental["kind"]](self, changes, cursor, position)

    def _full(self, listing: Stream, position: dict[str, Any]) -> Iterator[Batch]:
        kind, cursor = listing.paging["kind"], self._baseline()
        if kind == "file":
            files = Files(self.caller, listing)
            yield from files.read(position)
            self.complete = True
        elif kind == "ndjson":
            lines = Lines(self.caller, listing)
            yield from lines.read_dump(position)
            self.complete = True
        else:
            reading = Listing(self.caller, listing)
            yield from reading.read(position)
            self.complete = reading.complete
            if reading.mark is not None and self.connector.changes is not None:
                name = {"timepoint": "timepoint", "sequence": "since"}.get(self.connector.changes.incremental["kind"])
                cursor = {name: reading.mark} if name else cursor
        self.cursor = cursor

    def _baseline(self) -> dict[str, Any]:
        """Where changes begin after a listing that starts now."""
        changes = self.connector.changes
        if changes is None:
            return {}
        told, kind = changes.incremental, changes.incremental["kind"]
        if kind == "delta_file":
            return {"after": Files(self.caller, changes).newest()}
        if kind == "timepoint":
            return {"timepoint": told.get("first")}
        if kind == "watermark" or "start" in told:
            return {"at": iso(self.caller.now)}
        return {"since": told.get("first", 0)}

    def _sequence(self, stream: Stream, cursor: dict[str, Any], position: dict[str, Any]) -> Iterator[Batch]:
        reading = Sequence(self.caller, stream)
        yield from reading.read(cursor, position)
        # Nothing happened since the listing: the feed is asked by the same moment again.
        quiet = "since" not in cursor and "at" in cursor and not reading.since
        self.cursor = dict(cursor) if quiet else {"since": reading.since}

    def _watermark(self, stream: Stream, cursor: dict[str, Any], position: dict[str, Any]) -> Iterator[Batch]:
        told = stream.incremental
        known = dt.datetime.fromisoformat(cursor["at"])
        since = known - dt.timedelta(seconds=int(told.get("overlap_seconds", 3_600)))
        params = {told["param"]: watermark_value(since, told["format"])}
        reading = Listing(self.caller, stream, stamp=told["from"], params=params)
        yield from reading.read(position)
        newest = stamp_moment(reading.newest, told["format"]) if reading.newest is not None else None
        # A stamp from the future would skip everything until then.
        self.cursor = {"at": iso(max(known, min(newest or known, self.caller.now)))}

    def _timepoint(self, stream: Stream, cursor: dict[str, Any], position: dict[str, Any]) -> Iterator[Batch]:
        lines = Lines(self.caller, stream)
        yield from lines.read_changes(cursor, position)
        self.cursor = {"timepoint": lines.timepoint}

    def _delta_files(self, stream: Stream, cursor: dict[str, Any], position: dict[str, Any]) -> Iterator[Batch]:
        files = Files(self.caller, stream)
        yield from files.read(position, after=str(cursor.get("after") or ""))
        self.cursor = {"after": max(files.newest(), str(cursor.get("after") or ""))}


_CHANGES: dict[str, Callable[[Reader, Stream, dict[str, Any], dict[str, Any]], Iterator[Batch]]] = {
    "sequence": Reader._sequence, "watermark": Reader._watermark, "timepoint": Reader._timepoint,
    "delta_file": Reader._delta_files,
}
