"""Hard graphs: empty, self-loop, cycles, disconnected, parallel edges, deleted node, one name twice, deep, large."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from chains.analysis.analysis import analyse
from chains.analysis.chainfile import ChainFileError, parse_chain
from chains.analysis.graph import SupplyGraph, hard_twins, order_of
from chains.analysis.sweep import Sweeper
from tests.analysis.random_chains import chain, group, node, placed, project

Doc = dict[str, Any]


def judge(doc: Doc) -> Doc:
    return analyse(parse_chain(doc)).to_dict()


def by_code(result: Doc) -> dict[str, Doc]:
    return {row["code"]: row for row in result["nodes"]}


def sure(*codes: str) -> list[Doc]:
    """Two companies at each node that make it perfect: s = .625 + .375."""
    return [placed(f"{code}-{number}", code) for code in codes for number in (1, 2)]


def test_empty_chain_says_so_everywhere() -> None:
    result = judge(chain([]))
    assert result["nodes"] == []
    assert result["cycles"] == []
    assert result["chain"]["coverage"] is None
    for variant in ("current", "with_pipeline"):
        assert result["chain"][variant] == {
            "completeness": None, "resilience": None, "worst_company": {"company": None, "remaining": None},
        }


@pytest.mark.parametrize("weight", [0.0, None])
def test_chain_without_weighing_outputs_has_no_completeness(weight: float | None) -> None:
    output = {"is_output": True, "weight": weight} if weight is not None else {}
    result = judge(chain([node("a", **output), node("b")], supply=[group("a", "b")], placements=sure("a", "b")))
    assert result["chain"]["current"]["completeness"] is None
    assert result["chain"]["current"]["resilience"] is None
    assert result["chain"]["interval"]["completeness"] is None
    assert {row["current"]["criticality"] for row in result["nodes"]} == {0.0}
    assert {row["dominance"] for row in result["nodes"]} == {0.0}


def test_where_nothing_can_be_made_resilience_and_worst_company_are_null() -> None:
    result = judge(chain([node("a", is_output=True), node("b")], supply=[group("a", "b")], placements=sure("a")))
    assert result["chain"]["current"]["completeness"] == 0.0
    assert result["chain"]["current"]["resilience"] is None
    assert result["chain"]["current"]["worst_company"]["remaining"] is None


def test_self_loop_is_refused_with_its_path() -> None:
    with pytest.raises(ChainFileError) as refused:
        parse_chain(chain([node("a"), node("b")], supply=[group("a", "b", "a")]))
    assert [problem.path for problem in refused.value.problems] == ["supply[0].alternatives[1].node"]


def test_deleted_node_is_named_at_every_row_that_still_cites_it() -> None:
    doc = chain(
        [node("a")], supply=[group("a", "gone"), group("gone", "a")], placements=[placed("x", "gone")],
        pipeline=[project("p", "gone")],
    )
    with pytest.raises(ChainFileError) as refused:
        parse_chain(doc)
    assert [problem.path for problem in refused.value.problems] == [
        "supply[0].alternatives[0].node", "supply[1].node", "placements[0].node", "pipeline[0].node",
    ]


def test_two_nodes_of_one_name_are_told_apart_by_code() -> None:
    nodes = [node("a", name="电池"), node("b", name="电池"), node("c", name="整机", is_output=True)]
    result = judge(chain(nodes, supply=[group("c", "a"), group("c", "b")], placements=sure("c")))
    assert [row["name"] for row in result["nodes"]] == ["电池", "电池", "整机"]
    assert "电池（a）" in by_code(result)["a"]["action_clause"]
    assert "电池（b）" in by_code(result)["b"]["action_clause"]
    assert "（c）" not in by_code(result)["c"]["action_clause"]


def test_cycle_is_reported_as_a_closed_path_and_settles_at_the_greatest_fixed_point() -> None:
    """waste → recycler → maker → waste, each a hard need, all perfect: the ring feeds itself. Beside it a → b → a with
    a of strength 0: dead.
    """
    ring = [group("recycler", "waste"), group("maker", "recycler"), group("waste", "maker")]
    nodes = [node("waste"), node("recycler"), node("maker", is_output=True), node("a"), node("b", is_output=True)]
    doc = chain(nodes, supply=[*ring, group("a", "b"), group("b", "a")])
    doc["placements"] = sure("waste", "recycler", "maker", "b")
    result = judge(doc)
    assert result["cycles"] == [["waste", "recycler", "maker", "waste"], ["a", "b", "a"]]
    rows = by_code(result)
    assert [rows[code]["current"]["availability"] for code in ("waste", "recycler", "maker", "a", "b")] == [1, 1, 1, 0, 0]
    assert result["chain"]["current"]["completeness"] == 0.5
    assert rows["waste"]["current"]["criticality_now"] == 0.5
    # The greatest fixed point, not the least: with a raised, the dead ring comes to life as well.
    assert rows["a"]["current"]["criticality_now"] == 0.5


def test_soft_cycle_by_hand() -> None:
    """a and b each half need the other (k .5), S = 1 and .5: y_a = 1 - .5(1 - y_b), y_b = .5(1 - .5(1 - y_a))."""
    graph = SupplyGraph.of([0, 0], [(0, 0.5, [(1, 1.0)]), (1, 0.5, [(0, 1.0)])])
    y = sweep(graph, [1.0, 0.5])
    assert y == pytest.approx([0.5 + 0.5 * (3 / 7), 3 / 7], abs=1e-12)


def sweep(graph: SupplyGraph, strength: list[float]) -> list[float]:
    sweeper = Sweeper(graph, order_of(graph))
    program = sweeper.program()
    y = np.empty(graph.node_count)
    y[program.nodes] = program.run(np.array(strength)[program.nodes, None])[:, 0]
    return [float(value) for value in y]


def test_disconnected_parts_do_not_touch() -> None:
    doc = chain([node("a", is_output=True), node("lonely")], placements=sure("a"))
    rows = by_code(judge(doc))
    assert rows["lonely"]["current"]["criticality"] == 0.0
    assert rows["lonely"]["action"] == "none"
    assert rows["a"]["current"]["availability"] == 1.0


def test_parallel_edges_two_groups_are_two_needs_two_alternatives_are_one() -> None:
    half = {"placements": [*sure("b"), placed("x", "a", 1.0, 10.0)]}  # s_a = .625
    nodes = [node("a"), node("b", is_output=True)]
    twice = judge(chain(nodes, supply=[group("b", "a"), group("b", "a")], **half))
    once = judge(chain(nodes, supply=[group("b", "a", "a")], **half))
    assert twice["chain"]["current"]["completeness"] == pytest.approx(0.625**2)
    assert once["chain"]["current"]["completeness"] == pytest.approx(0.625)
    demand = [by_code(result)["a"]["local_demand"] for result in (once, twice)]
    assert demand == pytest.approx([20 / 30, 40 / 50])


def test_worst_company_may_sit_at_two_sources_that_stand_in_for_each_other() -> None:
    """Neither a nor b alone matters, since the other serves; only the company at both can stop the chain."""
    nodes = [node("a"), node("b"), node("c", is_output=True)]
    doc = chain(nodes, supply=[group("c", "a", "b")])
    doc["placements"] = [
        placed("both", "a", size=20, revenue_share=0.5), placed("both", "b", size=20, revenue_share=0.5), *sure("c"),
    ]
    assert judge(doc)["chain"]["current"]["worst_company"] == {"company": "both", "remaining": 0.0}


def test_companies_that_take_the_same_are_told_apart_by_code() -> None:
    """z and y leave the same behind at c; y has the smaller code. A lower strength left decides before the code."""
    nodes = [node("c", is_output=True)]
    tied = chain(nodes, placements=[placed("z", "c"), placed("y", "c")])
    assert judge(tied)["chain"]["current"]["worst_company"]["company"] == "y"
    larger = chain(nodes, placements=[placed("z", "c", size=9.0), placed("y", "c", size=3.0)])
    assert judge(larger)["chain"]["current"]["worst_company"]["company"] == "z"


def test_followers_that_could_tie_are_tried() -> None:
    """c draws on a through a group that e = .9 serves anyway: s_a changes nothing below .9, so all companies tie."""
    nodes = [node("a", external_availability=0.9), node("c", is_output=True)]
    doc = chain(nodes, supply=[group("c", "a")], placements=[*sure("c"), placed("z", "a", size=30), placed("b", "a"),
                                                            placed("a", "a")])
    result = judge(doc)["chain"]["current"]["worst_company"]
    assert result == {"company": "c-1", "remaining": 0.625}


def test_example_by_hand() -> None:
    """Five nodes: ore → chip → handset ← shell, and a missing lens that handset needs as well.

    S: ore 1, chip .625, shell .8125, lens 0 (e .3), handset 1. handset needs chip (k 1), shell (k .5), lens (k .5).
    y_chip = .625; y_handset = .625 * (1 - .5 (1 - .8125)) * (1 - .5 (1 - .3)) = .625 * .90625 * .65
    """
    nodes = [
        node("ore"), node("chip"), node("shell"), node("lens", external_availability=0.3),
        node("handset", is_output=True),
    ]
    supply = [
        group("chip", "ore"), group("handset", "chip"), group("handset", "shell", importance=0.5),
        group("handset", "lens", importance=0.5),
    ]
    placements = [
        *sure("ore", "handset"), placed("one", "chip"), placed("left", "shell", size=5.0), placed("right", "shell", size=5.0),
    ]
    rows = by_code(judge(chain(nodes, supply=supply, placements=placements)))
    whole = 0.625 * 0.90625 * 0.65
    assert rows["handset"]["current"]["availability"] == pytest.approx(whole)
    assert rows["chip"]["current"]["criticality_now"] == pytest.approx(0.90625 * 0.65)
    assert rows["lens"]["current"]["criticality_now"] == pytest.approx(0.625 * 0.90625 * 0.35)  # e .3 stays without it
    assert rows["lens"]["criticality_full"] == pytest.approx(0.35)
    assert rows["chip"]["dominance"] == 0.0  # shell and lens reach handset without it
    assert rows["lens"]["local_demand"] == pytest.approx(10 / 20)  # .5 * 20 against 10
    lens = rows["lens"]["current"]
    expected = 100 * (0.20 + 0.35 * (0.625 * 0.90625 * 0.35 + 0.35) / 2 + 0.15 * 0.5)
    assert lens["gap"] == pytest.approx(expected)
    assert rows["lens"]["action"] == "fill"
    assert "环节handset" in rows["lens"]["action_clause"]
    assert "0.30" in rows["lens"]["action_clause"]


def test_hard_twins_fall_together() -> None:
    """0 ⇄ 1 hard; 1 → 2 hard; 3 ⇄ 4 hard but 4 can be bought; 5 ⇄ 6 with a second source."""
    graph = SupplyGraph.of(
        [0, 0, 0, 0, 0.5, 0, 0],
        [
            (0, 1.0, [(1, 1.0)]), (1, 1.0, [(0, 0.7)]), (2, 1.0, [(1, 1.0)]), (3, 1.0, [(4, 1.0)]), (4, 1.0, [(3, 1.0)]),
            (5, 1.0, [(6, 1.0), (0, 0.1)]), (6, 1.0, [(5, 1.0)]),
        ],
    )
    twins = hard_twins(graph).tolist()
    assert twins[0] == twins[1]
    assert len(set(twins)) == 6


def test_deep_graph_needs_no_recursion_and_no_more_than_linear_rounds() -> None:
    """20,000 nodes in a row, then the same bent into one ring."""
    size = 20_000
    row = [(number, 1.0, [(number - 1, 1.0)]) for number in range(1, size)]
    line = SupplyGraph.of([0.0] * size, row)
    assert sweep(line, [1.0] * size)[-1] == 1.0
    ring = SupplyGraph.of([0.0] * size, [*row, (0, 1.0, [(size - 1, 1.0)])])
    assert sweep(ring, [1.0] * size) == [1.0] * size
    assert max(sweep(ring, [0.999] * size)) < 1e-9


@pytest.mark.no_cover
def test_ten_thousand_nodes_fifty_thousand_edges() -> None:
    rng = np.random.default_rng(8)
    size = 10_000
    nodes = [node(f"n{number}", is_output=number > 9_900) for number in range(size)]
    ends = [(int(at), [int(source) for source in rng.integers(0, at, 2)]) for at in rng.integers(1, size, 25_000)]
    supply = [group(f"n{at}", *(f"n{source}" for source in sources)) for at, sources in ends]
    placements = [placed(f"c{number}", f"n{number}", 0.9, 20.0) for number in range(0, size, 2)]
    result = judge(chain(nodes, supply=supply, placements=placements))
    assert len(result["nodes"]) == size
    assert all(math.isfinite(row["current"]["gap"]) for row in result["nodes"])
