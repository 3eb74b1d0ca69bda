"""Every number against a second, naive implementation on random AND/OR graphs, cycles included."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from chains.analysis.analysis import analyse
from chains.analysis.chainfile import parse_chain
from tests.analysis.gap_oracle import Oracle
from tests.analysis.random_chains import chains, seeded

NEAR = 1e-9
TIE = 5e-10  # companies that leave the same share behind: the smaller code is the worst
OWN = (
    "mass", "presence", "adequacy", "n1_adequacy", "specialisation", "strength", "pipeline", "covered_strength",
)


def differences(doc: dict[str, Any], result: dict[str, Any]) -> list[str]:
    """Names of all figures in which the analysis departs from the oracle."""
    expected = Oracle(doc).analyse()
    bad = []

    def check(name: str, found: float | None, wanted: float | None) -> None:
        if (found is None) != (wanted is None) or (found is not None and abs(found - wanted) > NEAR):
            bad.append(f"{name}: {found} != {wanted}")

    check("coverage", result["chain"]["coverage"], expected["coverage"])
    for row in result["nodes"]:
        code = row["code"]
        for key in OWN:
            check(f"{code}.{key}", row[key], expected["own"][code][key])
        check(f"{code}.criticality_full", row["criticality_full"], expected["full"][code])
        check(f"{code}.dominance", row["dominance"], expected["dominance"][code])
        check(f"{code}.local_demand", row["local_demand"], expected["demand"][code])
        check(f"{code}.relatedness", row["relatedness"], expected["relatedness"][code])
        if row["action"] != expected["action"][code]:
            bad.append(f"{code}.action: {row['action']} != {expected['action'][code]}")
        for variant in ("current", "with_pipeline"):
            for key in ("availability", "criticality_now", "criticality", "gap"):
                check(f"{code}.{variant}.{key}", row[variant][key], expected[variant][key][code])
    for variant in ("current", "with_pipeline"):
        found, wanted = result["chain"][variant], expected[variant]
        check(f"{variant}.completeness", found["completeness"], wanted["completeness"])
        check(f"{variant}.resilience", found["resilience"], wanted["resilience"])
        left = wanted["remaining"]
        worst = min((company for company in left if left[company] <= min(left.values()) + TIE), default=None)
        check(f"{variant}.remaining", found["worst_company"]["remaining"], left[worst] if worst else None)
        if found["worst_company"]["company"] != worst:
            bad.append(f"{variant}.worst: {found['worst_company']} != {worst}")
    return bad


@pytest.mark.no_cover  # the examples of hypothesis below measure the same lines
@pytest.mark.parametrize("batch", range(10))
def test_five_hundred_seeded_chains(batch: int) -> None:
    for seed in range(50 * batch, 50 * batch + 50):
        doc = seeded(seed)
        assert differences(doc, analyse(parse_chain(doc)).to_dict()) == [], f"seed {seed}"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chains())
def test_chains_that_hypothesis_finds(doc: dict[str, Any]) -> None:
    assert differences(doc, analyse(parse_chain(doc)).to_dict()) == []


def test_canary_a_moved_figure_is_found() -> None:
    doc = seeded(4)
    result = analyse(parse_chain(doc)).to_dict()
    result["nodes"][0]["current"]["gap"] += 1e-6
    assert differences(doc, result)
