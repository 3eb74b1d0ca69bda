"""Availability of every node by one sweep through the supply graph, many columns at a time.

    y_v = S_v * prod_g [ 1 - k_g (1 - max_{u in g} s_ug max(y_u, e_u)) ]

A column is one state of the chain: today's, a state without some node, a random draw. Values are (nodes x columns).

**Cycles.** The right side is monotone in y, so it has a greatest fixed point (Knaster-Tarski). Starting at y = S, which
is at least as large as its image, every update can only lower y, and it never falls below the greatest fixed point;
a bounded falling sequence converges, and since the right side is continuous it converges to a fixed point, hence to the
greatest. Any order of updates gives the same limit (chaotic iteration), so inside a cycle we update layer by layer and
use each new value at once. The same holds from any start that is known to be at least the answer and at least its own
image, such as the fixed point of a state whose S is nowhere lower (`start`).
Iteration stops when no value moves by more than TOLERANCE. A cycle of hard needs that lives on almost perfect
strengths loses value very slowly; the number of rounds is bounded, and a column cut off there is still an upper bound
and still monotone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from chains.analysis.graph import Bools, Floats, Ints, Order, SupplyGraph

TOLERANCE = 1e-15  # far below the printed places: shares of a small completeness magnify what is left
MOST_ROUNDS = 10_000
LEAST_ROUNDS = 200
ROUND_EDGES = 2_000_000  # rounds x edges of a cycle, so that a huge one cannot run for ever


class _Stage(NamedTuple):
    """Nodes [start, stop) of the program, which can be updated together; those with the most groups first.

    parts: (slot begins, low, high) into the program's edges. A slot is the j-th supply group of the stage's first nodes:
    its first part holds the first alternative of each such group, row for row; the others hold second, third…
    alternatives and say in `place` which rows have them.
    """

    start: int
    stop: int
    parts: list[tuple[bool, int, int]]


@dataclass(frozen=True)
class _Step:
    """Stages to run once, or, where `cyclic`, round after round until nothing moves."""

    cyclic: bool
    rounds: int
    stages: list[_Stage]


@dataclass(frozen=True)
class Program:
    """A sweep made ready for a set of nodes.

    nodes: (n,) the nodes it computes, in order of visit; outside: (m,) suppliers that it takes as given. A group's
    factor is 1 - k (1 - best) = slack + max over its alternatives of weight * reach, with slack 1 - k, weight k s and
    reach max(y, e).
    """

    nodes: Ints
    outside: Ints
    external: Floats  # (n + m, 1) e of nodes, then of outside
    supplier: Ints  # (edges,) row of each supplier among nodes, then outside
    weight: Floats  # (edges, 1)
    slack: Floats  # (edges, 1)
    place: Ints  # (edges,) row of the consumer in its stage
    steps: list[_Step]

    def run(self, strength: Floats, *, given: Floats | None = None, start: Floats | None = None) -> Floats:
        """(n, C) availability.

        strength: (n, C) S in the order of `nodes`. given: (m, 1) or (m, C) availability of `outside`. start: (n, 1) or
        (n, C), for nodes on cycles only: a state known to be at least the answer and its own image; S by default.
        """
        count, columns = len(self.nodes), strength.shape[1]
        available = strength.copy() if start is None else np.array(np.broadcast_to(start, strength.shape))
        reach = np.empty((count + len(self.outside), columns))
        np.maximum(available, self.external[:count], out=reach[:count])
        if given is not None:
            reach[count:] = np.maximum(given, self.external[count:])
        for step in self.steps:
            if step.cyclic:
                self._settle(step, strength, available, reach)
            else:
                for stage in step.stages:
                    self._update(stage, strength, available, reach)
        return available

    def _update(self, stage: _Stage, strength: Floats, available: Floats, reach: Floats) -> None:
        rows = slice(stage.start, stage.stop)
        value = available[rows]
        value[...] = strength[rows]
        best = value[:0]
        for begins, low, high in stage.parts:
            other = reach.take(self.supplier[low:high], axis=0)
            other *= self.weight[low:high]
            if begins:
                value[: len(best)] *= best
                best = other
                best += self.slack[low:high]
            else:
                other += self.slack[low:high]
                place = self.place[low:high]
                best[place] = np.maximum(best[place], other)
        value[: len(best)] *= best
        np.maximum(value, self.external[rows], out=reach[rows])

    def _settle(self, step: _Step, strength: Floats, available: Floats, reach: Floats) -> None:
        """Rounds until nothing moves; columns that have settled are set aside once they are the half."""
        rows = slice(step.stages[0].start, step.stages[-1].stop)
        going: Ints = np.arange(strength.shape[1])
        part = (strength, available, reach)
        for _ in range(step.rounds):
            before = part[1][rows].copy()
            for stage in step.stages:
                self._update(stage, *part)
            moving = np.abs(before - part[1][rows]).max(axis=0) > TOLERANCE
            left = int(moving.sum())
            if left == 0:
                break
            if 2 * left <= len(going):
                available[rows, going], reach[rows, going] = part[1][rows], part[2][rows]
                going = going[moving]
                part = (part[0][:, moving], part[1][:, moving], part[2][:, moving])
        available[rows, going], reach[rows, going] = part[1][rows], part[2][rows]


class Sweeper:
    """Programs for one supply graph: for the whole of it, or for some nodes with the rest held still."""

    def __init__(self, graph: SupplyGraph, order: Order) -> None:
        """Lay out nodes and edges in order of visit, so that a program for some nodes is a mask over these arrays."""
        self.graph = graph
        groups = np.bincount(graph.group_node, minlength=graph.node_count)
        keys = np.stack([order.level, order.cyclic.astype(np.int64), order.layer])
        _, stage = np.unique(keys, axis=1, return_inverse=True)
        # A step is one stage of acyclic nodes, or all stages of the cycles of one level.
        kinds, step = np.unique(keys[:2], axis=1, return_inverse=True)
        self.step_of: Ints = step.reshape(-1).astype(np.int64)
        self._step_is_cyclic = kinds[1].astype(bool)
        self.stage_of: Ints = stage.reshape(-1).astype(np.int64)
        self._cyclic = order.cyclic
        self._level = order.level
        self.stage_count = int(self.stage_of.max(initial=-1)) + 1
        self.visit: Ints = np.lexsort((-groups, self.stage_of))  # (V,) nodes in order of visit
        position = self._position = np.empty(graph.node_count, np.int64)
        position[self.visit] = np.arange(graph.node_count)
        slot = _rank(graph.group_node)[graph.edge_group]
        option = np.arange(len(graph.edge_group)) - graph.group_starts[graph.edge_group]
        consumer = graph.edge_consumer
        by = np.lexsort((position[consumer], option, slot, self.stage_of[consumer]))
        self._consumer, self._supplier = consumer[by], graph.edge_supplier[by]
        self._slot, self._option = slot[by], option[by]
        self._weight = (graph.edge_importance * graph.edge_substitution)[by][:, None]
        self._slack = (1 - graph.edge_importance)[by][:, None]

    @property
    def has_cycle(self) -> bool:
        return bool(self._step_is_cyclic.any())

    def step_is_cyclic(self, step: int) -> bool:
        return bool(self._step_is_cyclic[step])

    def in_order(self, nodes: Ints) -> Ints:
        """The nodes in order of visit: neighbours in a block of columns then share most of their way downstream."""
        return nodes[np.argsort(self._position[nodes])]

    def program(self, keep: Bools | None = None) -> Program:
        """A program for the nodes of a (V,) mask, or for all."""
        count = self.graph.node_count
        nodes = self.visit if keep is None else self.visit[keep[self.visit]]
        kept = slice(None) if keep is None else np.flatnonzero(keep[self._consumer])
        local = np.full(count, -1, np.int64)
        local[nodes] = np.arange(len(nodes))
        supplier = self._supplier[kept]
        outside: Ints = np.unique(supplier[local[supplier] < 0])
        local[outside] = len(nodes) + np.arange(len(outside))
        external = self.graph.external[np.concatenate([nodes, outside])][:, None]
        consumer = self._consumer[kept]
        stages = self.stage_of[nodes]
        first = np.searchsorted(stages, np.arange(self.stage_count))
        edge_stage = self.stage_of[consumer]
        parts = self._parts(edge_stage, self._slot[kept], self._option[kept])
        return Program(
            nodes=nodes, outside=outside, external=external, supplier=local[supplier],
            weight=self._weight[kept], slack=self._slack[kept], place=local[consumer] - first[edge_stage],
            steps=list(self._steps(nodes, parts)),
        )

    @staticmethod
    def _parts(stage: Ints, slot: Ints, option: Ints) -> dict[int, list[tuple[bool, int, int]]]:
        """Parts of each stage: the edges cut at every change of stage, slot or option."""
        change = (np.diff(stage) != 0) | (np.diff(slot) != 0) | (np.diff(option) != 0)
        low: Ints = np.concatenate([np.zeros(min(len(stage), 1), np.int64), np.flatnonzero(change) + 1])
        high = np.append(low[1:], len(stage))[: len(low)]
        parts: dict[int, list[tuple[bool, int, int]]] = defaultdict(list)
        listed = zip(stage[low].tolist(), (option[low] == 0).tolist(), low.tolist(), high.tolist(), strict=True)
        for number, begins, start, stop in listed:
            parts[number].append((begins, start, stop))
        return parts

    def _steps(self, nodes: Ints, parts: dict[int, list[tuple[bool, int, int]]]) -> Iterator[_Step]:
        stages = self.stage_of[nodes]
        low: Ints = np.concatenate([np.zeros(min(len(nodes), 1), np.int64), np.flatnonzero(np.diff(stages)) + 1])
        high = np.append(low[1:], len(nodes))[: len(low)]
        # Acyclic stages in a row make one step; so do the stages of the cycles of one level.
        group = np.where(self._cyclic[nodes[low]], self._level[nodes[low]], -1).tolist()
        made = [
            _Stage(start, stop, parts.get(number, []))
            for number, start, stop in zip(stages[low].tolist(), low.tolist(), high.tolist(), strict=True)
        ]
        for level, run in groupby(zip(group, made, strict=True), key=itemgetter(0)):
            listed = [stage for _, stage in run]
            yield _Step(level >= 0, _rounds(listed) if level >= 0 else 1, listed)


def _rounds(stages: list[_Stage]) -> int:
    edges = sum(high - low for stage in stages for _, low, high in stage.parts)
    return int(min(MOST_ROUNDS, max(LEAST_ROUNDS, ROUND_EDGES // max(edges, 1))))


def _rank(values: Ints) -> Ints:
    """How many equal values stand before each: [3, 5, 3, 3] gives [0, 0, 1, 2]."""
    by = np.argsort(values, kind="stable")
    ordered = values[by]
    first = np.searchsorted(ordered, ordered)
    rank = np.empty(len(values), np.int64)
    rank[by] = np.arange(len(values)) - first
    return rank
