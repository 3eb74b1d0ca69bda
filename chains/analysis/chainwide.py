"""Figures of the whole chain that follow from its nodes' presence."""

from __future__ import annotations

import numpy as np

from chains.analysis.actions import Decision, best_of_groups
from chains.analysis.arrays import Placements
from chains.analysis.graph import Floats


def coverage(weight: Floats, decision: Decision) -> float | None:
    """K: the share of the chain's weight (V,) at which companies are present; None where nothing weighs."""
    return float(weight[decision.present[:, 0]].sum() / weight.sum()) if weight.sum() > 0 else None


def local_sourcing_rate(decision: Decision) -> float | None:
    """本地配套率: the share of supply groups, by importance, with an alternative that is present and can stand in."""
    graph = decision.chain.graph
    total = graph.group_importance.sum()
    if total == 0:
        return None
    serves = decision.present[graph.edge_supplier] & (graph.edge_substitution > 0)[:, None]
    served = best_of_groups(graph, serves.astype(float))[:, 0] > 0
    return float(graph.group_importance[served].sum() / total)


def company_concentration(placements: Placements) -> float | None:
    """HHI of the companies' masses over the whole chain; shown, never scored."""
    mass = np.bincount(
        placements.company, weights=placements.probability * placements.size, minlength=len(placements.companies)
    )
    return float(((mass / mass.sum()) ** 2).sum()) if mass.sum() > 0 else None
