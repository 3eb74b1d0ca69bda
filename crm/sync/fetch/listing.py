"""A listing read page by page to its end, or on from where a killed attempt stood."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from crm.sync.definition import Stream
from crm.sync.fetch.answers import Page
from crm.sync.fetch.batches import Batch, Sorter
from crm.sync.fetch.calls import Caller, iso
from crm.sync.fetch.errors import SourceBroken, StartOver
from crm.sync.fetch.paging import Ask, Pager


class Listing:
    """`mark` is the source's state before the first page: what changes during the listing is read again from the feed."""

    def __init__(self, caller: Caller, stream: Stream, *, stamp: str | None = None,
                 params: Mapping[str, Any] | None = None) -> None:
        self.caller, self.stream, self.extra = caller, stream, dict(params or {})
        self.sorter = Sorter(caller.connector, stream, stamp=stamp)
        self.mark: int | None = None
        self.newest: str | int | None = None
        self.complete = False

    def read(self, position: dict[str, Any]) -> Iterator[Batch]:
        pager = Pager(self.stream)
        ask = pager.first()
        page = self._ask(ask)
        self.mark = page.number(self.stream.mark)
        total = page.number(self.stream.total)
        number, rows, steady, counted = 1, 0, True, total is not None
        seen: set[str] = set()
        if position:
            number, rows, steady, following = self._resume(position, total)
            seen.add(str(position["hash"]))
            if following is None:
                self._finish(rows, total, steady, counted)
                return
            ask = following
            page = self._ask(ask)
        while True:
            if page.hash in seen and not page.empty:
                raise SourceBroken(f"数据源第 {number} 页与上一页完全相同")
            seen.add(page.hash)
            mark = page.number(self.stream.mark)
            batch = self.sorter.batch(page.part, rows if mark is None else mark)
            count = len(batch.keys) + len(batch.rejects)
            rows += count
            steady = steady and mark == self.mark and page.number(self.stream.total) == total
            if batch.newest is not None and (self.newest is None or str(batch.newest) > str(self.newest)):
                self.newest = batch.newest
            after = pager.after(ask, page, number, count, rows)
            if count:
                saved = None if after is None else after.saved()
                batch.position = {"ask": saved, "mark": self.mark, "total": total, "page": number, "rows": rows,
                                  "steady": steady, "hash": page.hash}
                batch.page, batch.page_hash, batch.total = number, page.hash, total
                yield batch
            if after is None:
                break
            number += 1
            if number > self.stream.most:
                raise SourceBroken(f"已读 {self.stream.most} 页仍未结束，超过上限")
            ask, page = after, self._ask(after)
        self._finish(rows, total, steady, counted)

    def _ask(self, ask: Ask) -> Page:
        return self.caller.page(self.stream, self.extra | ask.params, url=ask.url)

    def _resume(self, position: dict[str, Any], total: int | None) -> tuple[int, int, bool, Ask | None]:
        """Only a mark proves that the source stands where it stood."""
        if self.mark is None or position.get("mark") != self.mark or position.get("total") != total:
            raise StartOver("数据源在上次中断之后有变化，需从头读取")
        ask = None if position["ask"] is None else Ask(**position["ask"])
        return int(position["page"]) + 1, int(position["rows"]), bool(position["steady"]), ask

    def _finish(self, rows: int, total: int | None, steady: bool, counted: bool) -> None:
        if steady and total is not None and rows < total:
            raise SourceBroken(f"数据源说有 {total} 行，只给了 {rows} 行")
        provable = self.mark is not None or counted or self.caller.connector.absence is not None
        self.complete = steady and provable


def watermark_value(moment: dt.datetime, form: str) -> str | int:
    """A moment in the form that the source's parameter takes."""
    if form in ("s", "ms"):
        return int(moment.timestamp() * {"s": 1, "ms": 1000}[form])
    china = moment.astimezone(dt.timezone(dt.timedelta(hours=8)))
    return {"iso": iso(moment), "date": china.date().isoformat(), "datetime": china.strftime("%Y-%m-%d %H:%M:%S")}[form]


def stamp_moment(stamp: str | int, form: str) -> dt.datetime | None:
    """The moment that a record's stamp says, None where it cannot be read."""
    try:
        if form in ("s", "ms"):
            return dt.datetime.fromtimestamp(int(stamp) / {"s": 1, "ms": 1000}[form], dt.UTC)
        found = dt.datetime.fromisoformat(str(stamp))
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.timezone(dt.timedelta(hours=8)))
