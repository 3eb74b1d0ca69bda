"""Page → records and row errors. Pure: plain data in, plain data out; knows no model, no clock, no network.

A row with any bad field is not merged: it goes to quarantine with every field and reason named. Fields about natural
persons are dropped before anything is kept, also from what goes to quarantine.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from pypinyin import Style, lazy_pinyin

from crm.sync import readers
from crm.sync.connector import Connector, Field
from crm.sync.readers import FieldError

MAX_KEY = 64
# Not part of "did anything change": stamps that a source renews without a reason.
_UNHASHED = ("source_updated_at",)


@dataclass(frozen=True, slots=True)
class Row:
    """One record made canonical. `values` is JSON-ready; `op` is upsert, or delete (then `values` is empty)."""

    key: str
    seq: int
    op: str
    values: dict[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class RowIssue:
    key: str
    field: str
    severity: str
    reason: str
    payload: Any


@dataclass(slots=True)
class Parsed:
    """What a page gave. `absent` counts, per required field, the upserts that lack it."""

    rows: list[Row] = field(default_factory=list)
    issues: list[RowIssue] = field(default_factory=list)
    bad_keys: list[tuple[str, int]] = field(default_factory=list)
    seen: int = 0
    absent: Counter[str] = field(default_factory=Counter)
    new_fields: set[str] = field(default_factory=set)


def parse_listing(items: Iterable[Any], connector: Connector, seq: int) -> Parsed:
    parsed = Parsed()
    for item in items:
        _take(parsed, item, connector, seq)
    return parsed


def parse_changes(items: Iterable[Any], connector: Connector) -> Parsed:
    spec, parsed = connector.changes, Parsed()
    for item in items:
        seq = item.get(spec.seq) if isinstance(item, dict) else None
        if not isinstance(seq, int) or isinstance(seq, bool) or seq < 0:
            _reject(parsed, "", 0, [("", "变更没有序号")], item)
        elif item.get(spec.op) == spec.delete:
            _take_tombstone(parsed, item, connector, seq)
        else:
            _take(parsed, item.get(spec.record), connector, seq)
    return parsed


def strip_personal(item: dict[str, Any], connector: Connector) -> dict[str, Any]:
    """The record without the fields that are never read."""
    return {name: value for name, value in item.items() if name not in connector.never_read}


def _take(parsed: Parsed, item: Any, connector: Connector, seq: int) -> None:
    parsed.seen += 1
    if not isinstance(item, dict):
        _reject(parsed, "", seq, [("", "记录不是键值表")], item, seen=False)
        return
    item = strip_personal(item, connector)
    parsed.new_fields |= {readers.storable(name) for name in item.keys() - connector.known}
    for spec in connector.fields.values():
        if spec.required and item.get(spec.origin) in (None, ""):
            parsed.absent[spec.origin] += 1
    key, key_error = _key(item, connector)
    values, errors = read_values(item, connector)
    if key_error:
        errors.insert(0, (connector.key, key_error))
    if errors:
        _reject(parsed, key, seq, errors, item, seen=False)
        return
    parsed.rows.append(Row(key, seq, "upsert", values, hash_of(values)))


def _take_tombstone(parsed: Parsed, item: dict[str, Any], connector: Connector, seq: int) -> None:
    parsed.seen += 1
    record = item.get(connector.changes.record)
    key, key_error = _key(record if isinstance(record, dict) else item, connector)
    if key_error:
        _reject(parsed, "", seq, [(connector.key, key_error)], strip_personal(item, connector), seen=False)
        return
    parsed.rows.append(Row(key, seq, "delete", {}, ""))


def _reject(parsed: Parsed, key: str, seq: int, errors: list[tuple[str, str]], item: Any, *, seen: bool = True) -> None:
    parsed.seen += seen
    parsed.bad_keys.append((key, seq))
    payload = readers.storable(item)
    parsed.issues += [RowIssue(key, name, "error", reason, payload) for name, reason in errors]


def _key(item: dict[str, Any], connector: Connector) -> tuple[str, str]:
    key = item.get(connector.key)
    if isinstance(key, int) and not isinstance(key, bool):
        key = str(key)
    if not isinstance(key, str) or not key or len(key) > MAX_KEY or not key.isprintable():
        return "", "数据源编号缺失或过长"
    return key, ""


def read_values(item: dict[str, Any], connector: Connector) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Canonical values of one record and (source field, reason) for each field that cannot be read."""
    values: dict[str, Any] = {}
    errors: list[tuple[str, str]] = []
    for target, spec in connector.fields.items():
        raw = item.get(spec.origin)
        if raw in (None, "", []):
            if spec.required:
                errors.append((spec.origin, "必填字段缺失"))
            continue
        try:
            values |= _READERS[spec.kind](raw, spec, target)
        except FieldError as error:
            errors.append((spec.origin, str(error)))
    errors += [(connector.fields[target].origin, reason) for target, reason in readers.contradictions(values)]
    if "name" in values and not errors:
        values |= pinyin_of(values["name"])
    return values, errors


def pinyin_of(name: str) -> dict[str, str]:
    """Columns to search and sort by: whole syllables and their initials."""
    # What has no reading comes back letter by letter (the library takes lists, its stubs do not say so).
    letters: Any = lambda rest: list(rest.lower())  # noqa: E731
    syllables = lazy_pinyin(name, style=Style.NORMAL, errors=letters)
    kept = [syllable for syllable in syllables if syllable.strip().isalnum()]
    return {"name_pinyin": "".join(kept)[:600], "name_initials": "".join(s[0] for s in kept)[:200]}


def hash_of(values: dict[str, Any]) -> str:
    """Hash over what counts as content."""
    kept = {name: value for name, value in values.items() if name not in _UNHASHED}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _one(reader: Callable[[Any], Any]) -> Callable[[Any, Field, str], dict[str, Any]]:
    return lambda raw, _spec, target: {target: reader(raw)}


_READERS: dict[str, Callable[[Any, Field, str], dict[str, Any]]] = {
    "text": lambda raw, spec, target: {target: readers.text(raw, spec.max)},
    "uscc": _one(readers.uscc), "status": _one(readers.status), "yuan": _one(readers.yuan),
    "year": _one(readers.year), "count": _one(readers.count), "date": _one(readers.date),
    "moment": _one(readers.moment), "flag": _one(readers.flag),
    "division": _one(readers.division), "street": _one(readers.street), "industry": _one(readers.industry),
    "former_codes": _one(readers.former_codes), "former_names": _one(readers.former_names),
    "products": _one(readers.products), "grades": _one(readers.grades),
    "capital": lambda raw, _spec, _target: readers.capital(raw),
}
