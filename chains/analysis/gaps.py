"""The gap of a node: how little of it there is, times how much it is needed.

    gap = 100 (1 - S)(.20 + .35 B + .15 D + .15 Q + .15 O)

S  what there is: strength today, or with the pipeline.
B  criticality: what the chain's completeness F gains when v is perfect rather than absent.
     B_now  = F(S_v = 1) - F(S_v = 0), the other nodes as they are (Birnbaum importance; hypothetical extraction).
     B_full = the same with every other node at 1: what the finished chain would lose without v.
     B = (B_now + B_full) / 2. In a young chain B_now alone is near 0 everywhere: of two missing hard inputs
     neither gains anything alone. Neither part depends on v's own companies.
D  dominance: the share of the outputs (by weight, v itself not counted) that cannot be had but through v.
Q  local demand: d / (d + M_v), d = what local nodes draw through groups in which v is an alternative. Absolute.
O  policy weight, from the plan.

Nothing is divided by the chain's maximum, so no score moves because an unrelated node moved.

Three nodes by hand: chip -> handset, board -> handset, both hard needs; handset is the only output; S = 1, 1, 0.5.
    F = y(handset) = .5 * 1 * 1 = .5.  chip: B_now = .5 - 0, B_full = 1 - 0, B = .75.  handset: B_now = 1, B_full = 1.
    Each path to handset may start at either input, so neither dominates it: D = 0 for both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import networkx as nx
import numpy as np
from scipy.sparse import csr_array

from chains.analysis.extraction import Outputs
from chains.analysis.graph import Floats, Ints, Order, SupplyGraph
from chains.analysis.parameters import ModelParameters
from chains.analysis.spread import Changes, Wiring
from chains.analysis.sweep import Sweeper

PLACES = 10  # decimals of every printed figure


@dataclass(frozen=True)
class Criticality:
    """(V,) each. without: F(S_v = 0) - F, what the chain loses with v, never above 0."""

    now: Floats
    without: Floats


def criticality_now(outputs: Outputs, twins: Ints) -> Criticality:
    """Birnbaum importance of every node in the present state; twins: `graph.hard_twins`."""
    gained = np.zeros(len(outputs.strength))
    imperfect = outputs.sweeper.in_order(np.flatnonzero(outputs.strength < 1))
    gained[imperfect] = np.maximum(outputs.change(Changes.one_node_each(imperfect, 1.0)), 0)
    lost = _lost(outputs, twins)
    return Criticality(np.clip(gained - lost, 0, 1), lost)


def criticality_full(sweeper: Sweeper, wiring: Wiring, output_weight: Floats, twins: Ints) -> Floats:
    """(V,) what a chain with every node at strength 1 would lose without each node."""
    ones = np.ones(sweeper.graph.node_count)
    available = availability(sweeper, ones[:, None])[:, 0]
    return np.clip(-_lost(Outputs(sweeper, wiring, output_weight, ones, available), twins), 0, 1)


def _lost(outputs: Outputs, twins: Ints) -> Floats:
    """(V,) F(S_v = 0) - F. A node that is not available at all can take nothing away; twins take the same."""
    lost = np.zeros(len(outputs.strength))
    there = outputs.sweeper.in_order(np.flatnonzero(outputs.available > 0))
    _, first, twin_of = np.unique(twins[there], return_index=True, return_inverse=True)
    tried = np.sort(first)
    changed = np.minimum(outputs.change(Changes.one_node_each(there[tried], 0.0)), 0)
    lost[there] = changed[np.searchsorted(tried, first)][twin_of]
    return lost


def availability(sweeper: Sweeper, strength: Floats) -> Floats:
    """(V, C) availability of every node from (V, C) strengths."""
    program = sweeper.program()
    result = np.empty_like(strength)
    result[program.nodes] = program.run(strength[program.nodes])
    return result


def completeness(output_weight: Floats, available: Floats) -> Floats:
    """(C,) F = sum_T w_t y_t / sum_T w_t from (V, C) availability; the weights must not sum to 0."""
    outputs = np.flatnonzero(output_weight)
    share = output_weight[outputs] / output_weight.sum()
    total: Floats = (available[outputs] * share[:, None]).sum(axis=0)
    return np.asarray(np.minimum(total, 1))


def dominance(graph: SupplyGraph, order: Order, output_weight: Floats) -> Floats:
    """(V,) D. Every supply link counts, whatever its importance or substitution.

    Dominators (Cooper, Harvey and Kennedy 2001, in networkx) from a virtual root joined to every node without supply
    groups and to every node of a cycle that nothing outside it feeds.
    """
    size, total = graph.node_count, output_weight.sum()
    if size == 0 or total == 0:
        return np.zeros(size)
    supplier, consumer = graph.edge_supplier, graph.edge_consumer
    between = order.component[supplier] != order.component[consumer]
    fed = np.isin(order.component, order.component[consumer[between]])
    root = size
    links = nx.DiGraph()
    links.add_nodes_from(range(size + 1))
    links.add_edges_from((root, node) for node in np.flatnonzero(~fed).tolist())
    links.add_edges_from(zip(supplier.tolist(), consumer.tolist(), strict=True))
    parent = nx.immediate_dominators(links, root)
    return np.asarray(_weight_below(parent, root, output_weight) / total)


def _weight_below(parent: dict[int, int], root: int, weight: Floats) -> Floats:
    """(V,) weight strictly below each vertex of the dominator tree, summed from the leaves up."""
    children: dict[int, list[int]] = {}
    for vertex in sorted(parent):
        if vertex != root:
            children.setdefault(parent[vertex], []).append(vertex)
    down, below = [root], np.zeros(len(weight) + 1)
    for vertex in down:
        down.extend(children.get(vertex, ()))
    for vertex in reversed(down[1:]):
        below[parent[vertex]] += below[vertex] + weight[vertex]
    return below[:-1]


def local_demand(graph: SupplyGraph, mass: Floats, capacity: Floats) -> Floats:
    """(V, C) Q = d / (d + M) from the masses (V, C) of the nodes that draw. capacity: (V,).

    A node that stands twice among the alternatives of one group counts with its better substitution.
    """
    key = graph.edge_group * max(graph.node_count, 1) + graph.edge_supplier
    best = np.lexsort((-graph.edge_substitution, key))
    kept = best[np.diff(key[best], prepend=-1) != 0]
    share = (graph.edge_importance * graph.edge_substitution)[kept]
    ends = (graph.edge_supplier[kept], graph.edge_consumer[kept])
    drawn: Floats = csr_array((share, ends), shape=(len(capacity), len(capacity))) @ mass
    return np.asarray(drawn / (drawn + capacity[:, None]))


@dataclass(frozen=True)
class Needs:
    """The four reasons why a gap matters, each in [0, 1]: (V,) or (V, C)."""

    criticality: Floats
    dominance: Floats
    local_demand: Floats
    policy: Floats

    def weight(self, parameters: ModelParameters) -> Floats:
        """What the missing share of the node is multiplied by, in [.20, 1]."""
        return (
            parameters.base_weight
            + parameters.criticality_weight * self.criticality
            + parameters.dominance_weight * self.dominance
            + parameters.local_demand_weight * self.local_demand
            + parameters.policy_weight * self.policy
        )


def gap(strength: Floats, needs: Needs, parameters: ModelParameters) -> Floats:
    """Gap in points, 0..100."""
    return 100 * (1 - strength) * needs.weight(parameters)


CONTRIBUTIONS = ("base", "criticality", "dominance", "local_demand", "policy")


@dataclass(frozen=True)
class PrintedGap:
    """Contributions in points, in the order of CONTRIBUTIONS, and the gap, which is their sum to the last decimal."""

    contributions: tuple[Decimal, ...]

    @property
    def gap(self) -> Decimal:
        return sum(self.contributions, Decimal(0))


def printed_gaps(strength: Floats, needs: Needs, parameters: ModelParameters) -> list[PrintedGap]:
    """One for each node: every contribution rounded once, then added as decimals, so that the sum is exact."""
    missing = 100 * (1 - strength)
    terms: Iterable[Floats] = (
        missing * parameters.base_weight,
        missing * parameters.criticality_weight * needs.criticality,
        missing * parameters.dominance_weight * needs.dominance,
        missing * parameters.local_demand_weight * needs.local_demand,
        missing * parameters.policy_weight * needs.policy,
    )
    columns = [[Decimal(repr(round(value, PLACES))) for value in term.tolist()] for term in terms]
    return [PrintedGap(row) for row in zip(*columns, strict=True)]

