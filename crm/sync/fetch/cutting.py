"""A page cut into its records without decoding them.

msgspec walks to the list along its dotted path and hands out the bytes of each item; what is left of the page (its items
replaced) is small and is read strictly. Only the few values that reading needs (key, sequence, kind of event) are decoded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from crm.sync import strict
from crm.sync.selectors import dig, is_dotted, selector

_SHORT = 8  # nothing, or next to nothing, stands in so short a list
_HINT = 80
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def cut(body: bytes, path: str) -> bytes | None:
    """The bytes at the path; None where there is nothing. Raises strict.NotStrict for a body that is no JSON."""
    if not path:
        return body.strip()
    try:
        node: Any = _finder(path).decode(body)
    except msgspec.ValidationError:
        return None
    except _BAD:
        return json.dumps(dig(strict.load(body), path)).encode()  # JSON after all, such as half a surrogate pair
    for _ in path.split("."):
        node = node.f
        if node is UNSET:
            return None
    return bytes(node)


def skeleton(body: bytes, part: bytes | None) -> Any:
    """The body, strictly read, with that part replaced by [null] (so that it still counts as a list with something in it)."""
    if part is not None and len(part) > _SHORT and part[:1] == b"[":
        at = body.find(part[:_HINT])
        while at >= 0 and not body.startswith(part, at):
            at = body.find(part[:_HINT], at + 1)
        if at >= 0:
            body = body[:at] + b"[null]" + body[at + len(part):]
    return strict.load(body)


def items(part: bytes) -> list[bytes] | None:
    """The bytes of each item of a list; None where the part is none."""
    try:
        return [bytes(item) for item in _LIST.decode(part)]
    except msgspec.ValidationError:
        return None
    except _BAD:
        return [json.dumps(item).encode() for item in strict.load(part)]


def columns(part: bytes, raws: Sequence[bytes], paths: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """For each item the values at the paths (None where there is none)."""
    if not paths:
        return [()] * len(raws)
    reader = _reader(paths)
    if reader is not None:
        try:
            return [_pick(entry, reader[1]) for entry in reader[0].decode(part)]
        except _BAD:
            pass  # some item has another shape: look at each by itself
    getters = [selector(path) for path in paths]
    return [tuple(get(item) for get in getters) for item in map(_loose, raws)]


def records(part: bytes, raws: Sequence[bytes], path: str) -> list[bytes]:
    """For each item the bytes of the record inside it, b"" where there is none."""
    if not path:
        return list(raws)
    if is_dotted(path):
        found = [_cut_or_none(raw, path) for raw in raws]
        return [b"" if raw is None or raw == b"null" else raw for raw in found]
    get = selector(path)
    return [b"" if (record := get(_loose(raw))) is None else msgspec.json.encode(record) for raw in raws]


def _cut_or_none(raw: bytes, path: str) -> bytes | None:
    try:
        return cut(raw, path)
    except strict.NotStrict:
        return None


def _loose(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except _BAD:
        return strict.lenient(raw)


_LIST = msgspec.json.Decoder(list[Raw])


@lru_cache(maxsize=64)
def _finder(path: str) -> Any:
    kind: Any = Raw
    for name in reversed(path.split(".")):
        field = Raw if kind is Raw else kind | msgspec.UnsetType
        kind = msgspec.defstruct("Node", [("f", field, UNSET)], rename={"f": name})
    return msgspec.json.Decoder(kind)


Ways = tuple[tuple[str, ...], ...]


@lru_cache(maxsize=64)
def _reader(paths: tuple[str, ...]) -> tuple[Any, Ways] | None:
    """A decoder that takes only these paths out of each item, and the way to each; None where it takes an expression."""
    if not all(map(is_dotted, paths)):
        return None
    tree: dict[str, Any] = {}
    for path in paths:
        node = tree
        for name in path.split("."):
            node = node.setdefault(name, {})
    kind, ways = _struct(tree)
    decoder = msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]
    return decoder, tuple(_way(path, ways) for path in paths)


def _struct(tree: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    fields, names, ways = [], {}, {}
    for index, (name, inner) in enumerate(tree.items()):
        kind, deeper = _struct(inner) if inner else (Any, {})
        fields.append((f"f{index}", kind if kind is Any else kind | None, None))
        names[f"f{index}"] = name
        ways[name] = (f"f{index}", deeper)
    return msgspec.defstruct("Item", fields, rename=names), ways


def _way(path: str, ways: dict[str, Any]) -> tuple[str, ...]:
    way = []
    for name in path.split("."):
        attribute, ways = ways[name]
        way.append(attribute)
    return tuple(way)


def _pick(entry: Any, ways: Ways) -> tuple[Any, ...]:
    picked = []
    for way in ways:
        node = entry
        for attribute in way:
            node = getattr(node, attribute, None)
        picked.append(node)
    return tuple(picked)
