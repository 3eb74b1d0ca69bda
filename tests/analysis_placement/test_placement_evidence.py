"""What counts as evidence, and how much."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from chains.analysis.placement import PLACER_1, Candidate, NodeText, place
from chains.analysis.placement import text as text_module
from tests.analysis_placement.texts import (
    CHIP,
    EVERYTHING,
    JEWELLERY,
    NODES,
    PACKAGING,
    company,
    placed,
    probability,
    words,
)

BOILERPLATE = (
    "一般经营项目是：国内贸易（不含专营、专卖、专控商品）；货物及技术进出口；经营进出口业务；信息咨询服务（不含限制项目）；"
    "投资兴办实业（具体项目另行申报）；技术开发、技术咨询、技术转让（除依法须经批准的项目外，凭营业执照依法自主开展经营活动）"
)


def test_a_maker_is_placed_with_its_reasons() -> None:
    found = placed(company("集成电路的研发、生产；国内贸易", industry="C3973"))
    assert set(found) == {"chip"}
    assert found["chip"].probability > 0.6
    assert {(item.kind, item.where) for item in found["chip"].evidence} >= {
        ("keyword", "scope"), ("industry", "industry_code"), ("similarity", "scope"),
    }


def test_a_company_may_stand_at_several_nodes() -> None:
    assert set(placed(company("集成电路制造；管理软件的开发", industry="3973"))) >= {"chip", "software"}


def test_evidence_weights_add_up_to_the_log_odds() -> None:
    candidate = placed(company("集成电路制造；芯片设计", industry="3973", products={"芯片": 0.2}))["chip"]
    odds = math.log(candidate.probability / (1 - candidate.probability))
    assert odds == pytest.approx(PLACER_1.intercept + sum(item.weight for item in candidate.evidence), abs=1e-4)
    weights = [item.weight for item in candidate.evidence]
    assert weights == sorted(weights, reverse=True)
    assert ("product", "products") in {(item.kind, item.where) for item in candidate.evidence}


def test_thin_evidence_abstains() -> None:
    assert placed(company("电子产品", industry="C39")) == {}
    assert placed(company("", industry="C3973")) == {}, "a code alone is not enough"


@pytest.mark.parametrize("code", ["C", "abc", "C-3973", "39733", ""])
def test_a_section_letter_or_a_malformed_code_says_nothing(code: str) -> None:
    assert placed(company("", industry=code), parameters=EVERYTHING) == {}


def test_longer_code_prefixes_count_more() -> None:
    levels = [probability(company("集成电路", industry=code), "chip") for code in (None, "C39", "397", "3979", "C3973")]
    assert levels[0] < levels[1] < levels[2] == levels[3] < levels[4]


def test_a_code_that_many_nodes_share_counts_less() -> None:
    shared = [CHIP, PACKAGING, *(replace(node, industry_codes=("3973",)) for node in (JEWELLERY,))]
    alone = [CHIP, replace(PACKAGING, industry_codes=()), JEWELLERY]
    text = company("集成电路制造", industry="3973")
    assert probability(text, "chip", shared) < probability(text, "chip", alone)


# Keywords


def test_the_longest_match_wins() -> None:
    found = placed(company("芯片封装的生产"), parameters=EVERYTHING)
    assert words(found["packaging"]) == {"芯片封装"}
    assert words(found["chip"]) == set(), "芯片 stands only inside 芯片封装"
    assert words(placed(company("芯片封装、芯片的生产"), parameters=EVERYTHING)["chip"]) == {"芯片"}


def test_a_keyword_of_many_nodes_counts_less() -> None:
    shared = [replace(node, keywords=(*node.keywords, "功率器件")) for node in NODES]
    alone = [replace(CHIP, keywords=("集成电路", "功率器件")), *NODES[1:]]
    text = company("功率器件制造")
    assert probability(text, "chip", shared) < probability(text, "chip", alone)


def test_saying_a_word_often_is_not_more_evidence() -> None:
    once = placed(company("集成电路制造"), parameters=EVERYTHING)["chip"]
    often = placed(company("集成电路制造；集成电路制造；集成电路制造"), parameters=EVERYTHING)["chip"]
    assert often.evidence == once.evidence


def test_name_counts_most_and_first_items_more_than_later_ones() -> None:
    fillers = "；".join(f"杂项{letter}" for letter in "甲乙丙丁")
    named = probability(company(name="深圳市甲集成电路有限公司"), "chip")
    first = probability(company(f"集成电路；{fillers}"), "chip")
    last = probability(company(f"{fillers}；集成电路"), "chip")
    assert named > first > last > 0


def test_licensed_business_behind_general_business_counts_as_said_last() -> None:
    general = probability(company("一般经营项目是：集成电路"), "chip")
    licensed = probability(company("一般经营项目是：乐器，许可经营项目是：集成电路"), "chip")
    alone = probability(company("许可经营项目是：集成电路"), "chip")
    assert licensed < general == alone


def test_a_product_counts_by_its_revenue_share() -> None:
    amounts = [probability(company(products={"集成电路": share}), "chip") for share in (0.1, 0.4, 0.9)]
    assert amounts[0] < amounts[1] < amounts[2]
    assert probability(company(products={"集成电路": None}), "chip") > 0
    negative = placed(company(products={"集成电路": -0.5}), parameters=EVERYTHING)["chip"]
    assert negative.evidence == (), "an elimination line is no business"
    assert probability(company(products={"集成电路": 3.0}), "chip") == probability(
        company(products={"集成电路": 1.0}), "chip"
    )


def test_latin_words_match_whole_and_single_characters_alone() -> None:
    nodes = [NodeText("ic", "IC", (), ()), NodeText("copper", "铜", (), ())]
    assert words(placed(company("BASIC培训"), nodes, EVERYTHING).get("ic") or _nothing()) == set()
    assert words(placed(company("ＩＣ 载板"), nodes, EVERYTHING)["ic"]) == {"ic"}
    assert words(placed(company("铜的加工；青铜器"), nodes, EVERYTHING).get("copper") or _nothing()) == set()
    assert words(placed(company(products={"铜": 0.6}), nodes, EVERYTHING)["copper"], "product") == {"铜"}


def _nothing() -> Candidate:
    return Candidate("c1", "none", 0.0, 0.0, ())


def test_a_verb_shared_by_a_list_completes_a_keyword() -> None:
    assert words(placed(company("黄金、铂金的批发与零售"))["wholesale"]) == {"黄金批发"}


def test_negative_keywords_silence_their_item_only() -> None:
    nodes = [replace(CHIP, negative_keywords=("芯片级维修", "")), *NODES[1:]]
    assert placed(company("芯片级维修", industry="3973"), nodes) == {}
    assert probability(company("芯片级维修"), "chip", nodes) == 0
    assert placed(company("芯片级维修"), NODES, EVERYTHING)["chip"], "canary: without the negative keyword it speaks"
    assert probability(company("芯片级维修；芯片制造"), "chip", nodes) > 0
    silenced = [replace(nodes[3], negative_keywords=("铂金",))]
    assert words(placed(company("黄金、铂金的批发"), silenced, EVERYTHING)["wholesale"]) == {"黄金批发"}
    silenced = [replace(nodes[3], negative_keywords=("黄金",))]
    assert placed(company("黄金、铂金的批发"), silenced) == {}


# What the company says it does not do, and what everybody says


@pytest.mark.parametrize(
    "scope",
    [
        "乐器销售（不含集成电路、芯片）",
        "除集成电路外的商品",
        "以上不含集成电路制造、芯片制造",
        "不得从事集成电路制造",
        "集成电路除外",
        "乐器（集成电路除外）",
        "乐器销售，不从事芯片制造",
    ],
)
def test_negated_things_do_not_count(scope: str) -> None:
    assert probability(company(scope), "chip") == 0


def test_negation_ends_with_its_sentence_and_leaves_similar_words_alone() -> None:
    assert probability(company("不含危险品；集成电路制造"), "chip") > 0.2
    assert words(placed(company("除湿机外壳、芯片的制造"), parameters=EVERYTHING)["chip"]) == {"芯片"}


def boilerplate_node() -> list[NodeText]:
    words = ("货物及技术进出口", "信息咨询服务", "技术咨询", "投资兴办实业", "依法须经批准")
    return [NodeText("trap", "国内贸易", words, ()), *NODES]


def test_boilerplate_never_counts() -> None:
    assert placed(company(BOILERPLATE), boilerplate_node(), EVERYTHING) == {}


def test_canary_without_the_stop_list_boilerplate_would_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_module, "is_stop_item", lambda _: False)
    monkeypatch.setattr("chains.analysis.placement.matching.is_stop_item", lambda _: False)
    assert placed(company(BOILERPLATE), boilerplate_node(), EVERYTHING)["trap"].probability > 0.5


@pytest.mark.parametrize("line", ["其他业务", "主营业务收入", "公司内各业务分部相互抵销", "华东地区", "境外", "合计"])
def test_accounting_lines_never_count(line: str) -> None:
    trap = [NodeText("trap", "区域业务收入", (line, "主营收入"), ()), *NODES]
    assert placed(company(products={line: 0.9}), trap, EVERYTHING) == {}


# Makers and sellers


@pytest.mark.parametrize(
    ("maker", "seller"),
    [
        ("集成电路制造", "集成电路销售"),
        ("集成电路的研发、生产、销售", "集成电路的批发、零售"),
        ("生产集成电路", "销售集成电路"),
        ("研发、生产、销售：乐器、集成电路", "销售：乐器、集成电路"),
        ("乐器、集成电路的生产与销售", "乐器、集成电路的购销"),
    ],
)
def test_a_seller_is_clearly_less_likely_at_a_makers_node(maker: str, seller: str) -> None:
    assert probability(company(maker), "chip") > 3 * probability(company(seller), "chip") > 0


def test_a_trade_name_makes_a_seller() -> None:
    maker, seller = (company(name=f"深圳市甲集成电路{word}有限公司") for word in ("制造", "贸易"))
    assert probability(maker, "chip") > 3 * probability(seller, "chip")


def test_a_trade_node_prefers_the_seller_and_an_open_node_takes_both() -> None:
    assert probability(company("首饰批发"), "wholesale") > probability(company("首饰批发设备制造"), "wholesale")
    open_node = [replace(CHIP, activity=None)]
    both = [probability(company(scope), "chip", open_node) for scope in ("集成电路制造", "集成电路销售")]
    assert both[0] == pytest.approx(both[1], rel=0.35)


def test_nodes_without_a_word_of_their_own_stay_empty() -> None:
    assert placed(company("集成电路制造；国内贸易"), [NodeText("trap", "国内贸易", (), ())], EVERYTHING) == {}


def test_the_name_alone_can_be_all_boilerplate() -> None:
    assert placed(company(name="深圳市科技有限公司")) == {}
    assert place([], NODES) == []
    assert place([company("集成电路制造")], []) == []
