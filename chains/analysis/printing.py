"""Figures → chain-analysis/1: plain JSON values, each float rounded once, in one fixed order of keys."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chains.analysis.actions import ACTIONS, FILL, STRENGTHEN, reaches, statuses
from chains.analysis.chainwide import company_concentration, coverage, local_sourcing_rate
from chains.analysis.clauses import Clauses
from chains.analysis.gaps import CONTRIBUTIONS, PLACES
from chains.analysis.graph import Floats
from chains.analysis.strength import concentration

if TYPE_CHECKING:
    from chains.analysis.analysis import ChainAnalysis, Variant

FORMAT = "chain-analysis/1"

Json = dict[str, Any]


def figure(value: float | None) -> float | None:
    """Rounded to 10 decimals, null for NaN, and never -0.0."""
    if value is None or math.isnan(value):
        return None
    return round(float(value), PLACES) + 0.0


def _figures(values: Floats) -> list[float | None]:
    return [figure(value) for value in values.tolist()]


def printed(analysis: ChainAnalysis) -> Json:
    """The document that the command line, the API and a frozen report all hand out."""
    nodes = _nodes(analysis)
    codes = analysis.chain.codes
    return {
        "format": FORMAT,
        "model_version": analysis.parameters.model_version,
        "input_hash": analysis.document.input_hash,
        "as_of": analysis.document.chain["as_of"],
        "code": analysis.document.chain["code"],
        "name": analysis.document.chain["name"],
        "chain": _chain(analysis, nodes),
        "nodes": nodes,
        "cycles": [[codes[node] for node in path] for path in analysis.closed_paths],
    }


def _chain(analysis: ChainAnalysis, nodes: Sequence[Json]) -> Json:
    def count(key: str, names: Sequence[str]) -> dict[str, int]:
        found = [node[key] for node in nodes]
        return {name: found.count(name) for name in names}

    spread = analysis.confidence.completeness
    return {
        "coverage": figure(coverage(analysis.chain.nodes.weight, analysis.decision)),
        "current": _variant(analysis.current),
        "with_pipeline": _variant(analysis.with_pipeline),
        "interval": {"completeness": _spread(spread) if spread is not None else None},
        "local_sourcing_rate": figure(local_sourcing_rate(analysis.decision)),
        "hhi": figure(company_concentration(analysis.chain.placements)),
        "status_counts": count("status", ("missing", "weak", "strong")),
        "action_counts": count("action", ACTIONS),
        "fragile_count": sum(node["fragile"] for node in nodes),
    }


def _variant(variant: Variant) -> Json:
    worst = variant.worst
    return {
        "completeness": figure(variant.completeness),
        "resilience": figure(variant.resilience),
        "worst_company": {
            "company": worst.company if worst else None, "remaining": figure(worst.remaining) if worst else None,
        },
    }


def _spread(three: Floats) -> Json:
    median, low, high = _figures(three)
    return {"median": median, "p10": low, "p90": high}


def _nodes(analysis: ChainAnalysis) -> list[Json]:
    chain, decision, point = analysis.chain, analysis.decision, analysis.node
    size = len(chain.codes)
    hhi, cr1 = concentration(chain.placements, point.mass[:, 0], size)
    columns: Mapping[str, Sequence[Any]] = {
        "mass": _figures(point.mass[:, 0]), "presence": _figures(point.presence[:, 0]),
        "adequacy": _figures(point.adequacy[:, 0]), "n1_adequacy": _figures(point.n1_adequacy[:, 0]),
        "specialisation": _figures(point.specialisation[:, 0]), "strength": _figures(point.strength[:, 0]),
        "pipeline": _figures(analysis.cover), "covered_strength": _figures(analysis.with_pipeline.strength),
        "criticality_full": _figures(analysis.full), "dominance": _figures(analysis.current.needs.dominance),
        "local_demand": _figures(analysis.current.needs.local_demand), "policy": _figures(chain.nodes.policy),
        "hhi": _figures(hhi), "cr1": _figures(cr1), "largest_company": _largest_companies(analysis),
        "relatedness": _figures(decision.evidence.relatedness[:, 0]),
        "current": _gaps(analysis.current), "with_pipeline": _gaps(analysis.with_pipeline),
        "interval": _intervals(analysis),
        "status": statuses(point.presence[:, 0], point.strength[:, 0], analysis.parameters),
        "fragile": decision.fragile[:, 0].tolist(),
        "action": [ACTIONS[action] for action in decision.action[:, 0]],
        "action_clause": _sentences(analysis),
        "covered_by_pipeline": _covered(analysis), "needs": _needs(analysis),
    }
    rows = analysis.document.nodes
    return [
        {"code": row["code"], "name": row["name"], "tier": row["tier"], **dict(zip(columns, values, strict=True))}
        for row, values in zip(rows, zip(*columns.values(), strict=True), strict=True)
    ]


def _gaps(variant: Variant) -> list[Json]:
    """Gap and contributions keep the sum exact: both are decimals of PLACES places, printed as floats."""
    listed = zip(
        _figures(variant.available), _figures(variant.now), _figures(variant.criticality), variant.gaps, strict=True
    )
    return [
        {
            "availability": available, "criticality_now": now, "criticality": criticality, "gap": float(gap.gap),
            "contributions": dict(zip(CONTRIBUTIONS, map(float, gap.contributions), strict=True)),
        }
        for available, now, criticality, gap in listed
    ]


def _intervals(analysis: ChainAnalysis) -> list[Json]:
    found, thin = analysis.confidence, analysis.parameters.thin_data
    shares = found.data_share.tolist()
    enough = reaches(found.data_share, thin).tolist()
    chances = [_figures(row) for row in found.action_probability]
    return [
        {
            **_spread(three), "data_share": figure(share), "insufficient_data": not sure,
            "action_probability": dict(zip(ACTIONS, chance, strict=True)),
        }
        for three, share, sure, chance in zip(found.gap.T, shares, enough, chances, strict=True)
    ]


def _sentences(analysis: ChainAnalysis) -> list[str]:
    clauses = Clauses(analysis.decision)
    return [clauses.sentence(node) for node in range(len(analysis.chain.codes))]


def _covered(analysis: ChainAnalysis) -> list[bool]:
    """已有项目覆盖: something is to be filled or strengthened, and projects bring the node over the bar."""
    action = analysis.decision.action[:, 0]
    due = (action == FILL) | (action == STRENGTHEN)
    enough = reaches(analysis.with_pipeline.strength, analysis.parameters.covered_threshold)
    return [bool(value) for value in due & enough & (analysis.cover > 0)]


def _largest_companies(analysis: ChainAnalysis) -> list[str | None]:
    """The company that brings most to each node, the smaller code of equals; null where nothing is brought."""
    placements = analysis.chain.placements
    brought = placements.probability * placements.size
    largest: dict[int, tuple[float, int]] = {}
    for node, company, mass in zip(
        placements.node.tolist(), placements.company.tolist(), brought.tolist(), strict=True
    ):
        if mass > largest.get(node, (0.0, 0))[0]:
            largest[node] = (mass, company)
    codes = placements.companies
    return [codes[largest[node][1]] if node in largest else None for node in range(len(analysis.chain.codes))]


def _needs(analysis: ChainAnalysis) -> list[list[Json]]:
    """The supply groups of each node: what serves them best today, and whether that is enough."""
    chain, decision = analysis.chain, analysis.decision
    graph, reach = chain.graph, decision.evidence.reach[:, 0].tolist()
    ends = [*graph.group_starts.tolist(), len(graph.edge_group)]
    supplier, best = graph.edge_supplier.tolist(), _figures(decision.best[:, 0])
    served = reaches(decision.best[:, 0], analysis.parameters.theta).tolist()
    needs: dict[int, list[Json]] = defaultdict(list)
    for group, node in enumerate(graph.group_node.tolist()):
        edges = range(ends[group], ends[group + 1])
        top = max(edges, key=reach.__getitem__)
        needs[node].append(
            {
                "importance": figure(graph.group_importance[group]),
                "served_by": chain.codes[supplier[top]] if served[group] else None,
                "best": best[group], "best_node": chain.codes[supplier[top]],
                "alternatives": [chain.codes[supplier[edge]] for edge in edges],
            }
        )
    return [needs.get(node, []) for node in range(len(chain.codes))]
