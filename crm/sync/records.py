"""Records → canonical rows and rejects. Pure: plain data in, plain data out; knows no model, no clock, no network.

A record with any bad field is not merged: it goes to quarantine with every field and reason named. Fields about natural
persons are never read and leave a record before anything of it is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from crm.sync import pinyin, readers, strict
from crm.sync.definition import Connector
from crm.sync.plan import MOST_REMEMBERED, Plan, plan_of
from crm.sync.readers import FieldError
from crm.sync.selectors import is_identity, is_personal
from crm.sync.transforms import TransformError

MAX_KEY = 64
Errors = list[tuple[str, str]]


class Row(msgspec.Struct, frozen=True):
    """One record made canonical. `values` is JSON-ready; op is upsert, removed or redacted (then `values` is empty)."""

    key: str
    seq: int
    op: str
    values: dict[str, Any]
    raw_index: int


@dataclass(frozen=True, slots=True)
class Reject:
    """`payload` is what may be kept of the record; `errors` are (field of the source, reason)."""

    key: str
    seq: int
    payload: Any
    errors: Errors


@dataclass(slots=True)
class Parsed:
    """What a batch gave. `absent` counts, per required field, the upserts that lack it."""

    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    seen: int = 0
    absent: Counter[str] = field(default_factory=Counter)
    new_fields: set[str] = field(default_factory=set)


def parse_batch(keys: Sequence[str], raws: Sequence[bytes], ops: Sequence[str], seqs: Sequence[int],
                connector: Connector) -> Parsed:
    parsed, plan = Parsed(seen=len(keys)), plan_of(connector)
    rows, known, load = parsed.rows, connector.known, strict.load
    for index, (key, raw, op, seq) in enumerate(zip(keys, raws, ops, seqs, strict=True)):
        if op != "upsert":
            rows.append(Row(key, seq, op, {}, index))
            continue
        try:
            item = load(raw)
        except strict.NotStrict as error:
            _reject(parsed, key, seq, strict.lenient(raw), connector, [("", str(error))])
            continue
        if item.__class__ is not dict:
            _reject(parsed, key, seq, item, connector, [("", "记录不是键值表")])
            continue
        if not known.issuperset(item):
            parsed.new_fields.update(readers.storable(name) for name in item.keys() - known if not _private(name))
        values, errors = _values(item, plan)
        if errors:
            _count_absent(parsed, item, plan)
            _reject(parsed, key, seq, item, connector, errors)
            continue
        rows.append(Row(key, seq, op, values, index))
    return parsed


def read_values(item: dict[str, Any], connector: Connector) -> tuple[dict[str, Any], Errors]:
    """Canonical values of one record and (source field, reason) for each field that cannot be read."""
    return _values(item, plan_of(connector))


def pinyin_of(name: str) -> dict[str, str]:
    """Columns to search and sort by: whole syllables and their initials."""
    syllables, initials = pinyin.reading_of(name)
    return {"name_pinyin": syllables[:600], "name_initials": initials[:200]}


def strip_personal(value: Any, connector: Connector) -> Any:
    """The value, however deep, without the fields that are never read. Numbers of identity papers go in any case."""
    if isinstance(value, dict):
        return {name: strip_personal(inner, connector) for name, inner in value.items() if _may_keep(name, connector)}
    if isinstance(value, list):
        return [strip_personal(inner, connector) for inner in value]
    return value


def _may_keep(name: str, connector: Connector) -> bool:
    if is_identity(name):
        return False
    return name in connector.keep_personal or not (is_personal(name) or name in connector.never_read)


def usable_key(key: Any) -> str:
    """The record's key as text, "" where it cannot serve as one."""
    if key.__class__ is not str:
        if not isinstance(key, int) or isinstance(key, bool):
            return ""
        key = str(key)
    return key if key and len(key) <= MAX_KEY and key.isprintable() else ""


def reject(key: str, seq: int, payload: Any, connector: Connector, errors: Iterable[tuple[str, str]]) -> Reject:
    return Reject(key, seq, readers.storable(strip_personal(payload, connector)), list(errors))


def _private(name: str) -> bool:
    return is_personal(name) or is_identity(name)


def _reject(parsed: Parsed, key: str, seq: int, payload: Any, connector: Connector, errors: Errors) -> None:
    parsed.rejects.append(reject(key, seq, payload, connector, errors))


def _count_absent(parsed: Parsed, item: dict[str, Any], plan: Plan) -> None:
    for step in plan.steps:
        if step.required and step.value_in(item) in (None, ""):
            parsed.absent[step.origin] += 1


def _values(item: dict[str, Any], plan: Plan) -> tuple[dict[str, Any], Errors]:
    values: dict[str, Any] = {}
    errors: Errors = []
    find = item.get
    for target, origin, get, reader, known, wide, required in plan.steps:
        raw = find(origin) if get is None else get(item)
        if not raw and raw in _BLANK:
            if required:
                errors.append((origin, "必填字段缺失"))
            continue
        remembered = known is not None and raw.__class__ is str and raw in known
        value = known[raw] if remembered else _read(raw, reader, known)  # type: ignore[index]
        if value.__class__ is _Refused:
            errors.append((origin, value.reason))
        elif wide and value is not None:
            values.update(value)
        elif value is not None:
            values[target] = value
        elif required:
            errors.append((origin, "必填字段缺失"))
    _complete(values, errors, item, plan)
    return values, errors


_BLANK: tuple[Any, ...] = (None, "", [])


class _Refused(msgspec.Struct, frozen=True):
    reason: str


def _read(raw: Any, reader: Callable[[Any], Any], known: dict[str, Any] | None) -> Any:
    try:
        value = reader(raw)
    except (FieldError, TransformError) as error:
        return _Refused(str(error))
    if known is not None and raw.__class__ is str:
        if len(known) >= MOST_REMEMBERED:
            known.clear()
        known[raw] = value
    return value


def _complete(values: dict[str, Any], errors: Errors, item: dict[str, Any], plan: Plan) -> None:
    """What only shows over all fields of a record."""
    if plan.ended is not None and plan.ended(item) not in (None, ""):
        values["status"] = plan.ended_status
    for target, reason in readers.contradictions(values):
        errors.append((plan.origins[target], reason))
    if not errors and "name" in values:
        syllables, initials = pinyin.reading_of(values["name"])
        values["name_pinyin"], values["name_initials"] = syllables[:600], initials[:200]
