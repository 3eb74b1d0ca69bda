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

MOST_REMEMBERED = 50_000
Reader = Callable[[Any], Any]


class Step(NamedTuple):
    """How one target is filled. `known` remembers what texts were read as (districts, statuses, days and capitals come
    again and again); it is None for fields whose values do not. `wide` readers give several columns at once."""

    target: str
    origin: str
    get: Callable[[Any], Any] | None
    reader: Reader
    known: dict[str, Any] | None
    wide: bool
    required: bool

    def value_in(self, item: dict[str, Any]) -> Any:
        return self.get(item) if self.get else item.get(self.origin)


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
    getters = [selector(origin) for origin in spec.origins]
    defaulted = any(isinstance(step, dict) and "default" in step for step in spec.transform)
    get = getters[0] if len(getters) == 1 else _first(getters)
    if defaulted:
        get = _or_blank(get)
    plain = len(getters) == 1 and not defaulted and _is_plain(spec.origin)
    known: dict[str, Any] | None = {} if spec.kind in _REPEATING else None
    return Step(target, spec.origin, None if plain else get, reader, known, spec.kind == "capital", spec.required)


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
