from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from crm.models.sync import DEPARTMENTS
from crm.sync.connector import CONNECTORS_DIR, ConnectorError, _validator, dig, load_connector, parse_connector
from crm.sync.plan import plan_of
from crm.sync.selectors import SelectorError, expression, names_in, selector

RAW: dict[str, Any] = yaml.safe_load((CONNECTORS_DIR / "sandbox.yaml").read_text(encoding="utf-8"))


def test_the_sandbox_connector_loads() -> None:
    connector = load_connector("sandbox")
    assert connector.code == "sandbox"
    assert connector.fields["uscc"].required
    assert "legalPerson" in connector.never_read
    assert {"id", "creditCode", "seq", "legalPerson"} <= connector.known


@pytest.mark.parametrize("code", ["nowhere", "../sandbox", "", "sand/box", "/no/file.yaml", "sandbox.txt"])
def test_an_unknown_code_is_refused(code: str) -> None:
    with pytest.raises(ConnectorError, match="没有名为"):
        load_connector(code)


def test_a_file_anywhere_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(RAW | {"code": "mine"}), encoding="utf-8")
    assert (
        load_connector(path).code == load_connector(str(path)).code == load_connector("mine", tmp_path).code == "mine"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "YAML"),
        ("a: 1\na: 2", "重复的键"),
        ("a: &x [1]\nb: *x", "引用"),
        ("x" * 300_000, "过大"),
        ("- x", "键值表"),
        ("a: !!python/object:os.system x", "YAML"),
    ],
)
def test_a_file_that_is_no_definition_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConnectorError, match=reason):
        load_connector(tmp_path / "bad.yaml")


def test_the_fingerprint_is_of_the_meaning_and_not_of_the_layout() -> None:
    one = parse_connector(RAW)
    assert parse_connector(dict(reversed(RAW.items()))).fingerprint == one.fingerprint
    assert parse_connector(RAW | {"name": "别名"}).fingerprint != one.fingerprint


def test_the_schema_knows_the_departments_of_the_tables() -> None:
    assert _validator().schema["properties"]["department"]["enum"] == [code for code, _name in DEPARTMENTS]


def planted(path: str, value: Any) -> dict[str, Any]:
    """The sandbox definition with one fault; None removes the key."""
    raw = copy.deepcopy(RAW)
    *way, last = path.split(".")
    place = raw
    for part in way:
        place = place.setdefault(part, {})
    if value is None:
        del place[last]
    else:
        place[last] = value
    return raw


SIGNED = {
    "kind": "signed",
    "hash": "md5",
    "template": "{key}",
    "secret": "A_B",
    "signature": {"place": "header", "name": "T"},
}


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("listing", None, "listing"),
        ("listing.paging", None, "paging"),
        ("listing.paging", {"kind": "page", "per": 5}, "listing.paging 缺少：number"),
        ("listing.extra", 1, "listing 中不认识的键：extra"),
        ("fields", {}, "fields"),
        ("fields.uscc", None, "uscc"),
        ("fields.colour", {"from": "c"}, "colour"),
        ("fields.name", "name", "fields.name 应为键值表"),
        ("fields.name.kind", "poem", "fields.name.kind 不能是 'poem'"),
        ("fields.name.from", "legalPerson", "自然人"),
        ("fields.name.from", "holder.idCard", "自然人"),
        ("fields.name.from", "values(@)", "values"),
        ("fields.name.from", "*.name", "没有写明的字段"),
        ("fields.name.from", "a[", "表达式不合法"),
        ("fields.name.max", 900, "fields.name.max"),
        ("fields.name.transform", ["poem"], "fields.name.transform"),
        ("fields.name.transform", [{"map": "nothing"}], "tables 里没有"),
        ("fields.address.from", "contactPhone2", "自然人"),
        ("fields.address.from", "法定代表人", "自然人"),
        ("thresholds.bad_rows", 1.5, "thresholds.bad_rows 超出范围"),
        ("thresholds.vanished", -0.1, "vanished"),
        ("listing.paging.per", 0, "per"),
        ("changes.incremental.overlap", -1, "overlap"),
        ("changes.incremental", None, "changes 缺少：incremental"),
        ("changes.incremental.kind", "magic", "magic"),
        ("surprise", 1, "surprise"),
        ("code", None, "code"),
        ("code", "Über", "code"),
        ("department", "weather", "department"),
        ("auth.secret", "lower case", "auth.secret 不合要求"),
        ("auth", {"kind": "magic"}, "auth.kind"),
        ("auth", {"kind": "bearer"}, "auth 缺少：secret"),
        ("auth", {"kind": "none", "secret": "X"}, "auth 中不认识的键：secret"),
        ("auth", SIGNED | {"hash": "crc32"}, "auth.hash"),
        ("auth", SIGNED | {"template": "a1b2c3d4e5f6a7b8c9d0e1f2"}, "像是密钥本身"),
        ("listing.request.path", "no-slash", "listing.request.path"),
        ("listing.request.path", "/a?b=c", "listing.request.path"),
        ("listing.paging", {"kind": "next_link"}, "next_link"),
        ("listing.paging", {"kind": "lookup"}, "{key}"),
        ("response.ok_when", "body.[", "response.ok_when"),
        ("response.statuses", [302], "response.statuses"),
        ("limits.attempts", 9, "limits.attempts"),
        ("limits.concurrency", 5, "limits.concurrency"),
        ("gone.statuses", {"200": "removed"}, "gone.statuses"),
        ("gone.ended", {"from": "x", "status": "asleep"}, "asleep"),
        ("keep_personal", ["身份证号"], "证件号码"),
        ("base_url", "ftp://x", "base_url"),
        ("base_url", "https://user@x", "base_url"),
    ],
)
def test_each_fault_of_a_definition_is_named(path: str, value: Any, reason: str) -> None:
    parse_connector(RAW)  # canary: without the fault it is fine
    with pytest.raises(ConnectorError) as caught:
        parse_connector(planted(path, value))
    assert reason in str(caught.value)


def test_a_lookup_needs_to_say_how_often() -> None:
    with pytest.raises(ConnectorError, match="refresh"):
        parse_connector(planted("listing", {"request": {"path": "/{key}"}, "paging": {"kind": "lookup"}}))


def test_what_may_be_kept_of_a_person_is_named_one_by_one() -> None:
    assert parse_connector(RAW | {"keep_personal": ["legalPerson"]}).keep_personal == {"legalPerson"}


def test_a_definition_without_codes_says_so() -> None:
    raw = planted("fields.uscc", None)
    assert parse_connector(raw | {"identity": "name"}).identity == "name"
    with pytest.raises(ConnectorError, match="foreign_code"):
        parse_connector(RAW | {"scheme": "foreign"})


def test_a_definition_is_a_mapping() -> None:
    with pytest.raises(ConnectorError, match="键值表"):
        parse_connector(["x"])


def test_dig() -> None:
    assert dig({"a": {"b": 1}}, "a.b") == 1
    assert dig({"a": [1]}, "a.b") is None
    assert dig({}, "a.b") is None
    assert dig(5, "") == 5


def test_selectors() -> None:
    assert selector("企业名称（全称）")({"企业名称（全称）": "甲"}) == "甲"
    assert selector("a")(5) is None
    assert selector("a || b")({"b": 2}) == 2
    assert expression("join(',', a)")({"a": 5}) is None
    assert names_in("a.b[?c == 'x'].d | [0]") == {"a", "b", "c", "d"}
    with pytest.raises(SelectorError):
        names_in("{x: a}")


def test_plain_fields_cost_no_expression() -> None:
    assert all(step.get is None for step in plan_of(load_connector("sandbox")).steps)
