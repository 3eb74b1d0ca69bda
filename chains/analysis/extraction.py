"""What the chain's outputs lose or gain when some strengths change: many what-ifs in blocks of columns.

Each column changes the strength of a few nodes and asks for the change of F = sum_T w_t y_t / sum_T w_t. Only nodes
downstream of a changed one, through nodes that have any strength at all, can move, and only those that lead to an
output matter. A block of columns sweeps just these, some stages at a time: what did not move in one stretch (because
another alternative was the better one, or e was) starts nothing in the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.sparse import csr_array

from chains.analysis.graph import Bools, Floats, Ints, SupplyGraph, reachable
from chains.analysis.sweep import Program, Sweeper

COLUMNS, MOST_COLUMNS = 256, 2048
STAGE_CELLS = 8192  # wanted nodes x columns of one stage
MOST_CELLS = 8_000_000  # nodes x columns of one block; with its working copies about 250 MB
STRETCH = 24  # stages of the first stretch beyond the changed nodes; each further one is twice as long
UNMOVED = 1e-15  # a change no larger than the rounding of the figures themselves


@dataclass(frozen=True)
class Changes:
    """Changed strengths: cell i sets strength[node[i]] = value[i] in column[i]; `column` never decreases.

    All of one Changes go the same way: either none raises a strength or none lowers one.
    """

    count: int  # columns, those without any cell included
    column: Ints
    node: Ints
    value: Floats

    @classmethod
    def one_node_each(cls, nodes: Ints, value: float) -> Self:
        """Column i sets the strength of nodes[i]."""
        return cls(len(nodes), np.arange(len(nodes)), nodes, np.full(len(nodes), value))

    def between(self, low: int, high: int) -> Changes:
        cells = slice(*np.searchsorted(self.column, [low, high]))
        return Changes(high - low, self.column[cells] - low, self.node[cells], self.value[cells])


class Outputs:
    """A state of the chain (its strengths and availability) and what changes of it do to its outputs."""

    def __init__(self, sweeper: Sweeper, output_weight: Floats, strength: Floats, available: Floats) -> None:
        """output_weight: (V,) w_t for t in T, 0 elsewhere, with a positive sum; strength, available: (V,)."""
        graph = sweeper.graph
        self.sweeper, self.strength, self.available = sweeper, strength, available
        self._share = output_weight / output_weight.sum()
        self._useful = graph.ancestors(np.flatnonzero(output_weight > 0))
        self._alive = _alive_links(graph, strength > 0)

    def change(self, changes: Changes) -> Floats:
        """(count,) change of F in each column."""
        result = np.zeros(changes.count)
        size = max(len(self.strength), 1)
        # Where stages are narrow, wider blocks, so that a step of the sweep still has something to do.
        wanted = int(np.clip(STAGE_CELLS * self.sweeper.stage_count // size, COLUMNS, MOST_COLUMNS))
        width = max(1, min(wanted, MOST_CELLS // size))
        for low in range(0, changes.count, width):
            high = min(low + width, changes.count)
            result[low:high] = _Block(self, changes.between(low, high)).run()
        return result

    def downstream(self, nodes: Ints) -> Bools:
        """(V,) the nodes that can move when these do, these included, as far as they lead to an output."""
        return reachable(self._alive, nodes) & self._useful

    def consumers(self, nodes: Ints) -> Ints:
        """Nodes with some strength that draw directly on any of these."""
        return np.unique(self._alive[nodes].indices).astype(np.int64)

    def share_of(self, nodes: Ints) -> Floats:
        return self._share[nodes]


class _Block:
    """Some columns of changes on their way through the graph."""

    def __init__(self, outputs: Outputs, changes: Changes) -> None:
        self._outputs, self._changes = outputs, changes
        self._rising = bool((changes.value > outputs.strength[changes.node]).any())
        self._total = np.zeros(changes.count)
        # What moved so far: node → row of `_moved`, its availability, which grows by one part a stretch.
        self._row = np.full(len(outputs.strength), -1, np.int64)
        self._moved = np.empty((0, changes.count))
        self._highest = outputs.available
        if self._rising:
            self._raised = outputs.strength.copy()
            np.maximum.at(self._raised, changes.node, changes.value)
            self._highest = outputs.available.copy()

    def run(self) -> Floats:
        """(columns,) change of F."""
        sweeper = self._outputs.sweeper
        sources: Ints = np.unique(self._changes.node)
        for high in self._stretches(sweeper.stage_of[sources]):
            moving = self._outputs.downstream(sources)
            if not moving.any():
                break
            program = sweeper.program(moving & (sweeper.stage_of < high))
            if len(program.nodes):
                self._advance(program)
            sources = self._outputs.consumers(np.flatnonzero(self._row >= 0))
            sources = sources[sweeper.stage_of[sources] >= high]
        return self._total

    def _stretches(self, stages: Ints) -> Iterator[int]:
        """Where each stretch ends: the first a little beyond the last changed node, then ever longer ones."""
        count, length = self._outputs.sweeper.stage_count, STRETCH
        high = int(stages.max(initial=0)) + 1
        while True:
            high = self._outputs.sweeper.whole_cycles(min(high + length, count))
            yield high
            if high >= count:
                return
            length *= 2

    def _advance(self, program: Program) -> None:
        """Compute the program's nodes; keep those that moved in any column."""
        outputs, nodes = self._outputs, program.nodes
        present = outputs.available[nodes][:, None]
        start = present if program.has_cycle else None
        if program.has_cycle and self._rising:
            start = self._raise(program)
            if np.abs(start - present).max() <= UNMOVED:
                return
        available = program.run(self._strength(nodes), given=self._given(program.outside), start=start)
        change = available - present
        rows = np.flatnonzero(np.abs(change).max(axis=1) > UNMOVED)
        self._row[nodes[rows]] = len(self._moved) + np.arange(len(rows))
        self._moved = np.concatenate([self._moved, available[rows]])
        share = outputs.share_of(nodes[rows])
        sold = np.flatnonzero(share)
        self._total += (share[sold, None] * change[rows[sold]]).sum(axis=0)

    def _strength(self, nodes: Ints) -> Floats:
        strength = np.repeat(self._outputs.strength[nodes][:, None], self._changes.count, axis=1)
        local = np.full(len(self._row), -1, np.int64)
        local[nodes] = np.arange(len(nodes))
        row = local[self._changes.node]
        seen = row >= 0
        strength[row[seen], self._changes.column[seen]] = self._changes.value[seen]
        return strength

    def _given(self, outside: Ints) -> Floats:
        """(m, columns) availability of suppliers computed in an earlier stretch, or never moved."""
        given = np.repeat(self._outputs.available[outside][:, None], self._changes.count, axis=1)
        row = self._row[outside]
        given[row >= 0] = self._moved[row[row >= 0]]
        return given

    def _raise(self, program: Program) -> Floats:
        """(n, 1) availability with all of the block's nodes raised at once: above every column, so cycles may start
        there on their way down.
        """
        given = self._highest[program.outside][:, None]
        highest = program.run(self._raised[program.nodes][:, None], given=given)
        self._highest[program.nodes] = highest[:, 0]
        return highest


def _alive_links(graph: SupplyGraph, alive: Bools) -> csr_array:
    """Edges along which a change can travel: those into nodes with some strength; the others stay at 0."""
    kept = alive[graph.edge_consumer]
    ends = (graph.edge_supplier[kept], graph.edge_consumer[kept])
    links = csr_array((np.ones(int(kept.sum())), ends), shape=(graph.node_count, graph.node_count))
    links.sum_duplicates()
    return links
