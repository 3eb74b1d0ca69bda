"""Status and action of each node. `clauses` words the clause that decided.

Status    空白 missing: P < .5 · 薄弱 weak: s < .5 · 优势 strong otherwise · flag 单点 fragile: R = 0
Action    补 fill: missing, and an output itself, or a present node or an output needs it through a group in which no
          alternative reaches s max(y, e) >= theta
          强 strengthen: present, and weak, fragile, or D >= .3
          延 extend: missing, needed by nobody in that sense, next to a present node (either direction of a supply
          link), with a relatedness above 0 and not below the chain's median
A group of importance 0 is no need, and an alternative of substitution 0 does not answer one. Decided on `current`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chains.analysis.arrays import ChainArrays
from chains.analysis.graph import Bools, Floats, SupplyGraph
from chains.analysis.parameters import ModelParameters
from chains.analysis.strength import NodeStrength

MISSING, WEAK, STRONG = "missing", "weak", "strong"
NONE, FILL, STRENGTHEN, EXTEND = range(4)
ACTIONS = ("none", "fill", "strengthen", "extend")
# 1 - .7 * .714… and .1 + .1 + .1 must meet the thresholds that they meet on paper.
TIE = 1e-12


def reaches(value: Floats, threshold: float | Floats) -> Bools:
    """value >= threshold, forgiving the last bits of a float."""
    return np.asarray(value >= threshold - TIE)


@dataclass(frozen=True)
class Evidence:
    """What the actions are decided on: (V, C) each, but reach (E, C), median (C,) and dominance (V,)."""

    presence: Floats
    strength: Floats
    n1_adequacy: Floats
    reach: Floats  # s max(y, e) of each alternative
    relatedness: Floats
    median: Floats
    dominance: Floats

    @classmethod
    def of(
        cls, node: NodeStrength, reach: Floats, relatedness: Floats, median: Floats, dominance: Floats
    ) -> Evidence:
        return cls(node.presence, node.strength, node.n1_adequacy, reach, relatedness, median, dominance)


def reach_of(graph: SupplyGraph, available: Floats) -> Floats:
    """(E, C) s max(y, e) of each alternative, from (V, C) availability."""
    reach = np.maximum(available, graph.external[:, None])[graph.edge_supplier]
    reach *= graph.edge_substitution[:, None]
    return reach


def best_of_groups(graph: SupplyGraph, reach: Floats) -> Floats:
    """(G, C) the best alternative of each group, from the (E, C) reach of all."""
    if not len(graph.group_node):
        return np.zeros((0, reach.shape[1]))
    return np.asarray(np.maximum.reduceat(reach, graph.group_starts, axis=0))


def statuses(presence: Floats, strength: Floats, parameters: ModelParameters) -> list[str]:
    """(V,) presence and strength to one status each."""
    present, strong = reaches(presence, parameters.presence_threshold), reaches(strength, parameters.weak_threshold)
    return [(STRONG if s else WEAK) if p else MISSING for p, s in zip(present.tolist(), strong.tolist(), strict=True)]


class Decision:
    """The action of every node in every column, (V, C), with what each rests on."""

    def __init__(self, chain: ChainArrays, evidence: Evidence, parameters: ModelParameters) -> None:
        self.chain, self.evidence, self.parameters = chain, evidence, parameters
        output = chain.nodes.is_output[:, None]
        self.present = reaches(evidence.presence, parameters.presence_threshold)
        self.weak = ~reaches(evidence.strength, parameters.weak_threshold)
        self.fragile = evidence.n1_adequacy == 0
        self.dominant = reaches(evidence.dominance, parameters.dominance_threshold)[:, None]
        self.best = best_of_groups(chain.graph, evidence.reach)
        self.open_group = self._open_groups(output)
        self.needed = self._needed() | output
        self.adjacent = self._adjacent()
        self.related = (evidence.relatedness > 0) & reaches(evidence.relatedness, evidence.median)
        self.action = self._action()

    def _open_groups(self, output: Bools) -> Bools:
        """(G, C) groups that nothing serves, of a node that is present or an output."""
        graph = self.chain.graph
        real = (graph.group_importance > 0)[:, None]
        return np.asarray(
            real & ~reaches(self.best, self.parameters.theta) & (self.present | output)[graph.group_node]
        )

    def _needed(self) -> Bools:
        """(V, C) whether the node is an alternative of an open group."""
        graph = self.chain.graph
        answers = np.flatnonzero(graph.edge_substitution > 0)
        by = answers[np.argsort(graph.edge_supplier[answers], kind="stable")]
        needed = np.zeros(self.present.shape, bool)
        if len(by):
            starts = np.flatnonzero(np.diff(graph.edge_supplier[by], prepend=-1))
            asked = np.logical_or.reduceat(self.open_group[graph.edge_group[by]], starts, axis=0)
            needed[graph.edge_supplier[by][starts]] = asked
        return needed

    def _adjacent(self) -> Bools:
        links = self.chain.graph.suppliers_first
        present = self.present.astype(float)
        return np.asarray((links @ present + links.T @ present) > 0)

    def _action(self) -> NDArray[np.int8]:
        missing = ~self.present
        action = np.full(self.present.shape, NONE, np.int8)
        action[missing & self.needed] = FILL
        action[self.present & (self.weak | self.fragile | self.dominant)] = STRENGTHEN
        action[missing & ~self.needed & self.adjacent & self.related] = EXTEND
        return action
