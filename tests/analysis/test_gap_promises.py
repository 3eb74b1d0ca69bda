"""The five promises of the gap model as properties on random AND/OR graphs, cyclic ones too.

Each property takes the judge as an argument, so that a canary can hand it a faulty one and see it caught:
absolute, monotone, additive, reproducible, honest.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from chains.analysis.analysis import analyse
from chains.analysis.chainfile import parse_chain
from chains.analysis.confidence import draw
from tests.analysis.random_chains import amounts, chain, chains, group, node, placed, project, shares

Doc = dict[str, Any]
Judge = Callable[[Doc], Doc]
ROUNDING = 2e-10  # two figures, each rounded to 10 decimals


def judge(doc: Doc) -> Doc:
    return analyse(parse_chain(doc)).to_dict()


def by_code(result: Doc) -> dict[str, Doc]:
    return {row["code"]: row for row in result["nodes"]}


def caught(strategy: st.SearchStrategy[Any], holds: Callable[[Any], bool]) -> bool:
    """Whether Hypothesis finds a counterexample (any: it need not be made small)."""
    quick = settings(max_examples=300, database=None, deadline=None, phases=[Phase.generate], derandomize=True)
    try:
        find(strategy, lambda case: not holds(case), settings=quick)
    except NoSuchExample:
        return False
    return True


# 1. Absolute: a score never moves because an unrelated node moved


NAMES = {"nodes": ("code", "name"), "supply": ("node",), "placements": ("company", "node"), "pipeline": ("project", "node")}


def beside(left: Doc, right: Doc) -> Doc:
    """Two chains in one file with no link, company or code in common; the outputs are all on the left."""
    both, other = copy.deepcopy(left), copy.deepcopy(right)
    for part, keys in NAMES.items():
        for row in other[part]:
            row |= {key: f"other-{row[key]}" for key in keys}
            row |= {"is_output": False} if part == "nodes" else {}
            for option in row.get("alternatives", ()):
                option["node"] = f"other-{option['node']}"
        both[part] += other[part]
    return both


def is_absolute(case: tuple[Doc, Doc, float, float], judge: Judge = judge) -> bool:
    left, right, probability, size = case
    before = by_code(judge(beside(left, right)))
    right = copy.deepcopy(right)
    right["placements"].append(placed("company-new", "n0", probability, size))
    after = by_code(judge(beside(left, right)))
    score = ("strength", "criticality_full", "dominance", "local_demand", "current", "with_pipeline", "status")
    return all(before[row["code"]][key] == after[row["code"]][key] for row in left["nodes"] for key in score)


ABSOLUTE = st.tuples(chains(most_nodes=5), chains(most_nodes=4), shares, amounts)


@given(ABSOLUTE)
def test_absolute(case: tuple[Doc, Doc, float, float]) -> None:
    assert is_absolute(case)


def divided_by_the_maximum(doc: Doc) -> Doc:
    result = judge(doc)
    most = max(row["current"]["gap"] for row in result["nodes"]) or 1.0
    for row in result["nodes"]:
        row["current"] = row["current"] | {"gap": row["current"]["gap"] / most * 100}
    return result


def quotient_over_the_district(doc: Doc) -> Doc:
    """Specialisation over today's total instead of a frozen share."""
    result = judge(doc)
    total = sum(row["mass"] for row in result["nodes"]) or 1.0
    for row in result["nodes"]:
        row["strength"] = 0.8 * row["strength"] + 0.2 * row["mass"] / total
    return result


@pytest.mark.parametrize("faulty", [divided_by_the_maximum, quotient_over_the_district])
def test_absolute_canary(faulty: Judge) -> None:
    assert caught(ABSOLUTE, lambda case: is_absolute(case, faulty))


# 2. Monotone: adding never lowers, removing never raises


@st.composite
def additions(draw: st.DrawFn) -> tuple[Doc, Doc, str | None]:
    """(before, after, own node): after has one placement, supplier alternative or project more."""
    before = draw(chains(least_nodes=2, most_nodes=6))
    after = copy.deepcopy(before)
    codes = [row["code"] for row in before["nodes"]]
    kind = draw(st.sampled_from(["placement", "project", "alternative"]))
    at = draw(st.sampled_from(codes))
    if kind == "placement":
        after["placements"].append(placed("company-new", at, draw(shares), draw(amounts), revenue_share=draw(shares)))
        if draw(st.booleans()):  # a company already here, at one node more
            taken = {(row["company"], row["node"]) for row in before["placements"]}
            if ("company-a", at) not in taken:
                after["placements"][-1]["company"] = "company-a"
    elif kind == "project":
        after["pipeline"].append(project("new", at, draw(amounts), draw(st.sampled_from(["signed", "landed", "operating"]))))
    elif before["supply"]:
        chosen = draw(st.integers(0, len(before["supply"]) - 1))
        others = [code for code in codes if code != before["supply"][chosen]["node"]]
        option = {"node": draw(st.sampled_from(others)), "substitution": draw(shares)}
        after["supply"][chosen]["alternatives"].append(option)
        return before, after, None
    return before, after, at


def is_monotone(case: tuple[Doc, Doc, str | None], judge: Judge = judge) -> bool:
    before, after = judge(case[0]), judge(case[1])
    old, new, own = by_code(before), by_code(after), case[2]
    for code in old:
        if not _stronger(old[code], new[code]) or not _explained(old[code], new[code], code == own):
            return False
    for variant in ("current", "with_pipeline"):
        low, high = before["chain"][variant]["completeness"], after["chain"][variant]["completeness"]
        if low is not None and high < low - ROUNDING:
            return False
    return True


def _stronger(old: Doc, new: Doc) -> bool:
    figures = [(old[key], new[key]) for key in ("presence", "adequacy", "n1_adequacy", "strength", "covered_strength")]
    figures += [(old[key]["availability"], new[key]["availability"]) for key in ("current", "with_pipeline")]
    return all(high >= low - ROUNDING for low, high in figures)


def _explained(old: Doc, new: Doc, own: bool) -> bool:
    """Its own gap never rises; another's only with its criticality, dominance or local demand."""
    for variant in ("current", "with_pipeline"):
        if new[variant]["gap"] > old[variant]["gap"] + 10 * ROUNDING:
            reasons = [new[variant]["criticality"] > old[variant]["criticality"]]
            reasons += [new[key] > old[key] for key in ("dominance", "local_demand")]
            if own or not any(reasons):
                return False
    return True


@settings(max_examples=200)
@given(additions())
def test_monotone(case: tuple[Doc, Doc, str | None]) -> None:
    assert is_monotone(case)


def with_diversity(doc: Doc) -> Doc:
    """Strength that scores 1 - HHI: a giant's arrival then weakens its node."""
    result = judge(doc)
    for row in result["nodes"]:
        row["strength"] *= 1 - (row["hhi"] or 0)
    return result


def mean_of_alternatives(doc: Doc) -> Doc:
    """Availability that takes the mean of the alternatives instead of the best: a poor one more then harms."""
    result = judge(doc)
    for row in result["nodes"]:
        groups = [g for g in doc["supply"] if g["node"] == row["code"]]
        for g in groups:
            values = [option["substitution"] for option in g["alternatives"]]
            row["current"]["availability"] *= float(np.mean(values))
    return result


@pytest.mark.parametrize("faulty", [mean_of_alternatives, divided_by_the_maximum])
def test_monotone_canary(faulty: Judge) -> None:
    assert caught(additions(), lambda case: is_monotone(case, faulty))


def test_monotone_canary_diversity() -> None:
    """Three equal firms, then a giant: 1 - HHI falls from .67 to .20."""
    before = chain([node("a", is_output=True)], placements=[placed(f"company-{n}", "a", 1.0, 4.0) for n in "abc"])
    after = copy.deepcopy(before)
    after["placements"].append(placed("giant", "a", 1.0, 100.0))
    assert is_monotone((before, after, "a"))
    assert not is_monotone((before, after, "a"), with_diversity)


def test_attracting_four_firms_to_a_node_lowers_its_gap() -> None:
    """The measured fault of dividing by the chain's maximum: 66.5 fell to 54.0 when four firms came."""
    doc = chain([node("a"), node("b", is_output=True)], supply=[group("b", "a")], placements=[placed("x", "b")])
    gaps = []
    for firms in range(5):
        doc["placements"] = [placed("x", "b"), *(placed(f"y{number}", "a", 0.8, 2.0) for number in range(firms))]
        gaps.append(by_code(judge(doc))["a"]["current"]["gap"])
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < gaps[0]


# 3. Additive: the printed contributions sum exactly to the printed score


def is_additive(doc: Doc, judge: Judge = judge) -> bool:
    return all(
        sum((Decimal(repr(part)) for part in row[variant]["contributions"].values()), Decimal(0))
        == Decimal(repr(row[variant]["gap"]))
        for row in judge(doc)["nodes"] for variant in ("current", "with_pipeline")
    )


@given(chains())
def test_additive(doc: Doc) -> None:
    assert is_additive(doc)


def rounded_one_by_one(doc: Doc) -> Doc:
    result = judge(doc)
    for row in result["nodes"]:
        for variant in ("current", "with_pipeline"):
            parts = {key: round(value, 2) for key, value in row[variant]["contributions"].items()}
            row[variant] = row[variant] | {"contributions": parts, "gap": round(row[variant]["gap"], 2)}
    return result


def test_additive_canary() -> None:
    assert caught(chains(), lambda doc: is_additive(doc, rounded_one_by_one))


# 4. Reproducible: same input, same bytes


def is_reproducible(doc: Doc, judge: Judge = judge) -> bool:
    again = json.loads(json.dumps(dict(reversed(doc.items()))))  # another order of keys is the same chain
    first, second = judge(doc), judge(again)
    bytes_ = [json.dumps(result, ensure_ascii=False, allow_nan=False).encode() for result in (first, second)]
    return bytes_[0] == bytes_[1] and b"-0.0," not in bytes_[0] and first["model_version"] == "1"


@given(chains())
def test_reproducible(doc: Doc) -> None:
    assert is_reproducible(doc)


def unseeded(doc: Doc) -> Doc:
    result = judge(doc)
    for row in result["nodes"]:
        row["interval"]["median"] += float(np.random.default_rng().normal())
    return result


def test_reproducible_canary() -> None:
    assert caught(chains(), lambda doc: is_reproducible(doc, unseeded))


def test_draws_do_not_depend_on_the_width_of_a_block() -> None:
    chances = np.linspace(0, 1, 7)
    blocks = [
        np.concatenate(list(draw(chances, 20, width, np.random.Generator(np.random.PCG64(7)))), axis=1)
        for width in (1, 3, 20)
    ]
    assert (blocks[0] == blocks[1]).all()
    assert (blocks[1] == blocks[2]).all()
    assert not blocks[0][0].any()  # a chance of 0 never happens
    assert blocks[0][-1].all()  # a chance of 1 always does


# 5. Honest: thin data gives a wide interval or 数据不足, never a confident number


def is_honest(doc: Doc, judge: Judge = judge) -> bool:
    for row in judge(doc)["nodes"]:
        interval = row["interval"]
        if not interval["p10"] <= interval["median"] <= interval["p90"]:
            return False
        wide = interval["p90"] - interval["p10"] > ROUNDING
        if interval["data_share"] < 0.5 and not wide and not interval["insufficient_data"]:
            return False
        if abs(sum(interval["action_probability"].values()) - 1) > ROUNDING:
            return False
    return True


@given(chains())
def test_honest(doc: Doc) -> None:
    assert is_honest(doc)


def point_interval(doc: Doc) -> Doc:
    """Every node confidently at its own gap, whatever stands behind it."""
    result = judge(doc)
    for row in result["nodes"]:
        gap = row["with_pipeline"]["gap"]
        row["interval"] |= {"p10": gap, "median": gap, "p90": gap, "insufficient_data": False}
    return result


def test_honest_canary() -> None:
    assert caught(chains(), lambda doc: is_honest(doc, point_interval))


@given(chains())
def test_certain_data_gives_a_point_and_a_certain_action(doc: Doc) -> None:
    for row in doc["placements"]:
        row["probability"] = float(row["probability"] >= 0.5)
    for row in doc["pipeline"]:
        row["stage"] = "operating" if row["stage"] in ("signed", "landed") else "lead"
    for row in judge(doc)["nodes"]:
        interval = row["interval"]
        assert interval["action_probability"][row["action"]] == 1.0
        for figure in ("p10", "median", "p90"):
            assert interval[figure] == pytest.approx(row["with_pipeline"]["gap"], abs=1e-9)


def test_an_uncertain_company_widens_the_interval() -> None:
    doc = chain([node("a", is_output=True)], placements=[placed("x", "a", 0.5)])
    interval = judge(doc)["nodes"][0]["interval"]
    assert interval["p90"] - interval["p10"] > 30
    assert interval["data_share"] == 0.5
