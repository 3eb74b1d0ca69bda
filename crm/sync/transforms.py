"""The closed list of things a connector may do to a value before a reader checks it. Pure; each is one short function."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from crm import codes

Transform = Callable[[Any], Any]
CHINA = dt.timezone(dt.timedelta(hours=8))
_SMALLEST_PREFIX = 2


class TransformError(ValueError):
    """The value cannot be transformed; str() is the reason an officer reads."""


def compile_step(step: Any, tables: Mapping[str, Mapping[str, str]]) -> Transform:
    """The function of one step as written in the file; raises ValueError for what is not on the list."""
    if isinstance(step, str):
        if step not in _PLAIN:
            raise ValueError(f"不认识的变换 {step!r}")
        return _PLAIN[step]
    (name, told), = step.items()
    if name == "map":
        if told not in tables:
            raise ValueError(f"tables 里没有 {told!r}")
        return _mapped(told, tables[told])
    return _WITH_WORD[name](told)


def date(raw: Any) -> Any:
    """20120506 as a number or text, or the day of a moment; other forms pass to the reader."""
    text = str(raw).strip() if isinstance(raw, str | int) and not isinstance(raw, bool) else raw
    if isinstance(text, str) and len(text) == 8 and text.isascii() and text.isdigit():  # noqa: PLR2004
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return text


def date_ms(raw: Any) -> str:
    """Milliseconds since 1970 as the day in China."""
    if isinstance(raw, str) and raw.strip().lstrip("-").isdecimal():
        raw = int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise TransformError("应为毫秒时间戳")
    try:
        return (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=raw)).astimezone(CHINA).date().isoformat()
    except (OverflowError, ValueError):
        raise TransformError(f"时间戳超出范围：{str(raw)[:20]}") from None


def capital_cn(raw: Any) -> Any:
    """Vendors' ways to write a capital: "-" and "0" for unknown, a bare number in 万元."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return raw
    text = unicodedata.normalize("NFKC", str(raw)).strip()
    if text in ("", "-", "--", "无", "0"):
        return None
    try:
        float(text.replace(",", ""))
    except ValueError:
        return text
    return f"{text}万元"


def upper(raw: Any) -> Any:
    return raw.upper() if isinstance(raw, str) else raw


def uscc(raw: Any) -> Any:
    """Full-width letters, spaces and hyphens out; the reader checks the rest."""
    return unicodedata.normalize("NFKC", raw).replace(" ", "").replace("-", "").upper() if isinstance(raw, str) else raw


def as_text(raw: Any) -> Any:
    """A number that should have been text (spreadsheets turn codes into numbers)."""
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return raw
    return str(int(raw)) if float(raw).is_integer() else repr(raw)


@lru_cache(maxsize=1)
def _places() -> dict[str, str]:
    """Name of a district → its code, where the name is the only one of its kind in Guangdong; Shenzhen's win."""
    found: dict[str, str] = {}
    for code, name in codes.divisions().items():
        if len(name) > _SMALLEST_PREFIX and code.startswith("44") and not code.endswith("00") and (
            name not in found or code.startswith("4403")
        ):
            found[name] = code
    return found


def district_from_address(raw: Any) -> Any:
    """The district whose name stands first in an address; none where no name is found."""
    if not isinstance(raw, str):
        return raw
    hits = [(raw.index(name), -len(name), code) for name, code in _places().items() if name in raw]
    return min(hits)[2] if hits else None


def _mapped(name: str, table: Mapping[str, str]) -> Transform:
    def look_up(raw: Any) -> str:
        word = str(raw).strip()
        if word not in table:
            raise TransformError(f"对照表 {name} 里没有 {word[:20]!r}")
        return table[word]

    return look_up


def _split(mark: str) -> Transform:
    def split(raw: Any) -> Any:
        return [part.strip() for part in raw.split(mark) if part.strip()] if isinstance(raw, str) else raw

    return split


def _join(mark: str) -> Transform:
    def join(raw: Any) -> Any:
        if not isinstance(raw, list):
            return raw
        return mark.join(str(part).strip() for part in raw if part not in (None, "") and not isinstance(part, dict | list))

    return join


def _prefix(front: str) -> Transform:
    return lambda raw: front + str(as_text(raw)) if isinstance(raw, str | int | float) else raw


def _default(value: Any) -> Transform:
    return lambda raw: value if raw in (None, "") else raw


_PLAIN: dict[str, Transform] = {
    "date": date, "date_ms": date_ms, "capital_cn": capital_cn, "upper": upper, "uscc": uscc, "text": as_text,
    "district_from_address": district_from_address,
}
_WITH_WORD: dict[str, Callable[[Any], Transform]] = {"split": _split, "join": _join, "prefix": _prefix, "default": _default}
