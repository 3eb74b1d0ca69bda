"""Every shipped connector keeps the same promises (SY-16). What does not apply is declared with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from crm.sync.connector import CONNECTORS_DIR, Connector, load_connector, parse_connector
from crm.sync.fetch import Batch, Reader, SourceRefused
from crm.sync.records import Parsed, parse_batch
from tests.crm.connectors.cases import CASES, CHECKS, Answer, Case
from tests.crm.scripted import Scripted, read_all, reader_on

Open = Callable[[str, Answer | None], Reader]


def undeclared(cases: dict[str, Case], shipped: set[str]) -> list[str]:
    """What stands open: connectors without a case, checks neither possible nor excused, excuses without words."""
    found = [f"{name}: no case" for name in sorted(shipped ^ cases.keys())]
    for name, case in cases.items():
        given = {
            "listing": case.keys,
            "values": case.values,
            "empty": case.empty,
            "refused": case.refuse,
            "changes": case.changed,
            "removed": case.gone,
            "ended": case.ended,
            "secret": case.environ,
            "personal": case.person,
        }
        found += [
            f"{name}: {check}" for check in CHECKS if bool(given[check]) == (len(case.skips.get(check, "")) > 10)
        ]
    return found


def test_everything_is_declared() -> None:
    shipped = {path.stem for path in CONNECTORS_DIR.glob("*.yaml")}
    assert undeclared(CASES, shipped) == []
    # Canary: a new connector, a missing sample and an empty excuse are each seen.
    assert undeclared(CASES, shipped | {"new"}) == ["new: no case"]
    assert undeclared(CASES | {"brreg": replace(CASES["brreg"], keys=[])}, shipped) == ["brreg: listing"]
    assert undeclared(
        CASES | {"brreg": replace(CASES["brreg"], skips={"personal": "no natural person at all"})}, shipped
    ) == ["brreg: secret"]


def local(name: str) -> Connector:
    """The shipped definition, moved to this machine; nothing else is changed but the waits."""
    raw: dict[str, Any] = yaml.safe_load((CONNECTORS_DIR / f"{name}.yaml").read_text(encoding="utf-8"))
    raw["limits"] = raw.get("limits", {}) | {"per_second": 1000, "backoff_seconds": 0.001, "attempts": 2}
    return parse_connector(raw | {"local": True})


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    made: list[Scripted] = []

    def open_one(name: str, answer: Answer | None = None) -> Reader:
        case = CASES[name]
        if case.folder is not None:
            case.folder(tmp_path)
            return reader_on(local(name), str(tmp_path))
        made.append(Scripted(answer or case.answer))
        return reader_on(local(name), made[-1].url, environ=case.environ, keys=lambda: case.lookups)

    yield open_one
    for one in made:
        one.close()


def cases_for(check: str) -> list[Any]:
    return [
        pytest.param(name, marks=pytest.mark.skip(reason=case.skips[check])) if check in case.skips else name
        for name, case in CASES.items()
    ]


def parsed(batches: list[Batch], name: str) -> Parsed:
    whole = Parsed()
    for batch in batches:
        found = parse_batch(batch.keys, batch.raws, batch.ops, batch.seqs, local(name))
        whole.rows += found.rows
        whole.rejects += [*found.rejects, *batch.rejects]
        whole.new_fields |= found.new_fields
    return whole


@pytest.mark.parametrize("name", cases_for("listing"))
def test_a_full_reading_brings_every_record_once(opened: Open, name: str) -> None:
    reader = opened(name, None)
    batches = read_all(reader, full=True)
    assert sorted(key for batch in batches for key in batch.keys) == CASES[name].keys
    assert reader.complete is (not CASES[name].lookups)
    whole = parsed(batches, name)
    assert whole.rejects == []
    assert whole.new_fields == set()


@pytest.mark.parametrize("name", cases_for("values"))
def test_values_come_out_as_declared(opened: Open, name: str) -> None:
    rows = {row.key: row.values for row in parsed(read_all(opened(name, None), full=True), name).rows}
    for key, wanted in CASES[name].values.items():
        assert {target: rows[key].get(target) for target in wanted} == wanted


@pytest.mark.parametrize("name", cases_for("empty"))
def test_nothing_is_no_fault(opened: Open, name: str) -> None:
    reader = opened(name, CASES[name].empty)
    assert [batch.keys for batch in read_all(reader, full=True) if batch.keys] == []


@pytest.mark.parametrize("name", cases_for("refused"))
def test_a_no_is_told_and_stops(opened: Open, name: str) -> None:
    with pytest.raises(Exception, match="下一步：改设置"):
        read_all(opened(name, CASES[name].refuse), full=True)


@pytest.mark.parametrize("name", cases_for("changes"))
def test_changes_since_a_cursor(opened: Open, name: str) -> None:
    reader = opened(name, None)
    assert reader.mode(CASES[name].cursor, False) == "changes"
    batches = read_all(reader, CASES[name].cursor)
    changed = (
        {key for batch in batches for key in batch.keys}
        if name == "sandbox"
        else [k for b in batches for k in b.keys]
    )
    assert set(CASES[name].changed) <= set(changed)
    assert not reader.complete
    # Read again from where it stood: nothing that counts is lost, and nothing new appears from nowhere.
    again = read_all(opened(name, None), reader.cursor)
    assert {key for batch in again for key in batch.keys} <= set(changed)


@pytest.mark.parametrize("name", cases_for("removed"))
def test_removed_at_source_is_an_event_of_its_own(opened: Open, name: str) -> None:
    rows = {row.key: row.op for row in parsed(read_all(opened(name, None), CASES[name].cursor), name).rows}
    assert {key: op for key, op in rows.items() if op != "upsert"} == CASES[name].gone


@pytest.mark.parametrize("name", cases_for("ended"))
def test_ended_is_a_status_and_not_a_removal(opened: Open, name: str) -> None:
    case = CASES[name]
    rows = {row.key: row for row in parsed(read_all(opened(name, None), case.cursor), name).rows}
    assert (rows[case.ended].op, rows[case.ended].values["status"]) == ("upsert", "deregistered")


@pytest.mark.parametrize("name", cases_for("secret"))
def test_a_missing_secret_is_named_before_any_call(name: str) -> None:
    source = Scripted(CASES[name].answer)
    try:
        with pytest.raises(SourceRefused, match=sorted(CASES[name].environ)[-1]):
            read_all(reader_on(local(name), source.url, keys=lambda: CASES[name].lookups), full=True)
        assert source.asked == []
    finally:
        source.close()


@pytest.mark.parametrize("name", cases_for("personal"))
def test_natural_persons_do_not_get_through(opened: Open, name: str) -> None:
    connector, batches = local(name), read_all(opened(name, None), full=True)
    raws = [raw for batch in batches for raw in batch.raws]
    assert CASES[name].person.encode() in b"".join(raws)  # canary: it was there
    whole = parsed(batches, name)
    broken = parse_batch(
        ["k"] * len(raws),
        [
            raw.replace(b'"name"', b'"n"')
            .replace("企业名称".encode(), b"n")
            .replace(b'"Name"', b'"n"')
            .replace(b'"QYMC"', b'"n"')
            for raw in raws
        ],
        ["upsert"] * len(raws),
        [1] * len(raws),
        connector,
    )
    assert broken.rejects
    assert CASES[name].person not in repr([whole, broken])


def test_the_shipped_definitions_load() -> None:
    for name in CASES:
        assert load_connector(name).code == name
