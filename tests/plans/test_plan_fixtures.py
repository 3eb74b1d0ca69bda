"""The fixtures against the plan: complete, digit for digit, every row with a clause that exists."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import pytest

from plans.measures import direction_of
from plans.parsing import parent_of, parse_figure
from plans.records import parse_bundle
from tests.plans.luohu_files import ALL_FILES, FOLDER, files, rows
from tests.plans.plan_text import PLAN_TEXT, parse_plan_text, read_plan_text

needs_plan = pytest.mark.skipif(not PLAN_TEXT.is_file(), reason="规划原文不在仓库旁边，无法逐字核对")

TABLE1 = [
    ("经济发展", "地区生产总值", "亿元", "2375.28", "3300"),
    ("经济发展", "社会消费品零售总额", "亿元", "1216.54", "1600"),
    ("经济发展", "区级财政贡献超过5000万的企业", "家", "28", "35"),
    ("结构优化", "数字经济核心产业增加值占GDP比重", "%", "--", "15"),
    ("结构优化", "金融业增加值占GDP比重", "%", "39.4", "36.4"),
    ("结构优化", "商贸业增加值占GDP比重", "%", "16.4", "19.7"),
    ("结构优化", "营利性服务业增加值占GDP比重", "%", "16.6", "20"),
    ("结构优化", "文化及相关产业增加值占GDP比重", "%", "6.3", "7.6"),
    ("结构优化", "战略性新兴产业增加值占GDP比重", "%", "6.6", "10"),
    ("结构优化", "黄金珠宝增加值占GDP比重", "%", "3.2", "3.5"),
    ("创新引领", "全社会研发支出占GDP比重", "%", "0.54", "0.8"),
    ("创新引领", "创新载体数量", "家", "85", "150"),
    ("创新引领", "每万人发明专利拥有量", "件", "21.38", "40"),
]
# chain targets as printed: code → (comparator, low, high, unit)
CHAIN_TARGETS = {
    "software-new-space": ("=", "20", "", "万平方米"),
    "smart-terminal-revenue": (">", "100", "", "亿元"),
    "new-material-value-added": ("=", "20", "", "亿元"),
    "safety-environment-value-added": ("=", "25", "", "亿元"),
    "safety-environment-platforms": ("=", "1", "2", "个"),
    "health-value-added": ("=", "12", "", "亿元"),
    "health-platforms": ("=", "4", "", "个"),
    "digital-creative-value-added": ("=", "30", "", "亿元"),
    "digital-creative-platforms": ("=", "1", "2", "个"),
    "modern-fashion-value-added": ("=", "45", "", "亿元"),
    "modern-fashion-platforms": ("=", "4", "", "个"),
    "finance-licensed": (">=", "30", "", "家"),
    "finance-share-section": ("=", "36.4", "", "%"),
    "finance-banks": ("=", "5", "", "家"),
    "finance-insurers": (">=", "20", "", "家"),
    "gold-finance-leaders": ("=", "5", "", "家"),
    "gold-finance-platforms": (">=", "2", "", "个"),
    "fintech-firms": (">=", "5", "", "家"),
    "business-services-share-section": ("=", "20", "", "%"),
    "commercial-services-share": ("=", "8", "", "%"),
    "software-services-share": ("=", "7", "", "%"),
    "research-services-share": ("=", "3", "", "%"),
    "trade-share-section": ("=", "19.7", "", "%"),
    "gold-jewellery-value-added": ("=", "115", "", "亿元"),
    "gold-jewellery-share-section": ("=", "3.5", "", "%"),
    "gold-jewellery-industrial-internet": ("=", "1", "2", "个"),
    "culture-value-added": ("=", "250", "", "亿元"),
    "culture-share-section": ("=", "7.6", "", "%"),
    "culture-animation-ip": ("=", "2", "3", "个"),
    "culture-design-brands": ("=", "3", "5", "个"),
}
# The printed name where ours must add a word that the plan leaves to the sentence around it.
PRINTED = {
    "红岗国际创新广场三期": "三期", "清水河中粮城市更新项目": "清水河中粮",
    "清水河物资城市更新项目": "物资等城市更新项目", "蔡屋围商圈": "蔡屋围国际时尚", "东门商圈": "东门大众特色",
    "人民南商圈": "人民南港货港味", "笋岗商圈": "笋岗工艺美术", "湖贝商圈": "湖贝现代商业",
    "笋岗工艺美术集聚区": "笋岗工艺美术",
}


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def test_the_files_hold_no_fault() -> None:
    bundle, faults = parse_bundle(files())
    assert faults == []
    assert [len(part) for part in (bundle.plan, bundle.clauses, bundle.indicators, bundle.context)] == [1, 169, 55, 52]


@pytest.mark.parametrize("file", ALL_FILES)
def test_files_are_plain_utf8_with_unix_line_ends(file: str) -> None:
    data = (FOLDER / file).read_bytes()
    assert b"\r" not in data
    assert not data.startswith(b"\xef\xbb\xbf")
    assert data.endswith(b"\n")
    assert not any(cell != cell.strip() for row in rows(file) for cell in row.values())


def test_table1_digit_for_digit() -> None:
    assert (FOLDER / "indicators.csv").read_text(encoding="utf-8").splitlines()[0] == (
        "category,name,unit,baseline_2020,target_2025"
    )
    assert [tuple(row.values()) for row in rows("indicators.csv")] == TABLE1


@needs_plan
def test_table1_against_the_printed_table() -> None:
    header, *body = read_plan_text().table
    assert header == ["类别", "指标", "单位", "2020年指标值", "2025年目标值"]
    category, printed = "", []
    for row in body:
        category = row[0] if len(row) == 5 else category
        printed.append((category, *row[-4:]))
    assert [tuple(row.values()) for row in rows("indicators.csv")] == printed


def test_chain_targets_as_printed() -> None:
    found = {
        row["code"]: (row["comparator"], row["target_low"], row["target_high"], row["unit"])
        for row in rows("chain_targets.csv") if row["chain"]
    }
    assert found == CHAIN_TARGETS


def test_every_chain_but_blockchain_has_a_target_in_its_own_section() -> None:
    chains = {row["code"]: row["clause"] for row in rows("chains.csv")}
    targets = [row for row in rows("chain_targets.csv") if row["chain"]]
    assert set(chains) - {row["chain"] for row in targets} == {"blockchain"}
    assert [row["code"] for row in targets if not row["clause"].startswith(chains[row["chain"]])] == []


@needs_plan
def test_every_target_stands_in_the_clause_that_it_cites() -> None:
    blocks = {anchor: squeezed(text) for anchor, text in read_plan_text().blocks.items()}
    for row in rows("chain_targets.csv"):
        figure = row["target_low"] + (f"-{row['target_high']}" if row["target_high"] else "")
        assert figure in blocks[row["clause"]], (row["code"], figure)
    for row in rows("context.csv"):
        assert row["value"] in blocks[row["clause"]] or row["key"] == "services-share", row["key"]


PROMISED = re.compile(r"(?<![\d.-])(\d+(?:\.\d+)?)(?:-\d+)?(?:亿元|家|个|所|万平方米|%)")


def promises_without_a_row(targets: list[dict[str, str]]) -> list[tuple[str, str]]:
    """Figures with a unit that the text of chapters 四 and 五 prints and that no target states for that clause."""
    blocks = {anchor: squeezed(text) for anchor, text in read_plan_text().blocks.items()}
    ours = {(row["clause"], row["target_low"]) for row in targets}
    return [
        (anchor, match[1]) for anchor, text in blocks.items() if anchor[0] in "四五"
        for match in PROMISED.finditer(text) if (anchor, match[1]) not in ours
    ]


@needs_plan
def test_every_promised_figure_has_a_row() -> None:
    assert promises_without_a_row(rows("chain_targets.csv")) == []


@needs_plan
@pytest.mark.parametrize("row", rows("chain_targets.csv"), ids=lambda row: row["code"])
def test_canary_a_forgotten_target_is_noticed(row: dict[str, str]) -> None:
    if row["clause"][0] in "四五":
        others = [other for other in rows("chain_targets.csv") if other["code"] != row["code"]]
        promise = (row["clause"], row["target_low"])
        twins = [other for other in others if (other["clause"], other["target_low"]) == promise]
        assert twins or promises_without_a_row(others) == [promise]


@needs_plan
def test_clauses_cover_the_whole_plan_in_order() -> None:
    plan = read_plan_text()
    assert [row["anchor"] for row in rows("clauses.csv")] == plan.anchors
    pages = {row["anchor"]: int(row["page"]) for row in rows("clauses.csv") if row["page"]}
    assert pages == plan.pages
    for row in rows("clauses.csv"):
        if row["anchor"] in plan.titles:
            assert row["heading_path"].endswith(plan.titles[row["anchor"]])


@needs_plan
def test_canary_a_plan_with_one_more_paragraph_is_noticed() -> None:
    text = PLAN_TEXT.read_text(encoding="utf-8").replace("（二）存在问题\n\n", "（二）存在问题\n\n新的一段。\n\n")
    anchors = [row["anchor"] for row in rows("clauses.csv")]
    assert set(parse_plan_text(text).anchors) - set(anchors) == {"一(二)#1"}


def test_headings_boxes_and_table_are_all_there() -> None:
    anchors = {row["anchor"] for row in rows("clauses.csv")}
    assert {"前言", "一", "二", "三", "四", "五", "六"} <= anchors
    assert {f"四(一){n}" for n in range(1, 9)} | {f"四(二){n}" for n in range(1, 4)} | {"四(三)1", "四(三)2"} <= anchors
    assert {"四(二)1专栏1", "四(二)2专栏2", "四(二)3专栏3", "四(三)1专栏4", "二(三)表1", "三(一)图1"} <= anchors
    assert {f"二(三)#{n}" for n in range(1, 6)} <= anchors
    assert len({row["anchor"] for row in rows("clauses.csv")}) == len(rows("clauses.csv"))
    assert all(parent_of(anchor) in anchors | {""} for anchor in anchors)


@pytest.mark.parametrize("file", [file for file in ALL_FILES if file not in ("clauses.csv", "indicators.csv")])
def test_every_row_cites_a_clause_that_exists(file: str) -> None:
    anchors = {row["anchor"] for row in rows("clauses.csv")}
    cited = [row["clause"] for row in rows(file)]
    cited += [anchor for row in rows(file) for anchor in row.get("other_clauses", "").split(";") if anchor]
    assert [anchor for anchor in cited if anchor not in anchors] == []
    assert all(row["clause"] for row in rows(file))


def test_details_cover_table1_in_its_order() -> None:
    assert [row["name"] for row in rows("indicator_details.csv")] == [row[1] for row in TABLE1]
    for row, detail in zip(rows("indicators.csv"), rows("indicator_details.csv"), strict=True):
        target = parse_figure(row["target_2025"])
        assert target is not None
        assert detail["direction"] == direction_of(parse_figure(row["baseline_2020"]), target)


def test_zones_are_one_axis_two_areas_three_belts_and_their_parts() -> None:
    zones = rows("zones.csv")
    assert Counter(row["kind"] for row in zones)["axis"] == 1
    assert Counter(row["kind"] for row in zones)["area"] == 2
    assert Counter(row["kind"] for row in zones)["belt"] == 3
    kinds = {row["code"]: row["kind"] for row in zones}
    assert set(kinds.values()) == {"axis", "area", "belt", "cluster"}
    assert len(kinds) == len(zones)
    assert all(row["kind"] == "cluster" for row in zones if row["parent"])
    assert all(kinds[row["parent"]] in ("area", "belt") for row in zones if row["parent"])
    areas = {row["code"]: (row["area_sqkm"], row["length_km"]) for row in zones if row["area_sqkm"] or row["length_km"]}
    assert areas == {"hongling-belt": ("2.03", "3.6"), "wutong-belt": ("12", "")}
    assert sum(row["parent"] == "consumption-core" for row in zones) == 6
    assert sum(row["parent"] == "wutong-belt" for row in zones) == 3


def test_carriers_refer_to_known_zones_and_chains() -> None:
    zones, chains = {row["code"] for row in rows("zones.csv")}, {row["code"] for row in rows("chains.csv")}
    carriers = rows("carriers.csv")
    assert len({row["code"] for row in carriers}) == len(carriers) == len({row["name"] for row in carriers})
    assert {row["kind"] for row in carriers} == {"building", "park", "renewal", "base", "street"}
    assert {row["zone"] for row in carriers} <= zones | {""}
    assert {code for row in carriers for code in row["industries"].split(";") if code} <= chains
    assert [row["code"] for row in carriers if row["area_sqm"]] == []  # the plan gives no single carrier's area


def test_lead_firms_are_the_five_that_the_plan_names() -> None:
    assert [tuple(row.values()) for row in rows("lead_firms.csv")] == [
        ("smart-terminal", "闻泰科技", "四(一)2#1"), ("new-material", "中金岭南", "四(一)3#1"),
        ("new-material", "宏翔新材料", "四(一)3#1"), ("new-material", "中建材", "四(一)3#1"),
        ("new-material", "广田集团", "四(一)3#1"),
    ]


@needs_plan
@pytest.mark.parametrize("file", ["carriers.csv", "zones.csv", "lead_firms.csv"])
def test_names_are_in_the_clauses_that_they_cite(file: str) -> None:
    blocks = {anchor: squeezed(text) for anchor, text in read_plan_text().blocks.items()}
    for row in rows(file):
        cited = [row["clause"], *filter(None, row.get("other_clauses", "").split(";"))]
        text = "".join(blocks[anchor] for anchor in cited)
        assert squeezed(PRINTED.get(row["name"], row["name"])) in text, row


@needs_plan
def test_canary_an_invented_carrier_would_be_noticed() -> None:
    assert squeezed("虚构大厦") not in squeezed(PLAN_TEXT.read_text(encoding="utf-8"))
