"""Node-to-node kernels: how much standing at u speaks for standing at v. Pure functions of the (C, V) placements.

A company's score at v is the sum of a kernel's column v over the nodes that the company stands at, so each score splits
into "because of u" by itself. All kernels are dense (V, V) float64: a district's chains have a few hundred nodes, and
5,000 nodes take 200 MB a kernel.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import solve
from scipy.sparse import csr_array, diags_array
from sklearn.feature_extraction.text import TfidfVectorizer

from chains.analysis.graph import Floats

NGRAMS = (1, 3)  # characters of a node's name: Chinese names share one or two telling characters, not words


def together(matrix: csr_array) -> Floats:
    """Number of companies at both nodes, without the diagonal."""
    return _off_diagonal((matrix.T @ matrix).toarray())


def ease(matrix: csr_array, penalty: float) -> Floats:
    """The linear autoencoder with no self-loops, in closed form: B = -P / diag(P), P = (X'X + penalty I)^-1.

    Source: Steck 2019, "Embarrassingly shallow autoencoders for sparse data".
    """
    gram = (matrix.T @ matrix).toarray()
    gram[np.diag_indices_from(gram)] += penalty
    inverse = np.linalg.inv(gram)
    return _off_diagonal(-inverse / np.diag(inverse))


def walk(matrix: csr_array, onwards: float) -> Floats:
    """Personalised PageRank from node to node by way of companies: (1 - a) (I - a M)^-1, M[u, v] = chance of one step.

    A walker at u picks one of its companies, then one of that company's nodes, and goes on with probability
    `onwards` (a, networkx's alpha counts single edges; this counts both of a step). Rows sum to 1, but for a node
    without companies, which leads nowhere.
    """
    of_company = _rows_to_one(matrix)
    of_node = _rows_to_one(matrix.T.tocsr())
    step = (of_node @ of_company).toarray()
    identity = np.eye(len(step))
    visits: Floats = solve(identity - onwards * step, (1 - onwards) * identity, overwrite_a=True)
    return visits


def cosine(matrix: csr_array) -> Floats:
    """|u and v| / (sqrt(|u| |v|) + 1): the 1 keeps a single shared company from making two nodes alike."""
    count = np.maximum(_at(matrix), 1)
    return np.asarray(together(matrix) / (np.sqrt(np.outer(count, count)) + 1))


def adamic_adar(matrix: csr_array) -> Floats:
    """Companies at both nodes, each weighed 1 / log(1 + its nodes): one that stands everywhere says little.

    Source: Adamic and Adar 2003, with companies in the place of common neighbours.
    """
    weight = 1 / np.log1p(np.maximum(matrix.sum(axis=1), 1))
    return _off_diagonal((matrix.T @ diags_array(weight) @ matrix).toarray())


def given(matrix: csr_array) -> Floats:
    """P(v | u): the share of the companies at u that are also at v."""
    return together(matrix) / np.maximum(_at(matrix), 1)[:, None]


def alike_by_name(nodes: Sequence[str]) -> Floats:
    """Cosine of the names' TF-IDF over runs of one to three characters, without the diagonal."""
    if not any(node.strip() for node in nodes):
        return np.zeros((len(nodes), len(nodes)))
    vectors = TfidfVectorizer(analyzer="char", ngram_range=NGRAMS).fit_transform(nodes)
    return _off_diagonal((vectors @ vectors.T).toarray())


def _at(matrix: csr_array) -> Floats:
    return np.asarray(matrix.sum(axis=0), dtype=float)


def _off_diagonal(square: Floats) -> Floats:
    np.fill_diagonal(square, 0)
    return square


def _rows_to_one(matrix: csr_array) -> csr_array:
    return diags_array(1 / np.maximum(matrix.sum(axis=1), 1)) @ matrix
