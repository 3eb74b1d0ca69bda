"""A connector's fields made into closures, once per connector, so that a record costs no decisions. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from crm.sync import readers
from crm.sync.definition import Connector, Field
from crm.sync.selectors import selector
from crm.sync.transforms import Transform, compile_step

_MOST_REMEMBERED = 50_000
Reader = Callable[[Any], Any]


class Step(NamedTuple):
    """How one target is filled. `plain` origins are looked up directly; `wide` readers give several columns at once."""

    target: str
    origin: str
    plain: bool
    get: Callable[[Any], Any]
    reader: Reader
    wide: bool
    required: bool


@dataclass(frozen=True, slots=True)
class Plan:
    steps: tuple[Step, ...]
    origins: dict[str, str]
    ended: Callable[[Any], Any] | None
    ended_status: str


@lru_cache(maxsize=32)
def plan_of(connector: Connector) -> Plan:
    steps = tuple(_step(target, spec, connector) for target, spec in connector.fields.items())
    ended = selector(connector.gone.ended_from) if connector.gone.ended_from else None
    return Plan(steps, {target: spec.origin for target, spec in connector.fields.items()}, ended, connector.gone.ended_status)


def _step(target: str, spec: Field, connector: Connector) -> Step:
    reader = _READERS[spec.kind](spec)
    if spec.transform:
        reader = _after([compile_step(step, connector.tables) for step in spec.transform], reader)
    if spec.kind in _REPEATING:
        reader = _remembering(reader)
    getters = [selector(origin) for origin in spec.origins]
    defaulted = any(isinstance(step, dict) and "default" in step for step in spec.transform)
    get = getters[0] if len(getters) == 1 else _first(getters)
    if defaulted:
        get = _or_blank(get)
    plain = len(getters) == 1 and not defaulted and _is_plain(spec.origin)
    return Step(target, spec.origin, plain, get, reader, spec.kind == "capital", spec.required)


def _is_plain(origin: str) -> bool:
    probe = {origin: object()}
    return selector(origin)(probe) is probe[origin]


def _first(getters: list[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def get(item: Any) -> Any:
        for one in getters:
            value = one(item)
            if value not in (None, "", []):
                return value
        return None

    return get


def _or_blank(get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A default has something to do where nothing stands: a blank is no empty text to the loop."""

    def with_blank(item: Any) -> Any:
        value = get(item)
        return _BLANK if value in (None, "", []) else value

    return with_blank


class _Blank(str):
    __slots__ = ()

    def __bool__(self) -> bool:
        return True


_BLANK = _Blank()


def _after(steps: list[Transform], reader: Reader) -> Reader:
    def read(raw: Any) -> Any:
        for step in steps:
            raw = step(raw)
        return None if raw in (None, "", []) else reader(raw)

    return read


def _remembering(reader: Reader) -> Reader:
    """Districts, statuses, days and capitals come again and again; a text is read once."""
    known: dict[str, Any] = {}

    def read(raw: Any) -> Any:
        if raw.__class__ is not str:
            return reader(raw)
        found = known.get(raw)
        if found is None:
            if len(known) >= _MOST_REMEMBERED:
                known.clear()
            found = known[raw] = reader(raw)
        return found

    return read


_REPEATING = frozenset({"status", "capital", "date", "division", "street", "industry", "year", "count"})


def _one(reader: Reader) -> Callable[[Field], Reader]:
    return lambda _spec: reader


def _text(spec: Field) -> Reader:
    longest, text = spec.max, readers.text
    return lambda raw: text(raw, longest)


_READERS: dict[str, Callable[[Field], Reader]] = {
    "text": _text, "uscc": _one(readers.uscc), "foreign_code": _one(readers.foreign_code), "status": _one(readers.status),
    "capital": _one(readers.capital), "yuan": _one(readers.yuan), "year": _one(readers.year), "count": _one(readers.count),
    "date": _one(readers.date), "moment": _one(readers.moment), "flag": _one(readers.flag),
    "division": _one(readers.division), "street": _one(readers.street), "industry": _one(readers.industry),
    "former_codes": _one(readers.former_codes), "former_names": _one(readers.former_names),
    "products": _one(readers.products), "grades": _one(readers.grades),
}
