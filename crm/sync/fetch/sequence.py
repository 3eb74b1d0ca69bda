"""A feed of numbered changes, read from an overlap before the cursor to its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crm.sync.definition import Stream
from crm.sync.fetch.answers import Page
from crm.sync.fetch.batches import Batch, Sorter
from crm.sync.fetch.calls import Caller
from crm.sync.fetch.errors import SourceBroken
from crm.sync.fetch.lookups import fetch_details
from crm.sync.selectors import expression
from office.http import NextStep


class Sequence:
    """`overlap` numbers before the cursor are read again, so that late commits there are not missed."""

    def __init__(self, caller: Caller, stream: Stream) -> None:
        self.caller, self.stream, self.told = caller, stream, stream.incremental
        self.sorter = Sorter(caller.connector, stream)
        self.since = 0

    def read(self, cursor: dict[str, Any], position: dict[str, Any]) -> Iterator[Batch]:
        known = int(cursor.get("since", 0))
        begin = int(position.get("since", max(0, known - int(self.told.get("overlap", 0)))))
        by_start = "since" not in cursor and "at" in cursor and not position and "start" in self.told
        since, seen = begin, set[str]()
        for number in range(1, self.stream.most + 1):
            page = self._ask(cursor, since, by_start=by_start and number == 1)
            self._check_watermark(page, known)
            batch = self.sorter.batch(page.part, since)
            if not batch.keys and not batch.rejects:
                self.since = max(known, since)
                return
            if page.hash in seen:
                raise SourceBroken(f"数据源第 {number} 页与上一页完全相同")
            seen.add(page.hash)
            following = self._next(page, batch, since, first=by_start and number == 1)
            if self.stream.detail is not None:
                fetch_details(self.caller, self.stream, batch)
            batch.position, batch.page, batch.page_hash = {"since": following}, number, page.hash
            full = len(batch.keys) + len(batch.rejects) >= int(self.stream.paging.get("per", 1))
            yield batch
            since = following
            if "next" not in self.told and not full:
                self.since = max(known, since)
                return
        raise SourceBroken(f"已读 {self.stream.most} 页仍未结束，超过上限")

    def _ask(self, cursor: dict[str, Any], since: int, *, by_start: bool) -> Page:
        paging = self.stream.paging
        params: dict[str, Any] = {paging["size"]: paging["per"]} if "size" in paging and "per" in paging else {}
        if by_start:
            filled = {name: str(value).replace("{at}", str(cursor["at"])) for name, value in self.told["start"].items()}
            return self.caller.page(self.stream, params | filled)
        # A source whose parameter means "from this number on" is asked for the number after the last one read.
        asked = since + 1 if self.told.get("inclusive") and since else since
        return self.caller.page(self.stream, params | {self.told["param"]: asked})

    def _next(self, page: Page, batch: Batch, since: int, *, first: bool) -> int:
        if "next" in self.told:
            following = expression(self.told["next"])(page.body)
        else:
            following = max(batch.seqs, default=None)
            if batch.rejects and following is not None:
                following = max(following, *(bad.seq for bad in batch.rejects))
        if not isinstance(following, int) or isinstance(following, bool) or (following <= since and not first):
            raise SourceBroken(f"数据源的变更序号没有前进（{since} → {following}）")
        return following

    def _check_watermark(self, page: Page, known: int) -> None:
        path = self.told.get("watermark")
        newest = page.number(path) if path else None
        if newest is not None and newest < known:
            raise SourceBroken(f"数据源的变更序号倒退（{newest} < {known}），可能已重建；核对后请执行全量同步",
                               next_step=NextStep.FIX_SETTINGS)
