"""How fast the gap model is, against the same figures from plain Python over a networkx order, in one run.

    python -m benchmarks.gap_model                      2,000 nodes: program, plain Python, ratio
    python -m benchmarks.gap_model --large              10,000 nodes, 50,000 edges, several kinds of graph: program only

The plain one is written as one would write it: lists made ready once, networkx for the order, one sweep a state. It
leaves out the actions of the draws, dominance, relatedness and the worst company, so the ratio is on the low side.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from typing import Any

import networkx as nx

from chains.analysis.analysis import analyse
from chains.analysis.chainfile import parse_chain
from chains.analysis.parameters import MODEL_1

Doc = dict[str, Any]


def make_chain(nodes: int, edges: int, kind: str, seed: int = 1) -> Doc:
    """A random chain; two suppliers a group on average, companies at 80 % of the nodes, a project at 20 %.

    kind: dag (any earlier node supplies), local (one of the 200 before), band (one of the 5 before: thousands of levels),
    hard-cycle and soft-cycle (any node supplies any: one cycle through nearly all; hard: all needs are 1).
    """
    rng = random.Random(seed)
    hard = kind == "hard-cycle"
    reach = {"dag": nodes, "local": 200, "band": 5}.get(kind)
    supply, made = [], 0
    while made < edges:
        at = rng.randrange(1, nodes)
        options = []
        for _ in range(rng.randint(1, 3)):
            source = rng.randrange(max(0, at - reach), at) if reach else rng.randrange(nodes)
            if source != at:
                options.append({"node": f"n{source}", "substitution": 1.0 if hard else rng.uniform(0.5, 1)})
        if options:
            supply.append({"node": f"n{at}", "importance": 1.0 if hard else rng.uniform(0.2, 1), "alternatives": options})
            made += len(options)
    rows = [
        {
            "code": f"n{i}", "name": f"n{i}", "tier": "midstream", "target_capacity": rng.uniform(1, 10),
            "external_availability": 0.0 if hard else rng.choice([0.0, 0.0, 0.2, 0.5]), "policy_weight": 0.5,
            "is_output": rng.random() < 0.05 or i == nodes - 1,
        }
        for i in range(nodes)
    ]
    pairs = {(rng.randrange(nodes), i) for i in range(nodes) if rng.random() < 0.8 for _ in range(2)}
    placements = [
        {"company": f"c{c}", "node": f"n{i}", "probability": rng.uniform(0.2, 1), "size": rng.uniform(0.5, 8)}
        for c, i in sorted(pairs)
    ]
    pipeline = [
        {"project": f"p{i}", "node": f"n{rng.randrange(nodes)}", "capacity": rng.uniform(1, 8), "stage": "signed"}
        for i in range(nodes // 5)
    ]
    head = {"code": "bench", "name": kind, "as_of": "2026-11-23", "district_share": None}
    return {
        "format": "chain/1", "chain": head, "nodes": rows, "supply": supply, "placements": placements, "pipeline": pipeline,
    }


class Plain:
    """Gap, criticality, both variants and the draws in plain Python; acyclic chains only."""

    def __init__(self, doc: Doc) -> None:
        index = {row["code"]: i for i, row in enumerate(doc["nodes"])}
        self.size = len(index)
        self.external = [row["external_availability"] for row in doc["nodes"]]
        self.capacity = [row["target_capacity"] for row in doc["nodes"]]
        self.policy = [row["policy_weight"] for row in doc["nodes"]]
        self.outputs = [i for i, row in enumerate(doc["nodes"]) if row["is_output"]]
        self.groups: list[list[tuple[float, list[tuple[int, float]]]]] = [[] for _ in index]
        graph = nx.DiGraph()
        graph.add_nodes_from(range(self.size))
        for row in doc["supply"]:
            options = [(index[o["node"]], o["substitution"]) for o in row["alternatives"]]
            self.groups[index[row["node"]]].append((row["importance"], options))
            graph.add_edges_from((source, index[row["node"]]) for source, _ in options)
        self.order = list(nx.topological_sort(graph))
        self.placed: list[list[tuple[float, float]]] = [[] for _ in index]
        for row in doc["placements"]:
            self.placed[index[row["node"]]].append((row["probability"], row["size"]))
        self.coming: list[list[tuple[float, float]]] = [[] for _ in index]
        for row in doc["pipeline"]:
            stage = MODEL_1.stage_probabilities[row["stage"]]
            self.coming[index[row["node"]]].append((stage, row["capacity"]))

    def node(self, placed: list[list[tuple[float, float]]], coming: list[list[tuple[float, float]]]) -> list[list[float]]:
        """[masses, strengths, covered strengths]."""
        masses, strengths, covered = [], [], []
        for i in range(self.size):
            absent = 1.0
            brought = [p * x for p, x in placed[i]]
            for p, _ in placed[i]:
                absent *= 1 - p
            mass, target = sum(brought), self.capacity[i]
            rest = mass - max(brought) if len(brought) > 1 else 0.0
            s = (1 - absent) * (0.625 * min(1, mass / target) + 0.375 * min(1, rest / target))
            cover = min(1, sum(q * x for q, x in coming[i]) / target)
            masses.append(mass)
            strengths.append(s)
            covered.append(1 - (1 - s) * (1 - cover))
        return [masses, strengths, covered]

    def sweep(self, strength: list[float]) -> float:
        y, external = [0.0] * self.size, self.external
        for v in self.order:
            value = strength[v]
            for importance, options in self.groups[v]:
                best = 0.0
                for u, s in options:
                    reach = s * (y[u] if y[u] > external[u] else external[u])
                    best = max(best, reach)
                value *= 1 - importance * (1 - best)
            y[v] = value
        return sum(y[t] for t in self.outputs) / len(self.outputs)

    def criticality(self, strength: list[float]) -> list[float]:
        result = []
        for v, own in enumerate(strength):
            strength[v] = 1.0
            high = self.sweep(strength)
            strength[v] = 0.0
            result.append(high - self.sweep(strength))
            strength[v] = own
        return result

    def demand(self, masses: list[float]) -> list[float]:
        drawn = [0.0] * self.size
        for v, groups in enumerate(self.groups):
            for importance, options in groups:
                for u, s in dict(sorted(options, key=lambda option: option[1])).items():
                    drawn[u] += importance * s * masses[v]
        return [d / (d + target) for d, target in zip(drawn, self.capacity, strict=True)]

    def weights(self, critical: list[float], masses: list[float]) -> list[float]:
        """Everything in the brackets but dominance."""
        return [
            0.20 + 0.35 * b + 0.15 * q + 0.15 * o
            for b, q, o in zip(critical, self.demand(masses), self.policy, strict=True)
        ]

    def run(self) -> dict[str, list[float]]:
        masses, *variants = self.node(self.placed, self.coming)
        full = self.criticality([1.0] * self.size)
        found, weight = {}, []
        for name, strength in zip(("current", "with_pipeline"), variants, strict=True):
            critical = [(now + then) / 2 for now, then in zip(self.criticality(strength), full, strict=True)]
            found[name] = critical
            weight = self.weights(critical, masses)
        rng = random.Random(1)
        for _ in range(MODEL_1.draws):
            placed = [[(float(rng.random() < p), x) for p, x in row] for row in self.placed]
            coming = [[(float(rng.random() < q), x) for q, x in row] for row in self.coming]
            drawn, strength, covered = self.node(placed, coming)
            self.sweep(strength)
            self.sweep(covered)
            weight = self.weights(found["with_pipeline"], drawn)
            _ = [100 * (1 - s) * w for s, w in zip(covered, weight, strict=True)]
        return found


def compare(nodes: int, edges: int) -> int:
    doc = make_chain(nodes, edges, "dag")
    document = parse_chain(doc)
    start = time.perf_counter()
    result = analyse(document).to_dict()
    ours = time.perf_counter() - start
    start = time.perf_counter()
    plain = Plain(doc).run()
    theirs = time.perf_counter() - start
    worst = max(
        abs(row[name]["criticality"] - plain[name][i]) for i, row in enumerate(result["nodes"]) for name in plain
    )
    print(f"{nodes} nodes, {edges} edges, both variants, criticality, {MODEL_1.draws} draws")
    print(f"  program        {ours:8.2f} s")
    print(f"  plain Python   {theirs:8.2f} s")
    print(f"  ratio          {theirs / ours:8.1f}")
    print(f"  largest difference of a criticality {worst:.1e}")
    return 0 if worst <= 1e-9 else 1


def large(nodes: int, edges: int) -> int:
    print(f"{nodes} nodes, {edges} edges: seconds to check the file, to analyse, to print; peak memory so far")
    for kind in ("dag", "local", "hard-cycle", "band", "soft-cycle"):
        doc = make_chain(nodes, edges, kind)
        times = [time.perf_counter()]
        document = parse_chain(doc)
        times.append(time.perf_counter())
        analysis = analyse(document)
        times.append(time.perf_counter())
        analysis.to_dict()
        times.append(time.perf_counter())
        steps = "  ".join(f"{after - before:6.2f}" for before, after in zip(times, times[1:], strict=False))
        print(f"  {kind:12} {steps}   {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024:5d} MB", flush=True)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    return large(10_000, 50_000) if options.large else compare(2_000, 6_000)


if __name__ == "__main__":
    sys.exit(main())
