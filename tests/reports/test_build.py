"""The words of a report: whom to call next, and the sentences of its first page."""

from __future__ import annotations

from typing import Any

import pytest

from chains.analysis.analysis import analyse
from chains.analysis.chainfile import parse_chain
from chains.reports.build import Facts, build, evidence_words, findings, next_step
from tests.factories import chain_document

Row = dict[str, Any]
FILL = {"action": "fill"}


def project(**fields: Any) -> Row:
    return {
        "name": "甲项目", "officer": "专员甲", "stage": "签约", "since": "2026-11-01", "next_step": "送审协议", **fields,
    }


def candidate(**fields: Any) -> Row:
    return {"name": "示例芯公司", "district": "南山区", "probability": 0.93, "followed_by": "", **fields}


@pytest.mark.parametrize(
    ("projects", "candidates", "contact", "wanted"),
    [
        ([project()], [candidate()], "联系人", "专员甲：送审协议（甲项目，签约）"),
        ([project(next_step=""), project(name="乙项目")], [], "", "专员甲：送审协议（乙项目，签约）"),
        ([project(next_step="")], [candidate()], "", "请专员甲更新“甲项目”的下一步（现为签约，自 2026-11-01）"),
        ([], [candidate(followed_by="专员乙"), candidate(name="第二家")], "联系人", "联系人联系第二家（南山区，匹配概率 93%）"),
        ([], [candidate()], "", "招商专班联系示例芯公司（南山区，匹配概率 93%）"),
        ([], [candidate(followed_by="专员乙")], "联系人", "与专员乙会商示例芯公司的引进"),
        ([], [], "联系人", "企业库中没有候选企业：扩大检索范围或补充该环节的关键词"),
    ],
)
def test_whom_to_call_next(projects: list[Row], candidates: list[Row], contact: str, wanted: str) -> None:
    assert next_step(FILL, projects, candidates, contact) == wanted


def test_a_node_without_an_action_calls_nobody() -> None:
    assert next_step({"action": "none"}, [project()], [candidate()], "联系人") == ""


def chain(now: float | None = 0.5, remaining: float | None = 0.4) -> Row:
    worst = {"company": "C000001", "remaining": remaining}
    return {"current": {"completeness": now, "worst_company": worst}, "with_pipeline": {"completeness": now}}


def row(name: str, action: str = "fill", projects: int = 0) -> Row:
    return {"name": name, "action": action, "gap": 40.0, "projects": [project()] * projects}


COUNTS = {"missing": 2, "weak": 1, "strong": 1}


def test_the_first_page_in_the_order_in_which_a_leader_asks() -> None:
    acting = [row("芯片", projects=2), row("面板"), row("检测", "strengthen")]
    lines = findings(chain(), COUNTS, acting, {"C000001": "示例龙头公司"})
    assert [line[:5] for line in lines] == ["完整度 5", "缺口最大的", "已有项目指", "尚无项目的", "单点风险："]
    assert "4 个环节中空白 2 个" in lines[0]
    assert "芯片（补链 40.0）、面板（补链 40.0）、检测（强链 40.0）" in lines[1]
    assert "芯片（2 个）" in lines[2]
    assert "面板，须定人跟进" in lines[3]
    assert "若示例龙头公司退出，完整度只余现值的 40%" in lines[4]


def test_many_open_gaps_are_counted_and_not_all_listed() -> None:
    line = next(line for line in findings(chain(), COUNTS, [row(f"环节{n}") for n in range(8)], {}) if "尚无项目" in line)
    assert "环节4等 8 处" in line
    assert "环节5" not in line


def test_a_chain_without_outputs_says_what_is_missing() -> None:
    assert "尚未指定终端产出" in findings(chain(None), COUNTS, [], {})[0]


@pytest.mark.parametrize("remaining", [None, 0.95])
def test_no_single_point_no_sentence(remaining: float | None) -> None:
    assert not any("单点风险" in line for line in findings(chain(remaining=remaining), COUNTS, [], {}))


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"kind": "industry", "text": "3973"}, "行业代码 3973"), ({"kind": "keyword", "text": "芯片设计"}, "芯片设计"),
        ({"kind": "product", "text": "蓝牙芯片"}, "产品“蓝牙芯片”"),
        ({"kind": "similarity", "text": "集成电路"}, "表述相近：集成电路"),
        ({"text": "旧记录"}, "旧记录"),
    ],
)
def test_evidence_in_words(item: Row, words: str) -> None:
    assert evidence_words(item) == words


def test_the_content_changes_with_a_figure_and_not_with_the_date() -> None:
    def content(day: str, probability: float) -> str:
        body = chain_document(placements=[{"company": "a", "node": "chip", "probability": probability, "size": 2.0}])
        body["chain"]["as_of"] = day
        document = parse_chain(body)
        return build(document.to_dict(), analyse(document).to_dict(), Facts()).content_hash

    assert content("2026-11-23", 0.6) == content("2027-01-01", 0.6)
    assert content("2026-11-23", 0.6) != content("2026-11-23", 0.61)
