"""What the chain's outputs lose or gain when some strengths change: many what-ifs in blocks of columns.

Each column changes the strength of a few nodes and asks for the change of F = sum_T w_t y_t / sum_T w_t.
"""

from __future__ import annotations

import numpy as np

from chains.analysis.graph import Floats
from chains.analysis.spread import Changes, Spread, Wiring
from chains.analysis.sweep import Sweeper

# Nodes x columns of one block: 192 MB; fewer where a cycle may have to be swept whole, which takes five times as much.
MOST_CELLS, MOST_CELLS_WITH_CYCLES = 24_000_000, 4_000_000


class Outputs:
    """A state of the chain (its strengths and availability) and what changes of it do to its outputs."""

    def __init__(
        self, sweeper: Sweeper, wiring: Wiring, output_weight: Floats, strength: Floats, available: Floats
    ) -> None:
        """output_weight: (V,) w_t for t in T, 0 elsewhere, with a positive sum; strength, available: (V,)."""
        self.sweeper, self.wiring, self.strength, self.available = sweeper, wiring, strength, available
        self._targets = np.flatnonzero(output_weight)
        self._share = (output_weight[self._targets] / output_weight.sum())[:, None]
        self._useful = sweeper.graph.ancestors(self._targets)

    def change(self, changes: Changes) -> Floats:
        """(count,) change of F in each column."""
        result = np.zeros(changes.count)
        cells = MOST_CELLS_WITH_CYCLES if self.sweeper.has_cycle else MOST_CELLS
        width = max(1, min(changes.count, cells // max(len(self.strength), 1)))
        spread = Spread(self.wiring, self.sweeper, self.strength, self.available, self._useful, width)
        for low in range(0, changes.count, width):
            part = changes.between(low, min(low + width, changes.count))
            with spread.of(part) as available:
                moved = available[self._targets, : part.count] - self.available[self._targets, None]
            result[low : low + part.count] = (moved * self._share).sum(axis=0)
        return result
