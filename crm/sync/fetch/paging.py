"""From one page to the next: what to ask, and how to notice a source that goes round in circles."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from crm.sync.definition import Stream
from crm.sync.fetch.answers import Page
from crm.sync.fetch.errors import SourceBroken
from crm.sync.selectors import expression

_NEXT = re.compile(r'<([^<>]{1,2000})>[^,]*;\s*rel="?next"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ask:
    """What the next call adds to the stream's request. JSON-ready by `saved`."""

    params: dict[str, Any] = field(default_factory=dict)
    url: str = ""

    def saved(self) -> dict[str, Any]:
        return {"params": self.params, "url": self.url}


class Pager:
    """`after` gives the next question, None at the end. `rows` counts what came so far, the given page included."""

    def __init__(self, stream: Stream) -> None:
        self.paging = stream.paging
        self.kind = str(self.paging["kind"])
        self.seen: set[str] = set()

    def first(self) -> Ask:
        params = self._size()
        if self.kind == "page":
            params[self.paging["number"]] = self._base()
        elif self.kind == "offset":
            params[self.paging["offset"]] = 0
        elif self.kind == "cursor" and "start" in self.paging:
            params[self.paging["param"]] = self.paging["start"]
        return Ask(params)

    def after(self, ask: Ask, page: Page, number: int, count: int, rows: int) -> Ask | None:
        if self.kind == "none" or count == 0:
            return None
        if self.kind == "cursor":
            return self._cursor(ask, page)
        if self.kind == "next_link":
            return self._link(page)
        if count < int(self.paging["per"]):
            return None
        if self.kind == "offset":
            return Ask(self._size() | {self.paging["offset"]: rows})
        if "pages" in self.paging and number >= (page.number(self.paging["pages"]) or 0):
            return None
        return Ask(self._size() | {self.paging["number"]: self._base() + number})

    def _base(self) -> int:
        return int(self.paging.get("first", 1))

    def _size(self) -> dict[str, Any]:
        return {self.paging["size"]: self.paging["per"]} if "size" in self.paging and "per" in self.paging else {}

    def _cursor(self, ask: Ask, page: Page) -> Ask | None:
        token = expression(self.paging["path"])(page.body)
        if token in (None, "", False):
            return None
        if not isinstance(token, str | int) or len(str(token)) > 4_000:  # noqa: PLR2004
            raise SourceBroken("数据源给出的翻页标记不是文字")
        if self.paging.get("stop") == "same" and token == ask.params.get(self.paging["param"]):
            return None
        self._once(str(token))
        return Ask(self._size() | {self.paging["param"]: token})

    def _link(self, page: Page) -> Ask | None:
        if "header" in self.paging:
            found = _NEXT.search(page.headers.get("link", ""))
            url = found[1] if found else None
        else:
            url = expression(self.paging["path"])(page.body)
        if url in (None, ""):
            return None
        if not isinstance(url, str):
            raise SourceBroken("数据源给出的下一页地址不是文字")
        self._once(url)
        return Ask({}, url)

    def _once(self, token: str) -> None:
        if token in self.seen:
            raise SourceBroken(f"数据源重复给出同一个翻页标记 {token[:40]}，一直读下去不会结束")
        self.seen.add(token)
