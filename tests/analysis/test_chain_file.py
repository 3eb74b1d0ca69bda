"""The chain file: every refusal with its path, what is kept, what is filled in, and the schema's two readers."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.analysis import schema
from chains.analysis.chainfile import ChainFileError, parse_chain, problems_of, read_chain
from chains.analysis.parameters import MODEL_1
from tests.analysis.random_chains import chain, chains, group, node, placed, project

Doc = dict[str, Any]


def good() -> Doc:
    return chain(
        [node("a"), node("b", is_output=True)], supply=[group("b", "a")], placements=[placed("c", "a")],
        pipeline=[project("p", "a")],
    )


def changed(path: list[str | int], value: object) -> Doc:
    doc = good()
    place: Any = doc
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return doc


NODE: list[str | int] = ["nodes", 1]
OPTION: list[str | int] = ["supply", 0, "alternatives", 0]
BAD = [
    ([*NODE, "target_capacity"], 0, "nodes[1].target_capacity"),
    ([*NODE, "target_capacity"], -2, "nodes[1].target_capacity"),
    ([*NODE, "target_capacity"], None, "nodes[1].target_capacity"),
    ([*NODE, "target_capacity"], True, "nodes[1].target_capacity"),
    ([*NODE, "target_capacity"], float("nan"), "nodes[1].target_capacity"),
    ([*NODE, "target_capacity"], float("inf"), "nodes[1].target_capacity"),
    ([*NODE, "target_capacity"], 10**400, "nodes[1].target_capacity"),
    ([*NODE, "weight"], -1, "nodes[1].weight"),
    ([*NODE, "weight"], "1", "nodes[1].weight"),
    ([*NODE, "weight"], 1e16, "nodes[1].weight"),
    ([*NODE, "national_mass"], -1, "nodes[1].national_mass"),
    ([*NODE, "external_availability"], 1.01, "nodes[1].external_availability"),
    ([*NODE, "policy_weight"], -0.01, "nodes[1].policy_weight"),
    ([*NODE, "is_output"], 1, "nodes[1].is_output"),
    ([*NODE, "clause"], 5, "nodes[1].clause"),
    ([*NODE, "tier"], "sideways", "nodes[1].tier"),
    ([*NODE, "code"], "a", "nodes[1].code"),
    ([*NODE, "code"], "", "nodes[1].code"),
    ([*NODE, "name"], "", "nodes[1].name"),
    ([*NODE, "name"], "half \ud800", "nodes[1].name"),
    ([*NODE, "name"], "nul \x00", "nodes[1].name"),
    (["nodes", 1], "a node", "nodes[1]"),
    (["nodes"], {}, "nodes"),
    (["supply", 0, "importance"], 2, "supply[0].importance"),
    (["supply", 0, "node"], "nowhere", "supply[0].node"),
    (["supply", 0, "alternatives"], [], "supply[0].alternatives"),
    ([*OPTION, "node"], "nowhere", "supply[0].alternatives[0].node"),
    ([*OPTION, "node"], "b", "supply[0].alternatives[0].node"),
    ([*OPTION, "substitution"], -1, "supply[0].alternatives[0].substitution"),
    (["placements", 0, "probability"], 1.2, "placements[0].probability"),
    (["placements", 0, "size"], -4, "placements[0].size"),
    (["placements", 0, "revenue_share"], 1.5, "placements[0].revenue_share"),
    (["placements", 0, "operating"], "yes", "placements[0].operating"),
    (["placements", 0, "node"], "nowhere", "placements[0].node"),
    (["pipeline", 0, "stage"], "hoped", "pipeline[0].stage"),
    (["pipeline", 0, "capacity"], -1, "pipeline[0].capacity"),
    (["pipeline", 0, "node"], "nowhere", "pipeline[0].node"),
    (["format"], "chain/2", "format"),
    (["chain"], [], "chain"),
    (["chain", "as_of"], "2026-13-01", "chain.as_of"),
    (["chain", "as_of"], "20261123", "chain.as_of"),
    (["chain", "district_share"], 1.5, "chain.district_share"),
    (["chain", "remark"], float("-inf"), "chain.remark"),
    (["chain", "remark"], (1, 2), "chain.remark"),
]


@pytest.mark.parametrize(("path", "value", "expected"), BAD, ids=[f"{case[2]}={case[1]!r:.20}" for case in BAD])
def test_bad_value_is_refused_with_its_path(path: list[str | int], value: object, expected: str) -> None:
    with pytest.raises(ChainFileError) as refused:
        parse_chain(changed(path, value))
    assert expected in [problem.path for problem in refused.value.problems]
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in problem.message) for problem in refused.value.problems)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (["format"], "format"), (["nodes"], "nodes"), (["chain"], "chain"), (["chain", "as_of"], "chain.as_of"),
        (["chain", "code"], "chain.code"), ([*NODE, "code"], "nodes[1].code"), ([*NODE, "name"], "nodes[1].name"),
        ([*NODE, "tier"], "nodes[1].tier"), ([*NODE, "target_capacity"], "nodes[1].target_capacity"),
        (["supply", 0, "alternatives"], "supply[0].alternatives"), ([*OPTION, "node"], "supply[0].alternatives[0].node"),
        (["placements", 0, "size"], "placements[0].size"), (["pipeline", 0, "stage"], "pipeline[0].stage"),
    ],
)
def test_missing_key_is_named(path: list[str | int], expected: str) -> None:
    doc = good()
    place: Any = doc
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    assert expected in [problem.path for problem in problems_of(doc)]


def test_all_problems_are_named_once_each() -> None:
    doc = good()
    doc["nodes"][0] |= {"target_capacity": -1, "weight": float("nan")}
    doc["supply"][0]["alternatives"].append({"node": "nowhere", "substitution": 3})
    doc["placements"] += [placed("c", "a"), placed("c", "b", 7)]
    assert sorted(problem.path for problem in problems_of(doc)) == [
        "nodes[0].target_capacity", "nodes[0].weight", "placements[1]", "placements[2].probability",
        "supply[0].alternatives[1].node", "supply[0].alternatives[1].substitution",
    ]


@pytest.mark.parametrize("data", [None, 3, "chain", [], True])
def test_not_an_object(data: object) -> None:
    assert [problem.path for problem in problems_of(data)] == ["$"]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (b"\xff\xfe{}", "$"), ("{", "$"), ("[" * 100_000, "$"), ('{"a":' + "9" * 5000 + "}", "$"),
        ('{"chain": {"code": "a", "code": "b"}}', "chain.code"), ('{"nodes": [{"weight": NaN}]}', "nodes[0].weight"),
        ('{"nodes": [{"weight": 1e999}]}', "nodes[0].weight"),
        ('{"x":' + "[" * 200 + "]" * 200 + "}", "x" + "[0]" * 31),
    ],
)
def test_bad_text_is_refused(text: str | bytes, path: str) -> None:
    with pytest.raises(ChainFileError) as refused:
        read_chain(text)
    assert path in [problem.path for problem in refused.value.problems]
    assert path in str(refused.value)


def test_unknown_keys_are_kept_and_defaults_filled() -> None:
    doc = good() | {"remark": {"by": "甲"}}
    doc["nodes"][0]["lane"] = 3
    doc["supply"][0] = {"node": "b", "alternatives": [{"node": "a", "note": "ok"}]}
    del doc["placements"], doc["pipeline"]
    full = parse_chain(doc).to_dict()
    assert full["remark"] == {"by": "甲"}
    assert full["nodes"][0]["lane"] == 3
    assert full["nodes"][0] | {"clause": None, "national_mass": None, "is_output": False, "weight": 1} == full["nodes"][0]
    assert full["supply"] == [{"node": "b", "importance": 1, "alternatives": [{"node": "a", "substitution": 1, "note": "ok"}]}]
    assert full["placements"] == full["pipeline"] == []
    assert parse_chain(full).input_hash == parse_chain(doc).input_hash


def test_document_does_not_change_with_its_source_or_its_copies() -> None:
    doc = good()
    document = parse_chain(doc)
    before = document.input_hash
    doc["nodes"][0]["weight"] = 99
    document.to_dict()["nodes"].clear()
    assert document.canonical() == parse_chain(good()).canonical()
    assert document.input_hash == before


def test_hash_knows_numbers_not_their_spelling() -> None:
    text = json.dumps(good())
    spelled = read_chain(text.replace('"target_capacity": 10.0', '"target_capacity": 1e1'))
    assert spelled.input_hash == parse_chain(good()).input_hash
    other = good()
    other["nodes"][0]["target_capacity"] = 10.000000001
    assert parse_chain(other).input_hash != parse_chain(good()).input_hash
    assert read_chain("\ufeff" + text).input_hash == read_chain(b"\xef\xbb\xbf" + text.encode()).input_hash


def test_duplicates_that_are_legal() -> None:
    doc = good()
    doc["supply"].append(group("b", "a", "a"))
    doc["pipeline"].append(project("p", "a", 2.0, "landed"))
    doc["nodes"].append(node("c", name=doc["nodes"][0]["name"]))
    assert problems_of(doc) == []


def test_stages_of_the_schema_are_those_of_the_model() -> None:
    assert set(schema.schema()["$defs"]["project"]["properties"]["stage"]["enum"]) == set(MODEL_1.stage_probabilities)


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=2),
    st.just([]), st.just({}), st.just("signed"), st.just("2026-02-30"),
)


@given(chains(), st.data())
def test_quick_reader_and_jsonschema_agree(doc: Doc, data: st.DataObject) -> None:
    """Put junk somewhere: the compiled schema and the general validator must give one verdict."""
    places = [([key], doc) for key in doc]
    for key in ("nodes", "supply", "placements", "pipeline"):
        places += [([key, number, name], row) for number, row in enumerate(doc[key]) for name in row]
    path, _ = data.draw(st.sampled_from(places))
    bent = copy.deepcopy(doc)
    place: Any = bent
    for key in path[:-1]:
        place = place[key]
    if data.draw(st.booleans()):
        place[path[-1]] = data.draw(JUNK)
    else:
        del place[path[-1]]
    assert schema.accepts(bent) == (not list(schema.faults(bent)))


def test_canary_an_unknown_keyword_is_not_passed_over() -> None:
    with pytest.raises(KeyError):
        schema._compile({"multipleOf": 2}, {})
