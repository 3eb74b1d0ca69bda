"""Shapes, refusals, order, independence, revenue shares."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace

import pytest

from chains.analysis.placement import PLACER_1, NodeText, PlacementError, Product, nodes_from_chain, place
from chains.analysis.placement.placing import revenue_shares
from tests.analysis_placement.texts import CHIP, NODES, company, placed


def refusal(companies: list, nodes: list) -> tuple[str, ...]:  # type: ignore[type-arg]
    with pytest.raises(PlacementError) as caught:
        place(companies, nodes)
    return caught.value.problems


def test_every_bad_value_is_named_at_once() -> None:
    bad = replace(company(), company=" ", products=(Product("甲", math.nan), Product("乙", math.inf)))
    nodes = [CHIP, CHIP, replace(CHIP, node=""), replace(CHIP, node="x", name=" ")]
    problems = refusal([company(), company(), bad], nodes)
    named = ("“c1”", "第 3 家", "“甲”", "“乙”", "“chip”", "第 3 个", "“x”没有名称")
    assert [word for word in named if not any(word in line for line in problems)] == []
    assert len(problems) == len(named)


def test_an_unknown_activity_is_refused() -> None:
    assert "sell" in refusal([], [replace(CHIP, activity="sell")])[0]  # type: ignore[arg-type]


def test_a_long_list_of_problems_is_cut_in_the_message_only() -> None:
    companies = [replace(company(), company=f"c{i}", products=(Product("甲", math.nan),)) for i in range(30)]
    with pytest.raises(PlacementError) as caught:
        place(companies, NODES)
    assert len(caught.value.problems) == 30
    assert "另有 10 处" in str(caught.value)


def test_the_same_node_code_may_stand_in_two_chains() -> None:
    nodes = [replace(CHIP, chain=chain) for chain in ("a", "b")]
    found = place([company("集成电路制造")], nodes)
    assert [(item.chain, item.node) for item in found] == [("a", "chip"), ("b", "chip")]
    assert found[0].probability == found[1].probability


def test_order_is_fixed_and_answers_repeat() -> None:
    companies = [replace(company("集成电路制造；芯片封装的生产；管理软件开发"), company=code) for code in ("z", "a")]
    found = place(companies, NODES)
    assert found == place(companies, list(NODES))
    assert [item.company for item in found] == sorted((item.company for item in found), reverse=True)
    own = [item.probability for item in found if item.company == "z"]
    assert own == sorted(own, reverse=True)
    assert {item.node: item.probability for item in place(companies[:1], NODES[::-1])} == {
        item.node: item.probability for item in found if item.company == "z"
    }


def test_a_company_is_judged_without_its_neighbours_and_across_blocks() -> None:
    companies = [replace(company(f"集成电路制造；杂项{i}"), company=f"c{i}") for i in range(7)]
    together = place(companies, NODES)
    assert together == [item for one in companies for item in place([one], NODES)]
    assert together == place(companies, NODES, parameters=replace(PLACER_1, block=2))


def test_threshold_cap_and_number_of_nodes() -> None:
    nodes = [NodeText(f"n{i}", f"产品{letter}号", (), ()) for i, letter in enumerate("甲乙丙丁戊己庚辛")]
    scope = "；".join(node.name for node in nodes)
    found = place([company(scope)], nodes)
    assert len(found) == PLACER_1.nodes_per_chain
    assert all(PLACER_1.threshold <= item.probability <= PLACER_1.cap for item in found)
    words = tuple(f"器件{letter}号" for letter in "甲乙丙丁戊己庚辛")
    rich = placed(company("；".join(words), industry="3973"), [replace(CHIP, keywords=words)])["chip"]
    assert rich.probability == PLACER_1.cap


def test_evidence_survives_json() -> None:
    candidate = placed(company("集成电路制造", industry="3973"))["chip"]
    evidence = [asdict(item) for item in candidate.evidence]
    assert json.loads(json.dumps(evidence, ensure_ascii=False)) == evidence


# Revenue shares


def test_shares_of_matched_products_add_up() -> None:
    found = placed(company("集成电路制造", products={"集成电路": 0.5, "芯片": 0.2, "乐器": 0.3}))
    assert found["chip"].revenue_share == pytest.approx(0.7, abs=1e-5)


@pytest.mark.parametrize(
    ("products", "accepted", "expected"),
    [
        ([], [(0.9, set())], [0.9]),
        ([], [(0.9, set()), (0.6, set())], [0.6, 0.4]),
        ([0.5], [(0.9, {0}), (0.3, {0})], [0.375, 0.125]),
        ([0.5], [(0.9, {0}), (0.4, set())], [0.5, 0.2]),
        ([0.9, 0.8], [(0.9, {0}), (0.9, {1})], [0.529411, 0.470588]),
        ([None], [(0.9, {0})], [0.9]),
        ([0.0, 0.4], [(0.5, {0}), (0.5, {1})], [0.3, 0.4]),
    ],
)
def test_revenue_counts_once(
    products: list[float | None], accepted: list[tuple[float, set[int]]], expected: list[float]
) -> None:
    shares = revenue_shares(products, [(p, frozenset(rows)) for p, rows in accepted])
    assert shares == pytest.approx(expected, abs=1e-5)
    assert sum(shares) <= 1


# Chain files


def test_nodes_from_a_chain_file() -> None:
    document = {
        "chain": {"code": "terminal"},
        "nodes": [
            {"code": "chip", "name": "芯片", "keywords": ["集成电路"], "gb4754": ["3973"], "activity": "make",
             "negative_keywords": ["芯片级维修"], "weight": 1.0},
            {"code": "bare", "name": "整机", "activity": ""},
        ],
    }
    assert nodes_from_chain(document) == [
        NodeText("chip", "芯片", ("集成电路",), ("3973",), ("芯片级维修",), "make", "terminal"),
        NodeText("bare", "整机", (), (), chain="terminal"),
    ]
    assert nodes_from_chain({"nodes": []}) == []


def test_a_bad_chain_file_is_refused_whole() -> None:
    bad = {"code": "a", "name": "甲", "keywords": "乙", "gb4754": [1], "activity": "sell"}
    rows = ["x", {"code": 1, "name": "甲"}, bad]
    with pytest.raises(PlacementError) as caught:
        nodes_from_chain({"nodes": rows})
    paths = {line.split("：")[0] for line in caught.value.problems}
    assert paths >= {"nodes[0]", "nodes[1].code", "nodes[2].keywords", "nodes[2].gb4754", "nodes[2].activity"}
    with pytest.raises(PlacementError):
        nodes_from_chain({"nodes": None})
