"""One call per key: sources that only answer questions about one company, and feeds that only announce."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from crm.sync.definition import Stream
from crm.sync.fetch.answers import Page
from crm.sync.fetch.batches import Batch, Sorter
from crm.sync.fetch.calls import Caller
from crm.sync.fetch.errors import StartOver
from office.http import BudgetSpent

_BATCH = 100


class Lookups:
    """The keys come from the core, stalest first. When the day's calls are used up, what was read counts; the rest waits."""

    def __init__(self, caller: Caller, stream: Stream, keys: Callable[[], Iterable[str]]) -> None:
        self.caller, self.stream, self.keys = caller, stream, keys
        self.sorter = Sorter(caller.connector, stream)

    def read(self, position: dict[str, Any]) -> Iterator[Batch]:
        keys = list(self.keys())
        digest = hashlib.sha256("\n".join(keys).encode()).hexdigest()
        if position and position.get("keys") != digest:
            raise StartOver("待查询的企业已有变化，需从头查询")
        done, number = int(position.get("done", 0)), 0
        size = int(self.stream.paging.get("batch", _BATCH))
        while done < len(keys):
            batch, number = Batch(), number + 1
            spent = False
            for key in keys[done:done + size]:
                try:
                    self._look_up(batch, key, done)
                except BudgetSpent:
                    if not done and not batch.keys:
                        raise
                    spent = True
                    break
                done += 1
            batch.position, batch.page, batch.total = {"done": done, "keys": digest}, number, len(keys)
            batch.page_hash = hashlib.sha256(b"\n".join(batch.raws)).hexdigest()
            yield batch
            if spent:
                return

    def _look_up(self, batch: Batch, key: str, seq: int) -> None:
        page = self.caller.page(self.stream, {}, words={"key": key})
        if page.gone:
            batch.add(key, b"", page.gone, seq)
        elif page.empty:
            return
        else:
            part = b"[" + page.part + b"]" if self.stream.single else page.part
            found = self.sorter.batch(part, seq)
            for name in ("keys", "raws", "ops", "seqs", "rejects"):
                getattr(batch, name).extend(getattr(found, name))


def fetch_details(caller: Caller, stream: Stream, batch: Batch) -> None:
    """Put into a batch of announcements what they announce. Each key is asked once; its newest announcement counts."""
    assert stream.detail is not None  # noqa: S101  (the caller's reason to call)
    newest = {key: index for index, key in enumerate(batch.keys)}
    kept = sorted(newest.values())
    for index in kept:
        if batch.ops[index] == "upsert":
            batch.ops[index], batch.raws[index] = _detail(caller, stream, batch.keys[index])
    kept = [index for index in kept if batch.ops[index]]
    for name in ("keys", "raws", "ops", "seqs"):
        values = getattr(batch, name)
        setattr(batch, name, [values[index] for index in kept])


def _detail(caller: Caller, stream: Stream, key: str) -> tuple[str, bytes]:
    assert stream.detail is not None  # noqa: S101  (only streams with a detail come here)
    detail = stream.detail
    page: Page = caller.page(stream, {}, request=detail.request, path=detail.item, single=True, words={"key": key})
    if page.gone:
        return page.gone, b""
    return ("", b"") if page.empty else ("upsert", page.part)
