"""How well hidden placements are found again, beside the two methods that the field uses.

`evaluate` hides placements by `known.split`, ranks every node where an examined company is not seen, and reports where
the hidden one came. The penalty of EASE and the reach of the walk are chosen as the weights are learnt: on placements
hidden once more among those that may be seen, each baseline by the figure it is reported for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from chains.analysis.graph import Floats
from chains.analysis.ranking import kernels
from chains.analysis.ranking.evidence import EVIDENCE, Evidence
from chains.analysis.ranking.known import Pair, PlacementsError, known, split, without
from chains.analysis.ranking.learning import candidates, hidden_folds, learn

EASE_PENALTIES = (1.0, 5.0, 20.0, 100.0, 500.0)
WALKS_ONWARDS = (0.05, 0.2, 0.5, 0.7, 0.85)
RESAMPLES = 1000
Scores = Callable[[int], Floats]  # row of a company -> (V,)


@dataclass(frozen=True)
class Places:
    """Where the hidden nodes came: rank 1 is best, ties share their mean rank; `of` counts the nodes ranked. Each (N,)."""

    rank: Floats
    of: Floats

    @property
    def auc(self) -> Floats:
        """(N,) share of the other nodes ranked below the hidden one; one alone is ranked perfectly."""
        return 1 - (self.rank - 1) / np.maximum(self.of - 1, 1)

    def figures(self) -> dict[str, Floats]:
        """(N,) each, whose means are the reported figures."""
        within = {f"recall@{depth}": (self.rank <= depth).astype(float) for depth in (1, 5, 10)}
        return {**within, "mrr": 1 / self.rank, "auc": self.auc}


def place(matrix: csr_array, hidden: Iterable[tuple[int, int]], scores: Scores) -> Places:
    ranks, counts = [], []
    for row, column in hidden:
        score, free = scores(row), candidates(matrix, row)
        others = score[free]
        ranks.append(1 + (others > score[column]).sum() + ((others == score[column]).sum() - 1) / 2)
        counts.append(len(others))
    return Places(np.array(ranks, dtype=float), np.array(counts, dtype=float))


def evaluate(pairs: Iterable[Pair], *, seed: int = 0) -> dict[str, Any]:
    """The figures of the ranking and its baselines, and a paired bootstrap of their differences.

    Raises PlacementsError where no company can be examined.
    """
    pairs = list(pairs)
    parts = split(pairs)
    all_nodes = {node for _, node in pairs}
    if not parts.hidden:
        raise PlacementsError("没有可检验的企业：需要至少一家有两处挂链、且企业名 sha1 为偶数")
    seen = known(parts.seen, nodes=all_nodes)
    hidden = [seen.cell(company, node) for company, node in parts.hidden.items()]
    penalty, onwards = _tuned(seen.matrix, seed)
    names_alike = kernels.alike_by_name(seen.nodes)
    weights = learn(seen.matrix, names_alike, seed=seed)
    evidence = Evidence(seen.matrix, names_alike)
    places = {
        "ranking": place(seen.matrix, hidden, lambda number: weights.scores(evidence.of([number])[0])),
        "ease": place(seen.matrix, hidden, by_kernel(seen.matrix, kernels.ease(seen.matrix, penalty))),
        "ppr": place(seen.matrix, hidden, by_kernel(seen.matrix, kernels.walk(seen.matrix, onwards))),
    }
    return {
        "format": "ranking-evaluation/1",
        "companies": len(seen.companies), "nodes": len(seen.nodes), "placements": len(set(pairs)), "examined": len(hidden),
        **_means(places["ranking"]),
        "baselines": {
            "ease": {"penalty": penalty, **_means(places["ease"])},
            "ppr": {"onwards": onwards, **_means(places["ppr"])},
        },
        "difference": {name: bootstrap(places["ranking"], places[name], seed=seed) for name in ("ease", "ppr")},
        "weights": {name: round(float(weight), 4) for name, weight in zip(EVIDENCE, weights.weight, strict=True)},
    }


def by_kernel(matrix: csr_array, kernel: Floats) -> Scores:
    return lambda row: np.asarray(matrix[[row]] @ kernel)[0]


def bootstrap(one: Places, other: Places, *, seed: int = 0) -> dict[str, list[float]]:
    """95 % interval of each figure's difference, drawing companies (the same ones for both) with replacement."""
    draws = np.random.default_rng(seed).integers(len(one.rank), size=(RESAMPLES, len(one.rank)))
    ours, theirs = one.figures(), other.figures()
    return {
        name: [round(float(bound), 4) for bound in np.quantile((ours[name] - theirs[name])[draws].mean(axis=1), (0.025, 0.975))]
        for name in ours
    }


def _means(places: Places) -> dict[str, float]:
    return {name: round(float(figure.mean()), 4) for name, figure in places.figures().items()}


def _tuned(matrix: csr_array, seed: int) -> tuple[float, float]:
    """EASE's penalty by recall@10 and the walk's reach by AUC, on one placement hidden of each company with several."""
    hidden = next(hidden_folds(matrix, folds=1, seed=seed))
    if not hidden:
        return EASE_PENALTIES[1], WALKS_ONWARDS[1]
    seen = without(matrix, hidden)

    def best(options: Iterable[float], kernel: Callable[[csr_array, float], Floats], figure: str) -> float:
        reached: Mapping[float, float] = {
            option: _means(place(seen, hidden, by_kernel(seen, kernel(seen, option))))[figure] for option in options
        }
        return max(reached, key=lambda option: reached[option])

    return best(EASE_PENALTIES, kernels.ease, "recall@10"), best(WALKS_ONWARDS, kernels.walk, "auc")
