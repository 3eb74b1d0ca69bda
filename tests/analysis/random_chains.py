"""Random chain files: seeded ones for the brute-force comparison, Hypothesis ones for the promises."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st

from chains.analysis.parameters import MODEL_1

Doc = dict[str, Any]
STAGES = sorted(MODEL_1.stage_probabilities)
TIERS = ("upstream", "midstream", "downstream")


def chain(nodes: list[Doc], **parts: Any) -> Doc:
    head = {"code": "test", "name": "测试链", "as_of": "2026-11-23", "district_share": parts.pop("share", None)}
    return {"format": "chain/1", "chain": head, "nodes": nodes, **parts}


def node(code: str, **values: Any) -> Doc:
    return {"code": code, "name": f"环节{code}", "tier": "midstream", "target_capacity": 10.0, **values}


def group(code: str, *suppliers: str, importance: float = 1.0, substitution: float = 1.0) -> Doc:
    options = [{"node": supplier, "substitution": substitution} for supplier in suppliers]
    return {"node": code, "importance": importance, "alternatives": options}


def placed(company: str, code: str, probability: float = 1.0, size: float = 10.0, **values: Any) -> Doc:
    return {"company": company, "node": code, "probability": probability, "size": size, **values}


def project(code: str, at: str, capacity: float = 10.0, stage: str = "signed") -> Doc:
    return {"project": code, "node": at, "capacity": capacity, "stage": stage}


def seeded(seed: int, most_nodes: int = 30) -> Doc:
    """Up to 30 nodes; two in three may have cycles; hard, soft and external supply mixed."""
    rng = random.Random(seed)
    count = rng.randint(1, most_nodes)
    codes = [f"n{number}" for number in range(count)]
    share = lambda *fixed: rng.choice([*fixed, round(rng.random(), 3)])  # noqa: E731
    nodes = [
        node(
            code, tier=rng.choice(TIERS), weight=rng.choice([0.0, 1.0, 1.0, 2.5]), target_capacity=rng.uniform(1, 20),
            national_mass=rng.choice([None, rng.uniform(100, 9000)]), external_availability=share(0.0, 0.0),
            policy_weight=share(0.0), is_output=rng.random() < 0.2,
        )
        for code in codes
    ]
    supply = []
    cyclic = seed % 3 != 0
    for _ in range(rng.randint(0, 2 * count)):
        at = rng.randrange(count)
        sources = [n for n in range(count) if n != at] if cyclic else list(range(at))
        if sources:
            options = [
                {"node": codes[rng.choice(sources)], "substitution": share(1.0, 1.0)} for _ in range(rng.randint(1, 3))
            ]
            supply.append({"node": codes[at], "importance": share(1.0, 1.0), "alternatives": options})
    pairs = {(rng.randrange(max(2, count)), rng.randrange(count)) for _ in range(rng.randint(0, 3 * count))}
    placements = [
        placed(
            f"c{company}", codes[at], share(1.0, 0.0), rng.uniform(0, 15), revenue_share=share(1.0),
            operating=rng.random() < 0.9,
        )
        for company, at in sorted(pairs)
    ]
    pipeline = [
        project(f"p{number}", rng.choice(codes), rng.uniform(0, 12), rng.choice(STAGES))
        for number in range(rng.randint(0, count))
    ]
    return chain(nodes, supply=supply, placements=placements, pipeline=pipeline, share=rng.choice([None, 0.002]))


# Hypothesis: shares on a grid of hundredths keep a cycle's strengths away from 1 - epsilon, where both the program and the
# oracle would stop an unfinished iteration at different places.
shares = st.integers(0, 100).map(lambda number: number / 100)
amounts = st.integers(0, 400).map(lambda number: number / 20)


@st.composite
def chains(draw: st.DrawFn, least_nodes: int = 1, most_nodes: int = 8) -> Doc:
    count = draw(st.integers(least_nodes, most_nodes))
    codes = [f"n{number}" for number in range(count)]
    anyone = st.sampled_from(codes)
    nodes = [
        node(
            code, weight=draw(st.sampled_from([1.0, 0.5, 0.0])), target_capacity=draw(amounts) + 0.5,
            external_availability=draw(shares), policy_weight=draw(shares), is_output=draw(st.booleans()),
            national_mass=draw(st.sampled_from([None, 800.0])),
        )
        for code in codes
    ]
    supply = []
    for at in draw(st.lists(anyone, max_size=2 * count)):
        others = [code for code in codes if code != at]
        if others:
            options = draw(st.lists(st.tuples(st.sampled_from(others), shares), min_size=1, max_size=3))
            rows = [{"node": code, "substitution": value} for code, value in options]
            supply.append({"node": at, "importance": draw(shares), "alternatives": rows})
    pairs = draw(st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d"]), anyone), max_size=2 * count, unique=True))
    placements = [
        placed(f"company-{c}", at, draw(shares), draw(amounts), revenue_share=draw(shares)) for c, at in pairs
    ]
    pipeline = [
        project(f"p{number}", at, draw(amounts), draw(st.sampled_from(STAGES)))
        for number, at in enumerate(draw(st.lists(anyone, max_size=3)))
    ]
    share = draw(st.sampled_from([None, 0.002]))
    return chain(nodes, supply=supply, placements=placements, pipeline=pipeline, share=share)
