"""What a browser sends back: the values of a page's form, read from its HTML."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self._select: str | None = None
        self._area: str | None = None
        self._first: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value if value is not None else "" for name, value in attrs}
        name = found.get("name", "")
        if tag == "input" and name and "disabled" not in found:
            kind = found.get("type", "text")
            if kind in ("checkbox", "radio") and "checked" not in found:
                return
            if kind not in ("submit", "button", "file", "image"):
                self.values.setdefault(name, []).append(found.get("value", "on" if kind == "checkbox" else ""))
        elif tag == "select" and name:
            self._select, self._first = name, None
        elif tag == "option" and self._select:
            if "selected" in found:
                self.values.setdefault(self._select, []).append(found.get("value", ""))
        elif tag == "textarea" and name:
            self._area = name
            self.values.setdefault(name, []).append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area][-1] += data.removeprefix("\n") if not self.values[self._area][-1] else data


def form_values(html: str) -> dict[str, Any]:
    """Field → values, without the rows that a script copies to add one (their names hold __prefix__)."""
    reader = _Form()
    reader.feed(html)
    skipped = ("csrfmiddlewaretoken", "action", "select_across", "q", "s")
    return {
        name: values for name, values in reader.values.items() if "__prefix__" not in name and name not in skipped
    }
