"""More evidence never lowers a probability; nothing is ever NaN or out of range."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chains.analysis.placement import CompanyText, Product, place, scoring
from tests.analysis_placement.texts import EVERYTHING, NODES, probability

_PIECES = (
    "集成电路 芯片 芯片封装 封装测试 珠宝首饰 黄金 软件 维修 的研发 生产 销售 制造 批发 、 ， ； 。 （ ） ： 及 除 外 "
    "不含 许可 许可经营项目是： 一般项目： 依法须经批准 除外 国内贸易 LED IC 印刷 检测"
)
PIECES = st.sampled_from([*_PIECES.split(), "\n", " "])
TEXTS = st.one_of(
    st.lists(PIECES, max_size=14).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
SHARES = st.one_of(st.none(), st.floats(-2, 3, allow_nan=False))
COMPANIES = st.builds(
    CompanyText, st.just("c1"), TEXTS, st.sampled_from([None, "", "C", "C3973", "3973", "39", "5146"]), TEXTS,
    st.lists(st.builds(Product, TEXTS, SHARES), max_size=4).map(tuple),
)
ADDED = st.sampled_from([(node.node, word) for node in NODES for word in (node.name, *node.keywords)])
ENDINGS = st.sampled_from(["", "的研发、生产、销售", "销售", "制造"])


@settings(max_examples=300, deadline=None)
@given(COMPANIES, ADDED, ENDINGS)
def test_an_added_sentence_never_lowers_any_probability(
    company: CompanyText, added: tuple[str, str], ending: str
) -> None:
    more = replace(company, scope=f"{company.scope}；{added[1]}{ending}")
    before = {item.node: item.probability for item in place([company], NODES, parameters=EVERYTHING)}
    after = {item.node: item.probability for item in place([more], NODES, parameters=EVERYTHING)}
    assert all(after.get(node, 0.0) >= value for node, value in before.items())
    assert after[added[0]] >= before.get(added[0], 0.0)


@settings(max_examples=100, deadline=None)
@given(COMPANIES, ADDED, SHARES)
def test_an_added_product_never_lowers_any_probability(
    company: CompanyText, added: tuple[str, str], share: float | None
) -> None:
    more = replace(company, products=(*company.products, Product(added[1], share)))
    before = {item.node: item.probability for item in place([company], NODES, parameters=EVERYTHING)}
    after = {item.node: item.probability for item in place([more], NODES, parameters=EVERYTHING)}
    assert all(after.get(node, 0.0) >= value for node, value in before.items())


@settings(max_examples=200, deadline=None)
@given(COMPANIES)
def test_numbers_stay_in_range(company: CompanyText) -> None:
    found = place([company], NODES)
    for candidate in found:
        assert 0.15 <= candidate.probability <= 0.97
        assert 0 <= candidate.revenue_share <= 1
        assert all(math.isfinite(item.weight) and item.weight >= 0 for item in candidate.evidence)
    assert sum(candidate.revenue_share for candidate in found) <= 1 + 1e-9


def test_canary_an_average_instead_of_a_fading_sum_would_lower(monkeypatch: pytest.MonkeyPatch) -> None:
    def averaged(similar, fading):  # type: ignore[no-untyped-def]
        return [("similarity", where, text, amount / len(similar)) for (where, text), amount in similar.items()]

    monkeypatch.setattr(scoring, "_fading", averaged)
    company = CompanyText("c1", "甲", None, "集成电路制造", ())
    more = replace(company, scope="集成电路制造；电路销售")
    assert probability(more, "chip") < probability(company, "chip")


@settings(max_examples=200, deadline=None)
@given(COMPANIES)
def test_the_quick_bound_never_drops_a_candidate(company: CompanyText) -> None:
    wanted = {item.node: item.probability for item in place([company], NODES, parameters=EVERYTHING)}
    kept = {item.node for item in place([company], NODES, parameters=replace(EVERYTHING, threshold=0.15))}
    assert kept == {node for node, value in wanted.items() if value >= 0.15}
