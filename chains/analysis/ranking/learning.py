"""How much each piece of evidence weighs, learnt from the placements themselves.

One placement of a company is hidden and must be found again among all the nodes where the company does not stand. The
weights maximise the likelihood of that choice (conditional logit, McFadden 1974), so a score is a sum of contributions
and only differences of scores mean anything. The hidden placements are hidden from the evidence too: kernels are made
anew for each fold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_array

from chains.analysis.graph import Bools, Floats, Ints
from chains.analysis.ranking.evidence import EVIDENCE, Evidence
from chains.analysis.ranking.known import without

FOLDS = 3
CASES_A_FOLD = 400  # more change the fifth digit of a weight and take minutes on a map of thousands of companies
RIDGE = 1e-3
BLOCK = 64  # companies whose figures are held at a time


@dataclass(frozen=True)
class Weights:
    """For standardised evidence: score = sum_e weight_e (x_e - mean_e) / scale_e. Each is (E,)."""

    weight: Floats
    mean: Floats
    scale: Floats

    def contributions(self, figures: Floats) -> Floats:
        """(…, E) what each piece of evidence adds; their sum over the last axis is the score."""
        return (figures - self.mean) / self.scale * self.weight

    def scores(self, figures: Floats) -> Floats:
        return np.asarray(self.contributions(figures).sum(axis=-1))


def learn(matrix: csr_array, names_alike: Floats, *, seed: int = 0) -> Weights:
    """Weights from every company with two placements or more. Without any such company nothing weighs anything."""
    cases = [case for fold in _folds(matrix, seed) for case in _cases(matrix, names_alike, fold)]
    if not cases:
        return Weights(np.zeros(len(EVIDENCE)), np.zeros(len(EVIDENCE)), np.ones(len(EVIDENCE)))
    choices = Choices.of(cases)
    mean, scale = choices.figures.mean(axis=0), choices.figures.std(axis=0) + 1e-9
    choices.figures[:] = (choices.figures - mean) / scale
    found = minimize(choices.loss, np.zeros(len(EVIDENCE)), jac=True, method="L-BFGS-B")
    return Weights(found.x, mean, scale)


@dataclass(frozen=True)
class Choices:
    """All cases end to end: `figures` (N, E), where each case starts (K,), and which row is the hidden placement (K,)."""

    figures: Floats
    start: Ints
    answer: Ints

    @classmethod
    def of(cls, cases: Sequence[tuple[Floats, int]]) -> Choices:
        start = np.cumsum([0, *(len(figures) for figures, _ in cases[:-1])])
        return cls(np.concatenate([figures for figures, _ in cases]), start, start + [answer for _, answer in cases])

    def loss(self, weight: Floats) -> tuple[float, Floats]:
        """Mean negative log-likelihood with a small ridge, and its gradient."""
        size = np.diff(np.append(self.start, len(self.figures)))
        score = self.figures @ weight
        score -= np.repeat(np.maximum.reduceat(score, self.start), size)
        odds = np.exp(score)
        total = np.add.reduceat(odds, self.start)
        loss = float((np.log(total) - score[self.answer]).mean()) + RIDGE * float(weight @ weight)
        expected = (odds / np.repeat(total, size)) @ self.figures / len(self.start)
        return loss, expected - self.figures[self.answer].mean(axis=0) + 2 * RIDGE * weight


def candidates(matrix: csr_array, row: int) -> Bools:
    """(V,) the nodes where the company of this row does not stand yet."""
    free = np.ones(matrix.shape[1], dtype=bool)
    free[matrix.indices[matrix.indptr[row]:matrix.indptr[row + 1]]] = False
    return free


def hidden_folds(matrix: csr_array, *, folds: int, seed: int) -> Iterator[list[tuple[int, int]]]:
    """One placement of every company with several, dealt into folds: (row, column) each."""
    random = np.random.default_rng(seed)
    several = np.flatnonzero(np.diff(matrix.indptr) > 1)
    random.shuffle(several)
    for number in range(folds):
        rows = several[number::folds]
        yield [(int(row), int(random.choice(matrix.indices[matrix.indptr[row]:matrix.indptr[row + 1]]))) for row in rows]


def _folds(matrix: csr_array, seed: int) -> Iterator[list[tuple[int, int]]]:
    random = np.random.default_rng(seed)
    for hidden in hidden_folds(matrix, folds=FOLDS, seed=seed):
        if len(hidden) > CASES_A_FOLD:
            chosen = random.choice(len(hidden), CASES_A_FOLD, replace=False)
            hidden = [hidden[number] for number in sorted(chosen)]
        yield hidden


def _cases(matrix: csr_array, names_alike: Floats, hidden: list[tuple[int, int]]) -> Iterator[tuple[Floats, int]]:
    """The figures of each company's candidates, and which of them is the hidden one."""
    seen = without(matrix, hidden)
    evidence = Evidence(seen, names_alike)
    for start in range(0, len(hidden), BLOCK):
        block = hidden[start:start + BLOCK]
        for (row, column), figures in zip(block, evidence.of([row for row, _ in block]), strict=True):
            free = candidates(seen, row)
            yield figures[free], int(free[:column].sum())
