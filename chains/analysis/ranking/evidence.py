"""What speaks for a company at a node: sixteen figures, each from the placements or the node names alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from chains.analysis.graph import Floats
from chains.analysis.ranking import kernels

EVIDENCE = (
    "walk_near", "walk_far", "walk_widest", "regression_root", "regression", "regression_stiff", "cosine", "shared_companies",
    "any_of_its_nodes", "name_nearest", "name_mean", "by_way_of_names", "companies_there", "met_before", "name_nearest_squared",
    "reachable",
)
CERTAIN = 0.99  # a conditional share of 1 would count as proof in a noisy-or
FARTHEST = 1e-9  # below it a walker has in truth not come: what is left is the solver's rounding
ALIKE = 0.25  # node names less alike than this share a common character, no meaning


class Evidence:
    """The kernels of one set of placements, made once; then the figures of any companies by row of the matrix.

    `names_alike` is (V, V), from `kernels.alike_by_name`: it does not depend on the placements, so it is shared by
    all sets with the same nodes.
    """

    def __init__(self, matrix: csr_array, names_alike: Floats) -> None:
        self.matrix = matrix
        self.names = names_alike
        self.walks = [kernels.walk(matrix, onwards) for onwards in (0.7, 0.2, 0.05)]
        self.regressions = [kernels.ease(matrix, penalty) for penalty in (5.0, 100.0)]
        self.cosine = kernels.cosine(matrix)
        self.shared = kernels.adamic_adar(matrix)
        given = kernels.given(matrix)
        self.doubt = -np.log1p(-np.minimum(given, CERTAIN))
        self.by_way_of_names = np.where(names_alike > ALIKE, names_alike, 0) @ given
        self.there = np.log1p(np.asarray(matrix.sum(axis=0), dtype=float))

    def of(self, rows: Sequence[int]) -> Floats:
        """(R, V, E) figures in the order of EVIDENCE, not yet standardised."""
        at = self.matrix[list(rows)]
        near, far, widest = (at @ walk / _count(at) for walk in self.walks)
        loose, stiff = (at @ regression for regression in self.regressions)
        shared, nearest = at @ self.shared, np.stack([self._nearest_name(row) for row in rows])
        figures = (
            np.log(near + 1e-6), np.log(far + 1e-6), np.log(widest + 1e-5),
            np.sqrt(np.maximum(loose, 0)), loose, stiff, np.sqrt(at @ self.cosine), np.log1p(shared),
            np.log1p(at @ self.doubt), nearest, at @ self.names / _count(at), np.log1p(at @ self.by_way_of_names),
            np.broadcast_to(self.there, shared.shape), shared > 0, nearest**2, near > FARTHEST,
        )
        return np.stack([np.asarray(figure, dtype=float) for figure in figures], axis=-1)

    def _nearest_name(self, row: int) -> Floats:
        at = self.matrix.indices[self.matrix.indptr[row]:self.matrix.indptr[row + 1]]
        return self.names[at].max(axis=0) if len(at) else np.zeros(self.names.shape[1])


def _count(at: csr_array) -> Floats:
    return np.asarray(np.maximum(at.sum(axis=1), 1), dtype=float)[:, None]
