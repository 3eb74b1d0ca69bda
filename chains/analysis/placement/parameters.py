"""The placer's numbers, frozen under a version so that an old placement can be worked out again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


def _activity_factors() -> Mapping[tuple[str, str], float]:
    """(what the node wants, what the company says it does) → how much of the evidence counts."""
    table = {
        "make": {"make": 1.0, "design": 0.7, "trade": 0.2, "service": 0.3, "": 0.8},
        "design": {"make": 0.7, "design": 1.0, "trade": 0.2, "service": 0.6, "": 0.8},
        "trade": {"make": 0.4, "design": 0.3, "trade": 1.0, "service": 0.5, "": 0.8},
        "service": {"make": 0.4, "design": 0.6, "trade": 0.3, "service": 1.0, "": 0.8},
    }
    return MappingProxyType({(want, does): value for want, row in table.items() for does, value in row.items()})


@dataclass(frozen=True)
class PlacerParameters:
    """p = min(cap, 1 / (1 + exp(-z))), z = intercept + keyword·x_k + similarity·x_s + industry·x_i.

    x_k = 1 - exp(-K): K sums, over the distinct keywords of the node found in name and scope, the best place of each
    (place weight x activity factor x rarity x length), plus over products the revenue share x the same factors.
    x_s = 1 - exp(-S): S sums place weight x activity factor x (cosine - floor) over the items of the text, strongest
    first, each further one times `similarity_fading`.
    x_i: best prefix of the industry code (2, 3, 4 digits) x rarity.
    All four grow with added text and never shrink, so more evidence never lowers a probability.
    """

    version: str
    intercept: float
    keyword: float
    similarity: float
    industry: float
    name_weight: float = 1.3
    position_decay: float = 0.12
    position_floor: float = 0.35
    similarity_floor: float = 0.05
    similarity_fading: float = 0.7
    similar_nodes: int = 20
    prefix_weights: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({4: 1.0, 3: 0.55, 2: 0.2}))
    length_weights: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({1: 0.5, 2: 0.7, 3: 0.85}))
    activity_factors: Mapping[tuple[str, str], float] = field(default_factory=_activity_factors)
    cap: float = 0.97
    threshold: float = 0.15
    nodes_per_chain: int = 5
    block: int = 4000


# On listed companies with 354 leaf nodes (keywords learnt from one half, a logistic fitted on a quarter) the fit wants
# intercept -4.7 to -5.4, similarity 8 to 13 and keyword -1 to 3:
# node names and learnt words are poor keywords. Keywords that people wrote for a chain deserve more, and long business
# scopes offer more chance likeness than product lists, so keyword is raised, similarity lowered and the intercept kept.
# industry is set by judgement (no codes in that data): a full code alone stays under the threshold.
PLACER_1 = PlacerParameters(version="placer-1", intercept=-4.8, keyword=5.0, similarity=5.0, industry=1.6)
