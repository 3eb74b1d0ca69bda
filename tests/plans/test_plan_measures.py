"""The arithmetic of the plan and the traps in its figures: figures from the fixtures, expectations worked by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plans.measures import (
    Direction,
    Share,
    State,
    direction_of,
    format_figure,
    may_be_drawn_as_parts,
    progress,
    remainder,
    value_implied,
)
from plans.parsing import parse_figure
from tests.plans.luohu_files import column, rows

D = Decimal
percent = st.decimals(min_value=0, max_value=100, places=2)


@pytest.mark.parametrize(
    ("baseline", "target", "current", "share", "state"),
    [
        ("2375.28", "3300", "2837.64", "50", State.UNDER_WAY),
        ("85", "150", "85", "0", State.UNDER_WAY),
        ("85", "150", "150", "100", State.MET),
        ("85", "150", "176", "140", State.MET),
        ("85", "150", "72", "-20", State.AWAY),
    ],
)
def test_rising_progress(baseline: str, target: str, current: str, share: str, state: State) -> None:
    result = progress(baseline=D(baseline), target=D(target), current=D(current))
    assert (result.share, result.state) == (D(share), state)
    assert result.holds is (state == State.MET)


def test_falling_progress_counts_downwards() -> None:
    going = progress(baseline=D("39.4"), target=D("36.4"), current=D("37.9"), direction=Direction.FALL)
    assert (going.share, going.state, str(going)) == (D(50), State.UNDER_WAY, "50%")
    away = progress(baseline=D("39.4"), target=D("36.4"), current=D("40"), direction=Direction.FALL)
    assert (away.share, away.state) == (D(-20), State.AWAY)
    met = progress(baseline=D("39.4"), target=D("36.4"), current=D("36.1"), direction=Direction.FALL)
    assert (met.share, met.state) == (D(110), State.MET)


@given(baseline=percent, target=percent, current=percent)
def test_falling_is_the_mirror_of_rising(baseline: Decimal, target: Decimal, current: Decimal) -> None:
    falling = progress(baseline=baseline, target=target, current=current, direction=Direction.FALL)
    mirrored = progress(baseline=100 - baseline, target=100 - target, current=100 - current)
    assert falling == mirrored


@given(baseline=percent, target=percent, current=percent, better=percent)
def test_more_never_lowers_rising_progress(
    baseline: Decimal, target: Decimal, current: Decimal, better: Decimal
) -> None:
    low, high = sorted([current, better])
    first = progress(baseline=baseline, target=target, current=low)
    second = progress(baseline=baseline, target=target, current=high)
    if first.share is not None and second.share is not None:
        assert first.share <= second.share
    assert not (first.holds and not second.holds)


def test_over_is_stricter_than_reaching() -> None:
    over = progress(baseline=D(50), target=D(100), current=D(100), comparator=">")
    assert (over.share, over.state, over.holds) == (D(100), State.UNDER_WAY, False)
    assert progress(baseline=D(50), target=D(100), current=D(100), comparator=">=").state == State.MET
    assert progress(baseline=D(100), target=D(100), current=D(101), comparator=">").share is None


def test_nothing_measured_yet_is_a_dash() -> None:
    result = progress(baseline=D(1), target=D(2), current=None)
    assert (result.state, str(result), result.holds) == (State.NO_CURRENT, "—", None)


def test_figures_are_shown_as_printed() -> None:
    assert [format_figure(value) for value in (D("36.4000"), D("1600.0000"), D("1E+3"), D(0), None)] == [
        "36.4", "1600", "1000", "0", "—",
    ]


# The traps of the plan


def test_trap_modern_services_target_lies_below_its_2020_value() -> None:
    """75 < 76.3: dividing by the way from 76.3 to 75 would call a loss of 0.65 points half of the task done."""
    row = next(row for row in rows("chain_targets.csv") if row["code"] == "modern-services-of-tertiary")
    baseline, target = D(row["baseline"]), D(row["target_low"])
    assert (baseline, target, row["direction"]) == (D("76.3"), D("75"), "rise")
    assert "低于" in row["note"]
    assert column("context.csv", "key", "value")["modern-services-of-tertiary"] == baseline
    slipped = progress(baseline=baseline, target=target, current=D("75.65"))
    assert (slipped.state, slipped.share, str(slipped), slipped.holds) == (State.PASSED_AT_BASELINE, None, "—", True)
    assert progress(baseline=baseline, target=target, current=D("74.9")).holds is False
    canary = progress(baseline=baseline, target=target, current=D("75.65"), direction=direction_of(baseline, target))
    assert canary.share == 50  # what the figures alone would have said


def test_trap_finance_share_falls_while_its_value_rises() -> None:
    table = {row["name"]: row for row in rows("indicators.csv")}
    gdp, finance = table["地区生产总值"], table["金融业增加值占GDP比重"]
    before = value_implied(share=D(finance["baseline_2020"]), whole=D(gdp["baseline_2020"]))
    after = value_implied(share=D(finance["target_2025"]), whole=D(gdp["target_2025"]))
    assert (before.quantize(D("0.01")), after) == (D("935.86"), D("1201.20"))
    assert D(finance["target_2025"]) < D(finance["baseline_2020"])
    assert after > before
    reported = column("context.csv", "key", "value")["finance-value-added"]
    assert reported == D("936.86")
    assert abs(before - reported) <= D("0.05") / 100 * D(gdp["baseline_2020"])  # the share is rounded to one decimal
    details = {row["name"]: row for row in rows("indicator_details.csv")}
    assert [name for name, row in details.items() if row["direction"] == "fall"] == ["金融业增加值占GDP比重"]
    assert "增加值却上升" in details["金融业增加值占GDP比重"]["note"]


def test_trap_digital_economy_has_no_2020_value() -> None:
    row = next(row for row in rows("indicators.csv") if row["name"] == "数字经济核心产业增加值占GDP比重")
    assert row["baseline_2020"] == "--"
    result = progress(baseline=parse_figure(row["baseline_2020"]), target=D(row["target_2025"]), current=D("15.2"))
    assert (result.state, str(result), result.holds) == (State.NO_BASELINE, "—", True)
    without = [row["name"] for row in rows("indicators.csv") if parse_figure(row["baseline_2020"]) is None]
    assert without == ["数字经济核心产业增加值占GDP比重"]


def _table1_shares(year: str) -> list[Share]:
    figures = {row["name"]: parse_figure(row[year]) for row in rows("indicators.csv")}
    return [
        Share(row["name"], figures[row["name"]], row["share_of"])
        for row in rows("indicator_details.csv") if row["share_of"] == "value-added/gdp"
    ]


def test_trap_table1_shares_are_never_a_pie() -> None:
    """15 + 36.4 + 19.7 + 20 + 7.6 + 10 + 3.5 = 112.2."""
    targets = _table1_shares("target_2025")
    assert len(targets) == 7
    verdict = may_be_drawn_as_parts(targets)
    assert not verdict
    assert verdict.total == D("112.2")
    assert "112.2%" in verdict.reason
    assert "重叠" in verdict.reason
    baseline = may_be_drawn_as_parts(_table1_shares("baseline_2020"))
    assert not baseline
    assert "数字经济核心产业增加值占GDP比重" in baseline.reason
    known = [share for share in _table1_shares("baseline_2020") if share.value is not None]
    verdict = may_be_drawn_as_parts(known)
    assert (bool(verdict), verdict.total) == (False, D("88.5"))  # below 100, and still not known to be disjoint


def test_what_may_be_drawn_as_parts() -> None:
    sectors = {"三产": D("96.6"), "二产": D("3.4")}
    parts = [Share(name, value, "value-added/gdp", "三次产业") for name, value in sectors.items()]
    assert may_be_drawn_as_parts(parts)
    assert not may_be_drawn_as_parts([])
    assert not may_be_drawn_as_parts([*parts, Share("金融", D(1), "value-added/gdp", "")])
    assert not may_be_drawn_as_parts([parts[0], Share("二产", D("3.4"), "value-added/output", "三次产业")])
    assert not may_be_drawn_as_parts([*parts, Share("一产", D("0.6"), "value-added/gdp", "三次产业")])


def test_trap_business_services_20_but_its_parts_18() -> None:
    targets = column("chain_targets.csv", "code", "target_low")
    parts = [targets[f"{name}-services-share"] for name in ("commercial", "software", "research")]
    assert parts == [8, 7, 3]
    assert remainder(whole=targets["business-services-share-section"], parts=parts) == 2


def test_trap_cluster_value_added_is_132_of_330() -> None:
    """Only clusters with a target in value added count: 智能终端 states revenue, 软件 floor space, 区块链 nothing."""
    clusters = {row["code"] for row in rows("chains.csv") if row["group"] == "八大新兴集群"}
    assert len(clusters) == 8
    parts = {
        row["chain"]: D(row["target_low"])
        for row in rows("chain_targets.csv") if row["chain"] in clusters and row["name"].endswith("增加值")
    }
    assert parts == {
        "new-material": 20, "safety-environment": 25, "health": 12, "digital-creative": 30, "modern-fashion": 45,
    }
    table = column("indicators.csv", "name", "target_2025")
    whole = value_implied(share=table["战略性新兴产业增加值占GDP比重"], whole=table["地区生产总值"])
    assert (sum(parts.values()), whole, remainder(whole=whole, parts=parts.values())) == (132, 330, 198)


def test_trap_seven_new_taxpayers_are_35_less_28() -> None:
    row = next(row for row in rows("indicators.csv") if row["name"] == "区级财政贡献超过5000万的企业")
    new = column("chain_targets.csv", "code", "target_low")["new-leading-taxpayers"]
    assert (new, D(row["target_2025"]) - D(row["baseline_2020"])) == (7, 7)


@pytest.mark.parametrize(
    ("share", "value"),
    [
        ("黄金珠宝增加值占GDP比重", "gold-jewellery-value-added"),
        ("文化及相关产业增加值占GDP比重", "culture-value-added"),
    ],
)
def test_value_targets_agree_with_their_shares(share: str, value: str) -> None:
    table, targets = column("indicators.csv", "name", "target_2025"), column("chain_targets.csv", "code", "target_low")
    implied = value_implied(share=table[share], whole=table["地区生产总值"])
    assert abs(implied - targets[value]) <= D("0.05") / 100 * table["地区生产总值"]
