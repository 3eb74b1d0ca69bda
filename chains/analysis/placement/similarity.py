"""Soft evidence: cosine between an item of text and a node's words, over character 1- to 3-grams."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from chains.analysis.placement.matching import terms
from chains.analysis.placement.parameters import PlacerParameters
from chains.analysis.placement.records import NodeText
from chains.analysis.placement.text import fold

_ROWS = 2048


def _grams(words: str | Sequence[str]) -> list[str]:
    words = (words,) if isinstance(words, str) else words
    return [word[i : i + n] for word in words for n in (1, 2, 3) for i in range(len(word) - n + 1)]


class SimilarityIndex:
    """TF-IDF (1 + log tf, smoothed idf over the chain's nodes), fitted on nodes only.

    Fitting on nodes keeps a company's result free of its neighbours in the batch. Grams that no node has count in an
    item's length with the highest idf: a text mostly about other things is not similar.
    """

    def __init__(self, nodes: Sequence[NodeText], parameters: PlacerParameters) -> None:
        # Here and not above: it takes 70 MB, which a web process or a sync would hold without ever placing a company.
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._parameters = parameters
        self._vectorizer = TfidfVectorizer(analyzer=_grams, norm=None, sublinear_tf=True, dtype=np.float64)
        matrix = self._vectorizer.fit_transform([terms(node) or [fold(node.name)] for node in nodes])
        self._highest = float(self._vectorizer.idf_.max())
        self._nodes = sparse.csr_matrix(_scale_rows(matrix, _square_sums(matrix)).T)

    def find(self, texts: Sequence[str]) -> list[list[tuple[int, float]]]:
        """For each text the nodes most like it as (node number, cosine - floor > 0), best first, at most similar_nodes.

        Works in blocks of rows, so that memory grows with block x nodes and not with texts x nodes.
        """
        found: list[list[tuple[int, float]]] = []
        for start in range(0, len(texts), _ROWS):
            found += self._block(texts[start : start + _ROWS])
        return found

    def _block(self, texts: Sequence[str]) -> list[list[tuple[int, float]]]:
        matrix = self._vectorizer.transform(texts)
        grams = np.array([len(set(_grams(text))) for text in texts])
        unknown = np.maximum(grams - np.diff(matrix.indptr), 0)
        products = (_scale_rows(matrix, _square_sums(matrix) + unknown * self._highest**2) @ self._nodes).tocsr()
        floor, most = self._parameters.similarity_floor, self._parameters.similar_nodes
        found = []
        for left, right in zip(products.indptr[:-1], products.indptr[1:], strict=True):
            cosines = products.data[left:right]
            strong = np.flatnonzero(cosines > floor)
            row = zip(products.indices[left:right][strong].tolist(), (cosines[strong] - floor).tolist(), strict=True)
            found.append(sorted(row, key=lambda pair: (-pair[1], pair[0]))[:most])
        return found


def _square_sums(matrix: sparse.csr_matrix) -> np.ndarray:
    return np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()


def _scale_rows(matrix: sparse.csr_matrix, squares: np.ndarray) -> sparse.csr_matrix:
    lengths = np.sqrt(np.where(squares > 0, squares, 1.0))
    return sparse.csr_matrix(sparse.diags(1 / lengths) @ matrix)
