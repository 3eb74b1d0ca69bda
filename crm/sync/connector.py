"""A data source described, not programmed: one YAML file a source, checked by connector.schema.json and by what a schema
cannot say. docs/connectors.md explains every key."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from crm.codes import STATUS_LABELS
from crm.sync import transforms
from crm.sync.definition import (
    Absence,
    Connector,
    Detail,
    Events,
    Field,
    Gone,
    Limits,
    Refresh,
    Request,
    Response,
    Stream,
    Thresholds,
)
from crm.sync.selectors import SelectorError, dig, is_identity, is_personal, names_in, selector

__all__ = ["CONNECTORS_DIR", "TARGETS", "Connector", "ConnectorError", "Thresholds", "dig", "load_connector", "parse_connector"]

CONNECTORS_DIR = Path(__file__).with_name("connectors")
SCHEMA = Path(__file__).with_name("connector.schema.json")
_LOOKS_SECRET = re.compile(r"(?=.*[0-9])(?=.*[a-z])[A-Za-z0-9]{20,}")
LARGEST_FILE = 256 * 1024
# Company field → the kind that reads it unless the connector names another.
TARGETS = {
    "uscc": "uscc", "foreign_code": "foreign_code", "former_codes": "former_codes", "name": "text", "short_name": "text",
    "former_names": "former_names", "status": "status", "registered_capital": "capital", "established_on": "date",
    "district_code": "division", "street_code": "street", "address": "text", "industry_code": "industry",
    "business_scope": "text", "annual_revenue": "yuan", "revenue_year": "year", "employees": "count", "products": "products",
    "grades": "grades", "is_sample": "flag", "source_updated_at": "moment",
}
_COLUMN_WIDTH = {"name": 200, "short_name": 64, "address": 300, "business_scope": 20_000}


class ConnectorError(ValueError):
    """A connector file breaks a rule; the message names the file's key."""


def load_connector(name_or_path: str | Path, folder: Path = CONNECTORS_DIR) -> Connector:
    """The connector of that name, or the one in that YAML file; raises ConnectorError, also where there is none."""
    text = str(name_or_path)
    path = Path(text) if text.endswith((".yaml", ".yml")) else folder / f"{text}.yaml"
    named = text.replace("-", "").isalnum()
    if not (named or path.suffix in (".yaml", ".yml") and text == str(path)) or not path.is_file():
        raise ConnectorError(f"没有名为 {text!r} 的数据源定义")
    if path.stat().st_size > LARGEST_FILE:
        raise ConnectorError("数据源定义文件过大")
    try:
        raw = _Loader(path.read_text(encoding="utf-8")).get_single_data()
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConnectorError(f"数据源定义不是合法的 YAML：{str(error)[:160]}") from None
    return parse_connector(raw)


class _Loader(yaml.SafeLoader):
    """Without aliases, which can blow a small file up, and without keys written twice, of which one would be lost. Only true
    and false are booleans: a field called "no" is a field called "no"."""

    yaml_implicit_resolvers = {
        first: [(tag, rule) for tag, rule in rules if tag != "tag:yaml.org,2002:bool"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("不允许使用引用（*）")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        found = super().construct_mapping(node, deep=deep)
        if len(found) != len(node.value):
            raise yaml.YAMLError(f"第 {node.start_mark.line + 1} 行起有重复的键")
        return found


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("(?:true|false)$"), list("tf"))


def parse_connector(raw: Any) -> Connector:
    """Check a definition as loaded and build it."""
    if not isinstance(raw, dict):
        raise ConnectorError("数据源定义应为键值表")
    _check_schema(raw)
    _check_strings(raw)
    connector = _build(raw)
    _check_fields(connector)
    _check_streams(connector)
    return connector


@lru_cache(maxsize=1)
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


_TYPES = {"object": "键值表", "array": "列表", "string": "文字", "integer": "整数", "number": "数字", "boolean": "是或否"}


def _check_schema(raw: dict[str, Any]) -> None:
    errors = sorted(_validator().iter_errors(raw), key=lambda error: ([str(p) for p in error.absolute_path], error.message))
    if errors:
        raise ConnectorError("；".join(dict.fromkeys(_explain(error) for error in errors[:5])))


def _explain(error: ValidationError) -> str:
    where = ".".join(str(part) for part in error.absolute_path) or "定义"
    shown = repr(error.instance)[:60]
    rule, told = error.validator, error.validator_value
    if rule == "required":
        missing = [name for name in told if name not in error.instance]
        return f"{where} 缺少：{', '.join(missing)}"
    if rule == "additionalProperties" and isinstance(error.instance, dict):
        known, patterns = error.schema.get("properties", {}), error.schema.get("patternProperties", {})
        extra = [str(name) for name in error.instance if name not in known]
        return f"{where} 中不认识的键：{', '.join(sorted(extra))}" + (f"（应符合 {' '.join(patterns)}）" if patterns else "")
    if rule == "type":
        kinds = [told] if isinstance(told, str) else told
        return f"{where} 应为{'或'.join(_TYPES[kind] for kind in kinds)}"
    if rule in ("enum", "const"):
        choices = told if isinstance(told, list) else [told]
        return f"{where} 不能是 {shown}，应为 {', '.join(map(str, choices))} 之一"
    if rule in ("minimum", "exclusiveMinimum", "maximum"):
        return f"{where} 超出范围：{shown}（{'最小' if rule != 'maximum' else '最大'} {told}）"
    return f"{where} 不合要求：{shown}"


def _check_strings(raw: dict[str, Any]) -> None:
    """A secret belongs in the environment: what looks like one in the file itself is refused."""
    for where, value in _leaves(raw.get("auth", {}), "auth"):
        if isinstance(value, str) and _LOOKS_SECRET.fullmatch(value):
            raise ConnectorError(f"{where} 像是密钥本身；密钥只能放在环境变量里，这里写变量名")


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{where}.{name}")
    else:
        yield where, value


def _build(raw: dict[str, Any]) -> Connector:
    values = dict(raw)
    values["fields"] = {target: _field(target, spec) for target, spec in raw["fields"].items()}
    values["listing"] = _stream(raw["listing"])
    values["changes"] = _stream(raw["changes"]) if "changes" in raw else None
    values["gone"] = _gone(raw.get("gone", {}))
    response = raw.get("response", {})
    values["response"] = Response(**{**response, "statuses": frozenset(response.get("statuses", ()))})
    for name, kind in (("limits", Limits), ("thresholds", Thresholds)):
        values[name] = kind(**raw.get(name, {}))
    for name, maybe in (("refresh", Refresh), ("absence", Absence)):
        values[name] = maybe(**raw[name]) if name in raw else None
    for name in ("never_read", "keep_personal", "ignored"):
        values[name] = frozenset(raw.get(name, ()))
    canonical = json.dumps(raw, sort_keys=True, ensure_ascii=False).encode()
    values["fingerprint"] = hashlib.sha256(canonical).hexdigest()[:32]
    values["known"] = _known(values)
    return Connector(**values)


def _known(values: dict[str, Any]) -> frozenset[str]:
    """Names whose appearance in a record is no news."""
    selectors = [values["key"], *(origin for spec in values["fields"].values() for origin in spec.origins)]
    selectors += [values["gone"].ended_from] if values["gone"].ended_from else []
    streams = [stream for stream in (values["listing"], values["changes"]) if stream]
    selectors += [path for stream in streams for path in (stream.key, stream.version) if path]
    selectors += [stream.incremental["from"] for stream in streams if "from" in stream.incremental]
    try:
        named = {name for text in selectors for name in names_in(text)}
    except SelectorError as error:
        raise ConnectorError(f"选择式：{error}") from None
    return frozenset(named | values["ignored"] | values["never_read"])


def _field(target: str, spec: Mapping[str, Any]) -> Field:
    if target not in TARGETS:
        raise ConnectorError(f"fields.{target}：企业没有这个字段")
    origins = spec["from"] if isinstance(spec["from"], list) else [spec["from"]]
    return Field(
        tuple(origins), spec.get("kind", TARGETS[target]), spec.get("required", False),
        spec.get("max", _COLUMN_WIDTH.get(target, 300)), tuple(spec.get("transform", ())),
    )


def _stream(raw: Mapping[str, Any]) -> Stream:
    values = dict(raw)
    values["request"] = Request(**raw.get("request", {}))
    if "events" in raw:
        words = {name: frozenset(raw["events"].get(name, ())) for name in ("removed", "redacted", "upsert")}
        values["events"] = Events(raw["events"]["from"], **words)
    if "detail" in raw:
        values["detail"] = Detail(Request(**raw["detail"]["request"]), raw["detail"].get("item", ""))
    return Stream(**values)


def _gone(raw: Mapping[str, Any]) -> Gone:
    ended = raw.get("ended", {})
    statuses = {int(code): kind for code, kind in raw.get("statuses", {}).items()}
    return Gone(
        ended.get("from"), ended.get("status", "deregistered"), statuses,
        raw.get("removed_when"), raw.get("redacted_when"),
    )


def _check_fields(connector: Connector) -> None:
    for target, spec in connector.fields.items():
        _check_field(connector, target, spec)
    code = {"uscc": "uscc", "foreign": "foreign_code"}[connector.scheme]
    wanted = {"name", "status"} | ({code} if connector.identity == "code" else set())
    if missing := wanted - connector.fields.keys():
        raise ConnectorError(f"fields 缺少：{', '.join(sorted(missing))}")
    if papers := [name for name in connector.keep_personal if is_identity(name)]:
        raise ConnectorError(f"keep_personal：{papers[0]} 是证件号码，任何情况下都不得读取")
    if connector.gone.ended_status not in STATUS_LABELS:
        raise ConnectorError(f"gone.ended.status：没有登记状态 {connector.gone.ended_status!r}")


def _check_field(connector: Connector, target: str, spec: Field) -> None:
    for name in sorted(name for origin in spec.origins for name in names_in(origin)):
        if name in connector.never_read or is_personal(name) or is_identity(name):
            raise ConnectorError(f"fields.{target}：{name} 涉及自然人，不得读取")
    if spec.max > _COLUMN_WIDTH.get(target, spec.max):
        raise ConnectorError(f"fields.{target}.max 最大 {_COLUMN_WIDTH[target]}")
    for step in spec.transform:
        try:
            transforms.compile_step(step, connector.tables)
        except ValueError as error:
            raise ConnectorError(f"fields.{target}.transform：{error}") from None


def _check_streams(connector: Connector) -> None:
    for where, stream in (("listing", connector.listing), ("changes", connector.changes)):
        if stream is None:
            continue
        texts = {name: getattr(stream, name) for name in ("total", "mark", "record", "key", "version")}
        texts |= {f"paging.{name}": stream.paging.get(name) for name in ("path", "pages")}
        texts |= {f"incremental.{name}": stream.incremental.get(name) for name in ("next", "watermark", "seq", "from", "path")}
        _check_expressions({f"{where}.{name}": text for name, text in texts.items()})
        kind = stream.paging["kind"]
        if kind == "next_link" and ("path" in stream.paging) == ("header" in stream.paging):
            raise ConnectorError(f"{where}.paging：next_link 应写 path 或 header 之一")
        if kind == "lookup" and "{key}" not in json.dumps([stream.request.path, dict(stream.request.params)]):
            raise ConnectorError(f"{where}.request：逐个查询须在 path 或 params 里写 {{key}}")
    response, gone = connector.response, connector.gone
    _check_expressions({f"response.{name}": getattr(response, name)
                        for name in ("ok_when", "empty_when", "retry_when", "stop_when", "message")})
    _check_expressions({"gone.removed_when": gone.removed_when, "gone.redacted_when": gone.redacted_when})
    if connector.listing.paging["kind"] == "lookup" and connector.refresh is None:
        raise ConnectorError("refresh：逐个查询的数据源须写明多久重查一次")


def _check_expressions(texts: Mapping[str, str | None]) -> None:
    for where, text in texts.items():
        try:
            if text:
                selector(text)
        except SelectorError as error:
            raise ConnectorError(f"{where}：{error}") from None
