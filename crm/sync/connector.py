"""A data source described, not programmed: one YAML file a source, read into frozen dataclasses and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

CONNECTORS_DIR = Path(__file__).with_name("connectors")
KINDS = frozenset({
    "text", "uscc", "status", "capital", "yuan", "year", "count", "date", "moment", "flag", "division", "street",
    "industry", "former_codes", "former_names", "products", "grades",
})
TARGETS = frozenset({
    "uscc", "former_codes", "name", "short_name", "former_names", "status", "registered_capital", "established_on",
    "district_code", "street_code", "address", "industry_code", "business_scope", "annual_revenue", "revenue_year",
    "employees", "products", "grades", "is_sample", "source_updated_at",
})
# What no connector may read: data about natural persons.
PERSONAL = ("legal", "person", "contact", "phone", "email", "shareholder", "manager", "法人", "法定代表人", "联系人",
            "电话")


class ConnectorError(ValueError):
    """A connector file breaks a rule; the message names the file's key."""


@dataclass(frozen=True, slots=True)
class Auth:
    header: str
    setting: str


@dataclass(frozen=True, slots=True)
class Success:
    path: str
    equals: Any


@dataclass(frozen=True, slots=True)
class Listing:
    path: str
    page: str
    size: str
    page_size: int
    items: str
    total: str
    watermark: str


@dataclass(frozen=True, slots=True)
class Changes:
    """`overlap` sequence numbers before the watermark are read again, so that late commits there are not missed."""

    path: str
    since: str
    limit: str
    page_size: int
    items: str
    next: str
    watermark: str
    seq: str
    op: str
    delete: str
    record: str
    overlap: int


@dataclass(frozen=True, slots=True)
class Thresholds:
    bad_rows: float
    vanished: float
    least_bad_rows_in_changes: int = 1


@dataclass(frozen=True, slots=True)
class Field:
    origin: str
    kind: str
    required: bool = False
    max: int = 300


@dataclass(frozen=True, slots=True)
class Connector:
    code: str
    name: str
    auth: Auth
    success: Success
    message: str
    listing: Listing
    changes: Changes
    key: str
    thresholds: Thresholds
    fields: Mapping[str, Field]
    local: bool = False
    fix_settings_codes: tuple[Any, ...] = ()
    never_read: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    known: frozenset[str] = field(init=False, default=frozenset())

    def __post_init__(self) -> None:
        origins = {f.origin for f in self.fields.values()}
        object.__setattr__(self, "known", frozenset(origins | {self.key} | self.ignored | self.never_read))


def load_connector(code: str, folder: Path = CONNECTORS_DIR) -> Connector:
    """The connector of that code; raises ConnectorError, also for a code that has no file."""
    path = folder / f"{code}.yaml"
    if not code.replace("-", "").isalnum() or not path.is_file():
        raise ConnectorError(f"没有名为 {code!r} 的数据源定义")
    return parse_connector(yaml.safe_load(path.read_text(encoding="utf-8")))


def parse_connector(raw: Any) -> Connector:
    """Check a definition as loaded and build it."""
    if not isinstance(raw, dict):
        raise ConnectorError("数据源定义应为键值表")
    parts: dict[str, type] = {"auth": Auth, "success": Success, "listing": Listing, "changes": Changes,
                              "thresholds": Thresholds}
    values = {name: value for name, value in raw.items() if name not in parts and name != "fields"}
    for name, kind in parts.items():
        values[name] = _build(kind, raw.get(name), name)
    values["fields"] = _fields(raw.get("fields"))
    values["fix_settings_codes"] = tuple(values.get("fix_settings_codes", ()))
    for name in ("never_read", "ignored"):
        values[name] = frozenset(values.get(name, ()))
    connector: Connector = _build(Connector, values, "")
    _check(connector)
    return connector


def _build(kind: type, values: Any, where: str) -> Any:
    if not isinstance(values, dict):
        raise ConnectorError(f"缺少 {where}")
    names = {f.name for f in fields(kind) if f.init}
    if extra := set(values) - names:
        raise ConnectorError(f"{where or '定义'} 中不认识的键：{', '.join(sorted(map(str, extra)))}")
    try:
        return kind(**values)
    except TypeError:
        missing = names - set(values)
        raise ConnectorError(f"{where or '定义'} 缺少：{', '.join(sorted(missing))}") from None


def _fields(raw: Any) -> dict[str, Field]:
    if not isinstance(raw, dict) or not raw:
        raise ConnectorError("缺少 fields")
    found = {}
    for target, values in raw.items():
        if target not in TARGETS:
            raise ConnectorError(f"fields.{target}：企业没有这个字段")
        if not isinstance(values, dict):
            raise ConnectorError(f"fields.{target} 应为键值表")
        renamed = {("origin" if name == "from" else name): value for name, value in values.items()}
        found[target] = _build(Field, renamed, f"fields.{target}")
    return found


def _check(connector: Connector) -> None:
    for target, spec in connector.fields.items():
        if spec.kind not in KINDS:
            raise ConnectorError(f"fields.{target}：不认识的类型 {spec.kind!r}")
        if spec.origin in connector.never_read or any(word in spec.origin.lower() for word in PERSONAL):
            raise ConnectorError(f"fields.{target}：{spec.origin} 涉及自然人，不得读取")
    if missing := {"uscc", "name", "status"} - connector.fields.keys():
        raise ConnectorError(f"fields 缺少：{', '.join(sorted(missing))}")
    for name, share in (("bad_rows", connector.thresholds.bad_rows), ("vanished", connector.thresholds.vanished)):
        if not 0 <= share <= 1:
            raise ConnectorError(f"thresholds.{name} 应在 0 到 1 之间")
    if not (1 <= connector.listing.page_size <= 5_000 and 1 <= connector.changes.page_size <= 5_000):  # noqa: PLR2004
        raise ConnectorError("page_size 应在 1 到 5000 之间")
    if connector.changes.overlap < 0:
        raise ConnectorError("changes.overlap 不能为负")


def dig(body: Any, path: str) -> Any:
    """Value at a dotted path, None where the path ends early."""
    for part in path.split("."):
        if not isinstance(body, dict):
            return None
        body = body.get(part)
    return body
