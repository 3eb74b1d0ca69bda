"""JSON without two meanings: no key twice, no NaN, UTF-8 only. Pure; fast where the text is the usual one."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

_decode = msgspec.json.Decoder().decode


class NotStrict(ValueError):
    """str() is Chinese."""


def load(raw: bytes) -> Any:
    """The value. msgspec decodes; only where the keys it found are not as many as the text has, the slow parser looks for
    one written twice. Blanks go before the count: one before a colon would hide a key from it."""
    try:
        value = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _slow(raw)
    marks = raw.translate(None, b" \t\r\n").count(b'":')
    if marks == (len(value) if value.__class__ is dict else -1) or marks == _keys(value):
        return value
    return _slow(raw)


def _keys(value: Any) -> int:
    count, inside = 0, value
    if value.__class__ is dict:
        count, inside = len(value), value.values()
    elif value.__class__ is not list:
        return 0
    for inner in inside:
        if inner and (inner.__class__ is dict or inner.__class__ is list):
            count += _keys(inner)
    return count


def _slow(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8")
        return json.loads(text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_unique)
    except UnicodeDecodeError:
        raise NotStrict("不是 UTF-8 文本") from None
    except RecursionError:
        raise NotStrict("JSON 嵌套过深") from None
    except ValueError as error:
        raise NotStrict(f"JSON 不完整或不合法：{str(error)[:80]}") from None


def lenient(raw: bytes) -> Any:
    """Whatever can be made of it, to show to a person; None where nothing can."""
    try:
        return json.loads(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> Any:
    raise ValueError(f"含有 {constant}")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("数字过大")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("含有重复的键")
    return found
