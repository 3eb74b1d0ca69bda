"""How close a node's know-how is to what the district already does.

    phi_uv = min(P(u|v), P(v|u)),  omega_v = sum_{u present} phi_uv / sum_u phi_uv,  u != v

P(u|v) is the share of the companies at v that are also at u. Placements are probabilities, so the counts are expected
ones: C_uv = sum_c p_cu p_cv and C_v = sum_c p_cv over operating companies; then phi_uv = C_uv / max(C_u, C_v).
Source: Hidalgo, Klinger, Barabasi and Hausmann 2007, with companies in the place of countries.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from chains.analysis.arrays import Placements
from chains.analysis.graph import Bools, Floats


def proximity(placements: Placements, size: int) -> csr_array:
    """(V, V) phi, symmetric, with an empty diagonal."""
    cells = (placements.probability, (placements.company, placements.node))
    matrix = csr_array(cells, shape=(len(placements.companies), size))
    together = (matrix.T @ matrix).tocoo()
    apart = (together.row != together.col) & (together.data > 0)
    row, column, count = together.row[apart], together.col[apart], together.data[apart]
    expected = np.zeros(size)
    np.add.at(expected, placements.node, placements.probability)
    return csr_array((count / np.maximum(expected[row], expected[column]), (row, column)), shape=(size, size))


def relatedness(phi: csr_array, present: Bools) -> Floats:
    """(V, C) omega for (V, C) presence; NaN where the node shares no company with any other."""
    whole = phi.sum(axis=1)[:, None]
    return np.where(whole > 0, (phi @ present.astype(float)) / np.where(whole > 0, whole, 1), np.nan)


def median_of_defined(omega: Floats) -> Floats:
    """(C,) median over the nodes whose omega is defined, which are the same in every column; NaN where none is."""
    defined = ~np.isnan(omega[:, 0])
    if not defined.any():
        return np.full(omega.shape[1], np.nan)
    return np.median(omega[defined], axis=0)
