"""One JSON object a line: dumps read to their end, and streams of changes that never end but can be taken up again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from crm.sync.definition import Stream
from crm.sync.fetch import cutting
from crm.sync.fetch.batches import Batch, Sorter
from crm.sync.fetch.calls import RANGE_LOST, Caller
from crm.sync.fetch.errors import Rebaseline, SourceBroken, StartOver
from crm.sync.records import reject
from crm.sync.strict import NotStrict
from office.http import AnswerTooLarge, Unavailable

_BATCH = 500


class Lines:
    def __init__(self, caller: Caller, stream: Stream) -> None:
        self.caller, self.stream = caller, stream
        self.sorter = Sorter(caller.connector, stream)
        self.size = int(stream.paging.get("batch", _BATCH))
        self.longest = caller.connector.limits.page_megabytes * 1024 * 1024
        self.timepoint: int | None = None

    def read_dump(self, position: dict[str, Any]) -> Iterator[Batch]:
        """The whole of it; a connection that breaks off is an error, for what is missing would look absent."""
        if position:
            raise StartOver("逐行下载只能从头读取")
        rows = 0
        with self.caller.stream(self.stream.request, {}, self.caller.connector.limits.stream_seconds) as answer:
            if answer.status == RANGE_LOST:
                raise SourceBroken("数据源拒绝从头下载（416）")
            for number, lines in enumerate(in_batches(lines_of(answer.pieces, self.longest, tail=True), self.size), 1):
                batch = batch_of(self.sorter, lines, rows)
                rows += len(lines)
                batch.page, batch.position = number, {"rows": rows}
                yield batch

    def read_changes(self, cursor: dict[str, Any], position: dict[str, Any]) -> Iterator[Batch]:
        """Until the source closes the stream or our time for it is over; both are no fault, the next run goes on there."""
        told = self.stream.incremental
        at = position.get("timepoint", cursor.get("timepoint"))
        self.timepoint = at
        params = {} if at is None else {told["param"]: at}
        number = 0
        try:
            with self.caller.stream(self.stream.request, params, self.caller.connector.limits.stream_seconds) as answer:
                if answer.status == RANGE_LOST:
                    raise Rebaseline("数据源已不保留上次读到的位置（416），需重新全量读取")
                lines = _kept(lines_of(answer.pieces, self.longest, tail=False))
                for number, block in enumerate(in_batches(lines, self.size), 1):
                    batch = batch_of(self.sorter, block, at or 0)
                    self._advance(batch)
                    batch.page, batch.position = number, {"timepoint": self.timepoint}
                    yield batch
        except Unavailable:
            if not number:
                raise

    def _advance(self, batch: Batch) -> None:
        newest, oldest = max(batch.seqs, default=None), min(batch.seqs, default=None)
        if newest is None:
            return
        if self.timepoint is not None and oldest is not None and oldest < self.timepoint:
            raise SourceBroken(f"数据源的变更序号倒退（{oldest} < {self.timepoint}）")
        self.timepoint = newest


def _kept(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The lines up to a broken connection: what came whole counts, the rest comes again from the last position."""
    had = False
    while True:
        try:
            line = next(lines, None)
        except Unavailable:
            if had:
                return
            raise
        if line is None:
            return
        had = True
        yield line


def lines_of(pieces: Iterable[bytes], longest: int, *, tail: bool) -> Iterator[bytes]:
    """Whole lines; blank ones are heartbeats. `tail`: the last line may lack its end (a stream's may not: it was cut off)."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        if len(rest) > longest:
            raise AnswerTooLarge(f"一行超过 {longest} 字节")
        for line in whole:
            if line := line.strip():
                yield line
    if tail and (line := rest.strip()):
        yield line


def in_batches(lines: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    block: list[bytes] = []
    for line in lines:
        block.append(line)
        if len(block) == size:
            yield block
            block = []
    if block:
        yield block


def batch_of(sorter: Sorter, lines: list[bytes], seq: int) -> Batch:
    """A batch of lines; one that is no JSON is refused alone."""
    part = b"[" + b",".join(lines) + b"]"
    try:
        found = cutting.items(part)
        whole = found is not None and len(found) == len(lines)
    except NotStrict:
        whole = False
    bad: list[bytes] = []
    if not whole:
        bad = [line for line in lines if not _is_json(line)]
        part = b"[" + b",".join(line for line in lines if line not in bad) + b"]"
    batch = sorter.batch(part, seq)
    batch.rejects += [reject("", seq, None, sorter.connector, [("", "这一行不是合法的 JSON")]) for _ in bad]
    batch.page_hash = hashlib.sha256(part).hexdigest()
    return batch


def _is_json(line: bytes) -> bool:
    try:
        return len(cutting.items(b"[" + line + b"]") or ()) == 1
    except NotStrict:
        return False
