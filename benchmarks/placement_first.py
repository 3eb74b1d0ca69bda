"""Measure the first placer on listed companies with a known industry node.

    python benchmarks/placement_first.py DATA_DIR [--fit]

DATA_DIR holds nodes.jsonl (node, name, parent) and train.jsonl (company, name, products[{name, revenue_share}], node).
Half of the companies (by hash of the company code) teach keywords and, with --fit, the logistic; the other half is
measured. Each company carries one label although it may truly stand at several nodes, so precision is a lower bound.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chains.analysis.placement import PLACER_1, Candidate, CompanyText, NodeText, PlacerParameters, Product, place
from chains.analysis.placement.text import scope_items

Row = dict[str, Any]
KEYWORDS_A_NODE = 20
BINS = (0.15, 0.25, 0.35, 0.5, 0.65, 0.8, 0.9, 0.98)


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def is_teaching(company: str) -> bool:
    return hashlib.sha256(company.encode()).digest()[0] % 2 == 0


def company_text(row: Row) -> CompanyText:
    products = tuple(Product(item["name"], item["revenue_share"]) for item in row["products"])
    return CompanyText(row["company"], row["name"], None, "", products)


def learn_keywords(rows: Iterable[Row]) -> dict[str, list[str]]:
    """Product words that many companies of a node and few of other nodes have: highest f_node^2 / f_all."""
    by_node: dict[str, Counter[str]] = defaultdict(Counter)
    overall: Counter[str] = Counter()
    for row in rows:
        words = {found.text for item in row["products"] for found in scope_items(item["name"]) if len(found.text) > 1}
        by_node[row["node"]].update(words)
        overall.update(words)
    learnt = {}
    for node, counts in by_node.items():
        ranked = sorted(counts, key=lambda word: (-(counts[word] ** 2) / overall[word], -counts[word], word))
        learnt[node] = ranked[:KEYWORDS_A_NODE]
    return learnt


def leaf_nodes(rows: Sequence[Row], keywords: Mapping[str, Sequence[str]]) -> list[NodeText]:
    parents = {row["parent"] for row in rows}
    return [
        NodeText(row["node"], row["name"], tuple(keywords.get(row["node"], ())), ())
        for row in rows
        if row["node"] not in parents
    ]


def recall(rows: Sequence[Row], candidates: Iterable[Candidate]) -> dict[int, float]:
    ranked: dict[str, list[str]] = defaultdict(list)
    for candidate in candidates:
        ranked[candidate.company].append(candidate.node)
    return {k: sum(row["node"] in ranked[row["company"]][:k] for row in rows) / len(rows) for k in (1, 5, 10)}


def reliability(rows: Sequence[Row], candidates: Sequence[Candidate]) -> list[str]:
    truth = {row["company"]: row["node"] for row in rows}
    lines = []
    for low, high in zip(BINS, BINS[1:], strict=False):
        own = [item for item in candidates if low <= item.probability < high]
        if own:
            said = sum(item.probability for item in own) / len(own)
            right = sum(truth[item.company] == item.node for item in own) / len(own)
            lines.append(f"    {low:.2f}-{high:.2f}  n={len(own):5d}  said {said:.3f}  labelled {right:.3f}")
    return lines


def points(candidate: Candidate, parameters: PlacerParameters) -> tuple[float, float]:
    """x_k and x_s of a candidate, read back from its evidence."""
    words = sum(item.weight for item in candidate.evidence if item.kind in ("keyword", "product"))
    similar = sum(item.weight for item in candidate.evidence if item.kind == "similarity")
    return words / parameters.keyword, similar / parameters.similarity


def fit(rows: Sequence[Row], nodes: Sequence[NodeText]) -> str:
    from sklearn.linear_model import LogisticRegression

    truth = {row["company"]: row["node"] for row in rows}
    found = place(map(company_text, rows), nodes, parameters=everything())
    features = np.array([points(item, PLACER_1) for item in found])
    labels = np.array([truth[item.company] == item.node for item in found])
    model = LogisticRegression(C=100.0).fit(features, labels)
    return f"intercept {model.intercept_[0]:.2f}  keyword {model.coef_[0, 0]:.2f}  similarity {model.coef_[0, 1]:.2f}"


def everything() -> PlacerParameters:
    return replace(PLACER_1, threshold=0.0, nodes_per_chain=10_000)


def measure(
    title: str, teaching: Sequence[Row], rows: Sequence[Row], nodes: Sequence[NodeText], *, fitting: bool
) -> None:
    started = time.perf_counter()
    companies = [company_text(row) for row in rows]
    ranks = recall(rows, place(companies, nodes, parameters=everything()))
    kept = place(companies, nodes)
    placed = len({item.company for item in kept})
    seconds = time.perf_counter() - started
    print(f"{title}: {len(rows)} companies x {len(nodes)} nodes, {seconds:.1f} s for two runs")
    print("    " + "  ".join(f"R@{k} {value:.3f}" for k, value in ranks.items()))
    print(f"    placed {placed} companies at {len(kept)} nodes, {len(rows) - placed} abstained")
    print("\n".join(reliability(rows, kept)))
    if fitting:
        print("    fit on the teaching half: " + fit(teaching, nodes))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--fit", action="store_true", help="also print a logistic fitted on the teaching half")
    options = parser.parse_args(arguments)
    rows = read(options.data / "train.jsonl")
    teaching = [row for row in rows if is_teaching(row["company"])]
    measured = [row for row in rows if not is_teaching(row["company"])]
    nodes = read(options.data / "nodes.jsonl")
    measure("node names only", teaching, measured, leaf_nodes(nodes, {}), fitting=options.fit)
    measure("keywords learnt", teaching, measured, leaf_nodes(nodes, learn_keywords(teaching)), fitting=options.fit)


if __name__ == "__main__":
    main()
