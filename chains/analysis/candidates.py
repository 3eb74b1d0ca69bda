"""What a company's landing at a node would take off the node's gap, the rest of the chain as it is.

    fall = 100 (s' - s)(.20 + .35 B + .15 D + .15 Q + .15 O)

s is today's strength and s' the strength with the company among the node's own. B and D do not depend on the node's own
companies, and Q and O not at all, so the second factor stays. A company that brings no mass still brings presence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chains.analysis.arrays import Nodes, Placements
from chains.analysis.chainfile import ChainDocument
from chains.analysis.gaps import Needs, gap
from chains.analysis.graph import Floats
from chains.analysis.parameters import ModelParameters
from chains.analysis.strength import node_strength


@dataclass(frozen=True)
class Arrival:
    """A company that might land: the chance that it does what the node does, and the mass (亿元) that it would bring."""

    probability: float
    mass: float


def falls(
    document: ChainDocument, analysed: Mapping[str, Any], arrivals: Sequence[Arrival], parameters: ModelParameters
) -> list[float]:
    """Points that each arrival alone would take off the current gap of the analysed node, in the order given.

    `analysed` is the node's entry in a chain-analysis/1 document made from `document`.
    """
    if not arrivals:
        return []
    code = analysed["code"]
    here = [row for row in document.placements if row["node"] == code and row["operating"]]
    before = len(here)
    size = np.array([row["revenue_share"] * row["size"] for row in here] + [arrival.mass for arrival in arrivals], float)
    # Column 0 is today; column i has the i-th arrival and no other.
    probability = np.zeros((len(size), len(arrivals) + 1))
    probability[:before] = np.array([row["probability"] for row in here], float)[:, None]
    for place, arrival in enumerate(arrivals):
        probability[before + place, place + 1] = arrival.probability
    alone = Placements(
        companies=[], company=np.arange(len(size)), node=np.zeros(len(size), np.int64), probability=probability[:, 0], size=size
    )
    strength = node_strength(_one_node(document, code), alone, probability, parameters).strength
    gaps = gap(strength, _needs(analysed), parameters)[0]
    return [float(value) for value in np.maximum(gaps[0] - gaps[1:], 0.0)]


def _one_node(document: ChainDocument, code: str) -> Nodes:
    row = next(row for row in document.nodes if row["code"] == code)
    national = (row["national_mass"] or 0.0) * (document.chain["district_share"] or 0.0)
    return Nodes(
        weight=np.array([row["weight"]], float), capacity=np.array([row["target_capacity"]], float),
        national=np.array([national or np.nan], float), policy=np.array([row["policy_weight"]], float),
        is_output=np.array([row["is_output"]], bool),
    )


def _needs(analysed: Mapping[str, Any]) -> Needs:
    def column(value: float) -> Floats:
        return np.array([[value]], float)

    return Needs(
        criticality=column(analysed["current"]["criticality"]), dominance=column(analysed["dominance"]),
        local_demand=column(analysed["local_demand"]), policy=column(analysed["policy"]),
    )
