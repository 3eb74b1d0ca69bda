"""What a landing would take off a gap equals what analysing the chain with the company in it gives."""

from __future__ import annotations

import pytest

from chains.analysis.analysis import analyse
from chains.analysis.candidates import Arrival, falls
from chains.analysis.chainfile import parse_chain
from chains.analysis.parameters import MODEL_1
from tests.factories import chain_document


def analysed(placements: list[dict[str, object]], code: str = "chip"):
    document = parse_chain(chain_document(placements=placements))
    node = next(node for node in analyse(document).to_dict()["nodes"] if node["code"] == code)
    return document, node


HERE = [
    {"company": "a", "node": "chip", "probability": 0.6, "size": 3.0},
    {"company": "b", "node": "chip", "probability": 0.9, "size": 1.0, "operating": False},
]


@pytest.mark.parametrize("here", [[], HERE])
@pytest.mark.parametrize(("probability", "size"), [(0.9, 2.0), (0.5, 40.0), (1.0, 0.0)])
def test_the_fall_is_that_of_a_chain_analysed_with_the_company(here, probability: float, size: float) -> None:
    document, before = analysed(here)
    landed = {"company": "new", "node": "chip", "probability": probability, "size": size}
    _document, after = analysed([*here, landed])
    (fall,) = falls(document, before, [Arrival(probability, size)], MODEL_1)
    assert fall == pytest.approx(before["current"]["gap"] - after["current"]["gap"], abs=1e-8)


def test_several_arrivals_are_judged_each_alone_in_the_order_given() -> None:
    document, before = analysed(HERE)
    arrivals = [Arrival(0.9, 2.0), Arrival(0.2, 2.0), Arrival(0.9, 8.0)]
    together = falls(document, before, arrivals, MODEL_1)
    assert together == [falls(document, before, [one], MODEL_1)[0] for one in arrivals]
    assert together[2] > together[0] > together[1] > 0


def test_nobody_arriving_changes_nothing() -> None:
    document, before = analysed([])
    assert falls(document, before, [], MODEL_1) == []
