"""Where a value stands in a record: a plain name, a dotted path, or a JMESPath expression. Pure.

Natural persons are guarded here: an expression that could pick up fields nobody named (every value of an object, the
whole record as text) is refused when the connector is loaded, so that the names it mentions are all that it can read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOTTED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_FUNCTIONS = frozenset({
    "join", "not_null", "contains", "length", "starts_with", "ends_with", "abs", "type", "to_number", "to_string", "max", "min",
})
Selector = Callable[[Any], Any]

# Fields about natural persons: dropped unless the connector keeps them, and never a company's field.
PERSONAL = ("legal", "person", "contact", "phone", "mobile", "email", "shareholder", "partner", "manager", "stafflist",
            "opername", "director",
            "法人", "法定代表人", "联系人", "联系方式", "电话", "手机", "邮箱", "股东", "高管", "经营者", "负责人")
# Numbers of identity papers: read by nothing, kept by nothing.
IDENTITY = ("idcard", "id_card", "idno", "idnumber", "certno", "cardno", "passport", "fodselsnummer", "fødselsnummer", "身份证",
            "证件号", "护照")


class SelectorError(ValueError):
    """The expression cannot be used; str() is Chinese."""


def is_dotted(path: str) -> bool:
    return bool(_DOTTED.fullmatch(path))


def is_personal(name: str) -> bool:
    low = name.lower()
    return any(word in low for word in PERSONAL)


def is_identity(name: str) -> bool:
    low = name.lower()
    return any(word in low for word in IDENTITY)


def dig(body: Any, path: str) -> Any:
    """Value at a dotted path, None where the path ends early; "" is the whole."""
    if not path:
        return body
    for part in path.split("."):
        if not isinstance(body, dict):
            return None
        body = body.get(part)
    return body


def expression(text: str) -> Selector:
    """The compiled JMESPath expression; whatever goes wrong while it runs counts as "nothing there"."""
    compiled = _compile(text)

    def run(body: Any) -> Any:
        try:
            return compiled.search(body)
        except JMESPathError:
            return None

    return run


def selector(text: str) -> Selector:
    """How to take the value from a record: a dictionary look-up where that is all there is to do."""
    if _NAME.fullmatch(text) or _is_header(text):
        return lambda item: item.get(text) if isinstance(item, dict) else None
    if is_dotted(text):
        return lambda item: dig(item, text)
    return expression(text)


def names_in(text: str) -> frozenset[str]:
    """Every field name that the selector mentions; raises SelectorError where it could read more than it mentions."""
    if _NAME.fullmatch(text) or _is_header(text):
        return frozenset({text})
    return frozenset(_walk(_compile(text).parsed, set()))


def _is_header(text: str) -> bool:
    """A column title of a spreadsheet, such as 企业名称 or 注册资本（万元）: taken literally."""
    return not text.isascii() and not any(mark in text for mark in "|&`'\"@*?[]{}.")


def _walk(node: dict[str, Any], found: set[str]) -> set[str]:
    kind = node["type"]
    if kind in ("value_projection", "key_val_pair", "multi_select_dict", "expref"):
        raise SelectorError("表达式会读到没有写明的字段，不得使用")
    if kind == "function_expression" and node["value"] not in _FUNCTIONS:
        raise SelectorError(f"表达式用了不允许的函数 {node['value']}")
    if kind == "field":
        found.add(node["value"])
    for child in _children(node):
        _walk(child, found)
    return found


def _children(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for child in node.get("children", ()):
        if isinstance(child, dict):
            yield child


@lru_cache(maxsize=1_024)
def _compile(text: str) -> Any:
    try:
        return jmespath.compile(text)
    except JMESPathError as error:
        raise SelectorError(f"表达式不合法：{str(error).splitlines()[0][:80]}") from None
