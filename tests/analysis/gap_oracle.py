"""The gap model written a second time, naively, from its definition: dicts, loops and networkx, one state at a time.

Shares nothing with chains.analysis but the parameters. Slow on purpose; the benchmark measures the program against it.
"""

from __future__ import annotations

import math
import statistics
from typing import Any

import networkx as nx

from chains.analysis.parameters import MODEL_1 as M

Doc = dict[str, Any]
State = dict[str, float]
TIE = 1e-12


class Oracle:
    def __init__(self, doc: Doc) -> None:
        self.doc = doc
        self.nodes = {row["code"]: row for row in doc["nodes"]}
        self.groups: dict[str, list[Doc]] = {code: [] for code in self.nodes}
        for group in doc.get("supply", []):
            self.groups[group["node"]].append(group)
        self.outputs = {c: r.get("weight", 1.0) for c, r in self.nodes.items() if r.get("is_output")}
        self.whole = sum(self.outputs.values())
        self.graph = nx.DiGraph()
        self.graph.add_nodes_from(self.nodes)
        for code, groups in self.groups.items():
            self.graph.add_edges_from((o["node"], code) for g in groups for o in g["alternatives"])
        condensed = nx.condensation(self.graph)
        self.parts = [sorted(condensed.nodes[c]["members"]) for c in nx.topological_sort(condensed)]

    # One node by itself

    def at(self, code: str, without: str | None = None) -> list[Doc]:
        return [
            row for row in self.doc.get("placements", [])
            if row["node"] == code and row.get("operating", True) and row["company"] != without
        ]

    def node(self, code: str, without: str | None = None) -> State:
        row, rows = self.nodes[code], self.at(code, without)
        brought = [p["probability"] * p.get("revenue_share", 1.0) * p["size"] for p in rows]
        mass, target = sum(brought), row["target_capacity"]
        presence = 1 - math.prod(1 - p["probability"] for p in rows)
        adequacy = min(1, mass / target)
        spared = max(0, min(1, (mass - max(brought, default=0)) / target)) if len(brought) > 1 else 0.0
        nation, share = row.get("national_mass"), self.doc["chain"].get("district_share")
        special = None
        if nation and share:
            quotient = (mass / nation) / share
            special = quotient / (1 + quotient)
            strength = presence * (0.5 * adequacy + 0.2 * special + 0.3 * spared)
        else:
            strength = presence * (0.625 * adequacy + 0.375 * spared)
        arriving = sum(
            M.stage_probabilities[p["stage"]] * p["capacity"] for p in self.doc.get("pipeline", []) if p["node"] == code
        )
        cover = min(1, arriving / target)
        return {
            "mass": mass, "presence": presence, "adequacy": adequacy, "n1_adequacy": spared, "specialisation": special,
            "strength": strength, "pipeline": cover, "covered_strength": 1 - (1 - strength) * (1 - cover),
        }

    # The chain in one state

    def factor(self, code: str, y: State) -> float:
        product = 1.0
        for group in self.groups[code]:
            best = max(
                o.get("substitution", 1.0) * max(y[o["node"]], self.nodes[o["node"]].get("external_availability", 0.0))
                for o in group["alternatives"]
            )
            product *= 1 - group.get("importance", 1.0) * (1 - best)
        return product

    def available(self, strength: State) -> State:
        y = dict(strength)
        for part in self.parts:
            for _ in range(100_000):
                new = {code: strength[code] * self.factor(code, y) for code in part}
                moved = max(abs(new[code] - y[code]) for code in part)
                y.update(new)
                if len(part) == 1 or moved < 1e-14:
                    break
        return y

    def completeness(self, strength: State) -> float:
        y = self.available(strength)
        return sum(w * y[t] for t, w in self.outputs.items()) / self.whole

    # The whole judgement

    def variant(self, key: str, own: dict[str, State], full: State) -> Doc:
        strength = {code: own[code][key] for code in self.nodes}
        y = self.available(strength)
        now, lost = dict.fromkeys(self.nodes, 0.0), dict.fromkeys(self.nodes, 0.0)
        whole = self.completeness(strength) if self.whole else None
        whole = 0.0 if whole is not None and round(whole, 10) == 0 else whole
        if self.whole:
            for code in self.nodes:
                absent = self.completeness({**strength, code: 0.0})
                now[code] = self.completeness({**strength, code: 1.0}) - absent
                lost[code] = (whole or 0.0) - absent
        weights = {c: r.get("weight", 1.0) for c, r in self.nodes.items()}
        resilience = None
        if whole and sum(weights.values()):
            resilience = 1 - sum(weights[c] * lost[c] / whole for c in self.nodes) / sum(weights.values())
        return {
            "strength": strength, "availability": y, "completeness": whole, "criticality_now": now,
            "criticality": {c: (now[c] + full[c]) / 2 for c in self.nodes}, "resilience": resilience,
            "remaining": self.remaining(key, own, whole) if whole else {},
        }

    def remaining(self, key: str, own: dict[str, State], whole: float) -> State:
        companies = sorted({p["company"] for p in self.doc.get("placements", []) if p.get("operating", True)})
        left = {}
        for company in companies:
            sits = {p["node"] for p in self.doc["placements"] if p["company"] == company}
            strength = {c: self.node(c, company)[key] if c in sits else own[c][key] for c in self.nodes}
            left[company] = self.completeness(strength) / whole
        return left

    def dominance(self) -> State:
        """By definition: take v out and see which outputs can still be reached from the root."""
        root = object()
        graph = self.graph.copy()
        for part in self.parts:
            fed = any(u not in part for v in part for u in self.graph.predecessors(v))
            if not fed:
                graph.add_edges_from((root, v) for v in part)
        result = {}
        for code in self.nodes:
            rest = graph.copy()
            rest.remove_node(code)
            reached = nx.descendants(rest, root)
            lost = sum(w for t, w in self.outputs.items() if t != code and t not in reached)
            result[code] = lost / self.whole if self.whole else 0.0
        return result

    def demand(self, own: dict[str, State]) -> State:
        drawn = dict.fromkeys(self.nodes, 0.0)
        for code, groups in self.groups.items():
            for group in groups:
                best: State = {}
                for o in group["alternatives"]:
                    best[o["node"]] = max(best.get(o["node"], 0.0), o.get("substitution", 1.0))
                for supplier, s in best.items():
                    drawn[supplier] += group.get("importance", 1.0) * s * own[code]["mass"]
        return {c: d / (d + self.nodes[c]["target_capacity"]) for c, d in drawn.items()}

    def relatedness(self, own: dict[str, State]) -> dict[str, float | None]:
        chance: dict[str, State] = {}
        for code in self.nodes:
            for p in self.at(code):
                chance.setdefault(p["company"], {})[code] = p["probability"]
        count = {c: sum(row.get(c, 0.0) for row in chance.values()) for c in self.nodes}
        result: dict[str, float | None] = {}
        for v in self.nodes:
            phi = {}
            for u in self.nodes:
                both = sum(row.get(u, 0.0) * row.get(v, 0.0) for row in chance.values())
                if u != v and both > 0:
                    phi[u] = min(both / count[v], both / count[u])
            whole = sum(phi.values())
            near = sum(value for u, value in phi.items() if own[u]["presence"] >= M.presence_threshold - TIE)
            result[v] = near / whole if whole else None
        return result

    def action(self, code: str, own: dict[str, State], y: State, facts: Doc) -> str:
        present = {c: own[c]["presence"] >= M.presence_threshold - TIE for c in self.nodes}
        if present[code]:
            weak = own[code]["strength"] < M.weak_threshold - TIE
            dominant = facts["dominance"][code] >= M.dominance_threshold - TIE
            return "strengthen" if weak or own[code]["n1_adequacy"] == 0 or dominant else "none"
        needed = code in self.outputs or self.nodes[code].get("is_output", False)
        for user, groups in self.groups.items():
            for g in groups:
                asked = any(o["node"] == code and o.get("substitution", 1.0) > 0 for o in g["alternatives"])
                best = max(
                    o.get("substitution", 1.0)
                    * max(y[o["node"]], self.nodes[o["node"]].get("external_availability", 0.0))
                    for o in g["alternatives"]
                )
                user_counts = present[user] or self.nodes[user].get("is_output", False)
                if asked and user_counts and g.get("importance", 1.0) > 0 and best < M.theta - TIE:
                    needed = True
        if needed:
            return "fill"
        beside = set(self.graph.successors(code)) | set(self.graph.predecessors(code))
        omega = facts["relatedness"][code]
        defined = [value for value in facts["relatedness"].values() if value is not None]
        if any(present[c] for c in beside) and omega and omega >= statistics.median(defined) - TIE:
            return "extend"
        return "none"

    def analyse(self) -> Doc:
        own = {code: self.node(code) for code in self.nodes}
        full = dict.fromkeys(self.nodes, 0.0)
        ones = dict.fromkeys(self.nodes, 1.0)
        if self.whole:
            best = self.completeness(ones)
            full = {code: best - self.completeness({**ones, code: 0.0}) for code in self.nodes}
        facts: Doc = {"dominance": self.dominance(), "relatedness": self.relatedness(own)}
        facts |= {"demand": self.demand(own), "full": full, "own": own}
        for name, key in (("current", "strength"), ("with_pipeline", "covered_strength")):
            found = self.variant(key, own, full)
            found["gap"] = {
                c: 100 * (1 - found["strength"][c]) * (
                    0.20 + 0.35 * found["criticality"][c] + 0.15 * facts["dominance"][c] + 0.15 * facts["demand"][c]
                    + 0.15 * self.nodes[c].get("policy_weight", 0.0)
                )
                for c in self.nodes
            }
            facts[name] = found
        facts["action"] = {c: self.action(c, own, facts["current"]["availability"], facts) for c in self.nodes}
        weights = {c: r.get("weight", 1.0) for c, r in self.nodes.items()}
        there = sum(w for c, w in weights.items() if own[c]["presence"] >= M.presence_threshold - TIE)
        facts["coverage"] = there / sum(weights.values()) if sum(weights.values()) else None
        return facts
