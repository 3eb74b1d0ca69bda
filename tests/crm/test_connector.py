from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from crm.sync.connector import CONNECTORS_DIR, ConnectorError, dig, load_connector, parse_connector

RAW: dict[str, Any] = yaml.safe_load((CONNECTORS_DIR / "sandbox.yaml").read_text(encoding="utf-8"))


def test_the_sandbox_connector_loads() -> None:
    connector = load_connector("sandbox")
    assert connector.code == "sandbox"
    assert connector.fields["uscc"].required
    assert "legalPerson" in connector.never_read
    assert {"id", "creditCode", "seq", "legalPerson"} <= connector.known


@pytest.mark.parametrize("code", ["nowhere", "../sandbox", "", "sand/box"])
def test_an_unknown_code_is_refused(code: str) -> None:
    with pytest.raises(ConnectorError, match="没有名为"):
        load_connector(code)


def test_a_file_is_read_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(RAW | {"code": "mine"}), encoding="utf-8")
    assert load_connector("mine", tmp_path).code == "mine"


def planted(path: str, value: Any) -> dict[str, Any]:
    """The sandbox definition with one fault; None removes the key."""
    raw = copy.deepcopy(RAW)
    *way, last = path.split(".")
    place = raw
    for part in way:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return raw


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("listing", None, "listing"),
        ("listing.size", None, "size"),
        ("listing.extra", 1, "extra"),
        ("fields", {}, "fields"),
        ("fields.uscc", None, "uscc"),
        ("fields.colour", {"from": "c", "kind": "text"}, "colour"),
        ("fields.name", "name", "键值表"),
        ("fields.name.kind", "poem", "poem"),
        ("fields.name.from", "legalPerson", "自然人"),
        ("fields.address.from", "contactPhone2", "自然人"),
        ("fields.address.from", "法定代表人", "自然人"),
        ("thresholds.bad_rows", 1.5, "bad_rows"),
        ("thresholds.vanished", -0.1, "vanished"),
        ("listing.page_size", 0, "page_size"),
        ("changes.overlap", -1, "overlap"),
        ("surprise", 1, "surprise"),
        ("code", None, "code"),
    ],
)
def test_each_fault_of_a_definition_is_named(path: str, value: Any, reason: str) -> None:
    with pytest.raises(ConnectorError, match=reason):
        parse_connector(planted(path, value))


def test_a_definition_is_a_mapping() -> None:
    with pytest.raises(ConnectorError, match="键值表"):
        parse_connector(["x"])


def test_dig() -> None:
    assert dig({"a": {"b": 1}}, "a.b") == 1
    assert dig({"a": [1]}, "a.b") is None
    assert dig({}, "a.b") is None
