"""What an answer means. Success is a predicate: some vendors answer 200 to everything, others say "no rows" with 404."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from crm.sync import strict
from crm.sync.definition import Connector, Stream
from crm.sync.fetch import cutting
from crm.sync.fetch.errors import SourceBroken, SourceRefused
from crm.sync.selectors import Selector, expression
from office.http import Answer, NextStep, Unavailable


@dataclass(frozen=True, slots=True)
class Page:
    """`part`: the bytes of the list of items (of the one item, where the source gives one). `gone`: removed or redacted,
    where the status of the answer says so. `body` is the rest of the page, read strictly."""

    part: bytes
    body: Any
    hash: str
    headers: dict[str, str] = field(default_factory=dict)
    empty: bool = False
    gone: str = ""

    def number(self, path: str | None) -> int | None:
        """The whole number at the path; raises SourceBroken where the connector promises one and there is none."""
        if path is None:
            return None
        value = expression(path)(self.body)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:  # noqa: PLR2004
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise SourceBroken(f"数据源的响应里没有数字 {path}")
        return value


class Judge:
    """The connector's predicates, compiled. Order: stop, retry, empty, ok."""

    def __init__(self, connector: Connector) -> None:
        self.response, self.gone = connector.response, connector.gone
        self.accept = frozenset(self.response.statuses)

    def page(self, answer: Answer, stream: Stream, path: str, *, single: bool) -> Page:
        """What the answer brings. Raises Unavailable for what should be fetched again, SourceRefused for a no."""
        if answer.status in self.gone.statuses:
            return Page(b"", None, "", gone=self.gone.statuses[answer.status])
        part, body = self._open(answer, path)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        said = {"status": answer.status, "headers": headers, "body": body}
        if self._says(self.response.stop_when, said):
            raise self._refusal(said, NextStep.FIX_SETTINGS)
        if self._says(self.response.retry_when, said):
            raise Unavailable(f"数据源请稍后再试：{self._message(said)}")
        digest = hashlib.sha256(answer.body).hexdigest()
        if self._says(self.response.empty_when, said):
            return Page(b"{}" if single else b"[]", body, digest, headers, empty=True)
        if answer.status >= 400 or (self.response.ok_when and not self._says(self.response.ok_when, said)):  # noqa: PLR2004
            raise self._refusal(said, NextStep.RETRY)
        if part is None or part[:1] != (b"{" if single else b"["):
            raise SourceBroken(f"数据源的响应里没有{'记录' if single else '列表'} {path or '（顶层）'}")
        return Page(part, body, digest, headers)

    def _open(self, answer: Answer, path: str) -> tuple[bytes | None, Any]:
        if "json" not in answer.headers.get("content-type", "") and not self.response.text:
            raise Unavailable("数据源返回的不是 JSON")
        try:
            part = cutting.cut(answer.body, path)
            return part, cutting.skeleton(answer.body, part)
        except strict.NotStrict as error:
            if self.response.text:
                return None, answer.body[:2_000].decode("utf-8", "replace")
            raise Unavailable(f"数据源返回的 {error}" if str(error).startswith("JSON") else f"数据源返回的{error}") from None

    def _says(self, text: str | None, said: dict[str, Any]) -> bool:
        if text is None:
            return False
        value = _predicate(text)(said)
        return value is not None and value is not False and value not in ("", [], {})

    def _message(self, said: dict[str, Any]) -> str:
        told = _predicate(self.response.message)(said) if self.response.message else None
        if told is None and isinstance(said["body"], str):
            told = said["body"]
        return str(told)[:80]

    def _refusal(self, said: dict[str, Any], step: NextStep) -> SourceRefused:
        return SourceRefused(f"数据源拒绝：{self._message(said)}（HTTP {said['status']}）", next_step=step)


def _predicate(text: str) -> Selector:
    return expression(text)


