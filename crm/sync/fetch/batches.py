"""Items of a page → a Batch: which record, what happened to it, in which order. The records stay the bytes they came as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from crm.sync import strict
from crm.sync.definition import Connector, Stream
from crm.sync.fetch import cutting
from crm.sync.records import Reject, reject, usable_key
from crm.sync.selectors import expression

MAX_SEQ = 2**63 - 1


@dataclass(slots=True)
class Batch:
    """`raws`: each record's own JSON, b"" for a tombstone. `position` is where to go on when killed after this batch."""

    keys: list[str] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    ops: list[str] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    position: dict[str, Any] = field(default_factory=dict)
    page: int = 0
    page_hash: str = ""
    total: int | None = None
    newest: str | int | None = None

    def add(self, key: str, raw: bytes, op: str, seq: int) -> None:
        self.keys.append(key)
        self.raws.append(raw if op == "upsert" else b"")
        self.ops.append(op)
        self.seqs.append(seq)


class Sorter:
    """Cuts the items of one stream. `stamp` is the path whose greatest value `newest` reports."""

    def __init__(self, connector: Connector, stream: Stream, *, stamp: str | None = None) -> None:
        self.connector, self.stream = connector, stream
        inside = stream.key or connector.key
        joined = f"{stream.record}.{inside}" if stream.record and not stream.key else inside
        seq = stream.version or stream.incremental.get("seq") or stream.incremental.get("path")
        wanted = {"key": joined, "outer": connector.key if stream.record else None, "seq": seq,
                  "op": stream.events.origin if stream.events else None, "stamp": stamp}
        self.names = [name for name, path in wanted.items() if path]
        self.paths = tuple(path for path in wanted.values() if path)
        self.numbered = seq is not None
        # A plain page needs nothing but its keys: the loop for it is short.
        self.simple = self.names == ["key"] and not stream.record and not self._conditions()

    def batch(self, part: bytes, seq: int) -> Batch:
        """`part` is the JSON list of items; `seq` stands for items that have no number of their own."""
        raws = cutting.items(part) or []
        values = cutting.columns(part, raws, self.paths)
        batch = Batch()
        if self.simple:
            self._take_plain(batch, raws, values, seq)
            return batch
        records = cutting.records(part, raws, self.stream.record)
        for raw, record, picked in zip(raws, records, values, strict=True):
            self._take(batch, raw, record, dict(zip(self.names, picked, strict=True)), seq)
        return batch

    def _take_plain(self, batch: Batch, raws: Sequence[bytes], values: Sequence[tuple[Any, ...]], seq: int) -> None:
        keys = [value[0] if value[0].__class__ is str and 0 < len(value[0]) <= 64 and value[0].isprintable()  # noqa: PLR2004
                else usable_key(value[0]) for value in values]
        if all(keys):
            batch.keys, batch.raws, batch.ops, batch.seqs = keys, list(raws), ["upsert"] * len(raws), [seq] * len(raws)
            return
        for key, raw in zip(keys, raws, strict=True):
            if key:
                batch.add(key, raw, "upsert", seq)
            else:
                self._refuse(batch, raw, seq, self.connector.key, "数据源编号缺失或过长")

    def _take(self, batch: Batch, raw: bytes, record: bytes, found: dict[str, Any], seq: int) -> None:
        if self.numbered:
            number = _whole(found.get("seq"))
            if number is None:
                self._refuse(batch, raw, seq, "", "变更没有序号")
                return
            seq = number
        op = self.stream.events.op(found.get("op")) if self.stream.events else "upsert"
        if op is None:
            self._refuse(batch, raw, seq, self.stream.events.origin if self.stream.events else "", "不认识的变更类别")
            return
        op = self._condition(record or raw) or op
        key = usable_key(found.get("key")) or usable_key(found.get("outer"))
        if not key:
            self._refuse(batch, raw, seq, self.connector.key, "数据源编号缺失或过长")
            return
        if op == "upsert" and not record and self.stream.detail is None:
            self._refuse(batch, raw, seq, self.stream.record, "记录不是键值表")
            return
        stamp = found.get("stamp")
        if isinstance(stamp, str | int) and (batch.newest is None or str(stamp) > str(batch.newest)):
            batch.newest = stamp
        batch.add(key, record, op, seq)

    def _conditions(self) -> list[tuple[str, str]]:
        gone = self.connector.gone
        return [(op, text) for op, text in (("redacted", gone.redacted_when), ("removed", gone.removed_when)) if text]

    def _condition(self, raw: bytes) -> str | None:
        conditions = self._conditions()
        if not conditions:
            return None
        try:
            item = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return next((op for op, text in conditions if expression(text)(item)), None)

    def _refuse(self, batch: Batch, raw: bytes, seq: int, name: str, reason: str) -> None:
        batch.rejects.append(reject("", seq, strict.lenient(raw), self.connector, [(name, reason)]))


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:  # noqa: PLR2004
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SEQ:
        return None
    return value


