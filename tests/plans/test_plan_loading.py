"""Loading: once, again, changed, and refused row by row."""

from __future__ import annotations

import shutil
import threading
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection

from plans.models import Clause, ContextFigure, Indicator, Plan
from plans.records import COLUMNS
from plans.services.load_plan import LoadResult, Outcome, load_plan
from tests.plans.luohu_files import FOLDER

pytestmark = [pytest.mark.django_db, pytest.mark.measured]
ROWS = 1 + 169 + 55 + 52


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file in COLUMNS:
        shutil.copy(FOLDER / file, tmp_path / file)
    return tmp_path


def change(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, (file, old)
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")


def outcomes(result: LoadResult) -> dict[str, int]:
    return {str(outcome): count for outcome in Outcome if (count := result.count(outcome))}


def test_first_load_writes_all_and_the_second_skips_all() -> None:
    first = load_plan(folder=FOLDER)
    assert (outcomes(first), first.applied, first.left_over) == ({"NEW": ROWS}, True, ())
    before = list(Indicator.objects.values()) + list(Clause.objects.values()) + list(ContextFigure.objects.values())
    second = load_plan(folder=FOLDER)
    assert outcomes(second) == {"SKIP": ROWS}
    after = list(Indicator.objects.values()) + list(Clause.objects.values()) + list(ContextFigure.objects.values())
    assert before == after


def test_what_stands_in_the_database() -> None:
    load_plan(folder=FOLDER)
    plan = Plan.objects.get()
    assert (plan.code, plan.period_start, plan.period_end, plan.published) == ("luohu-145", 2021, 2025, "2022-02")
    finance = plan.indicators.get(code="finance-share")
    assert (finance.baseline_2020, finance.target_2025) == (Decimal("39.4"), Decimal("36.4"))
    assert (finance.direction, finance.chain_code, finance.clause.anchor) == ("fall", "finance", "二(三)表1")
    assert plan.indicators.get(code="digital-economy-share").baseline_2020 is None
    platforms = plan.indicators.get(code="safety-environment-platforms")
    assert (platforms.kind, platforms.target_low, platforms.target_high) == ("chain", 1, 2)
    paragraph = plan.clauses.get(anchor="四(一)2#1")
    assert (paragraph.kind, paragraph.parent.anchor) == ("paragraph", "四(一)2")
    assert paragraph.parent.parent.parent.anchor == "四"
    assert list(plan.indicators.filter(kind="table1").values_list("order", flat=True)) == list(range(1, 14))
    assert Indicator.objects.filter(kind="chain").count() == 30
    assert plan.clauses.filter(parent=None).count() == 7


def test_a_load_asks_a_fixed_number_of_questions(django_assert_num_queries) -> None:
    load_plan(folder=FOLDER)
    with django_assert_num_queries(9):  # savepoint (2), lock, plan twice, clauses twice, indicators, context
        load_plan(folder=FOLDER)


def test_a_changed_row_is_an_update_that_names_its_fields(folder: Path) -> None:
    load_plan(folder=FOLDER)
    change(folder, "indicators.csv", "创新载体数量,家,85,150", "创新载体数量,家,85,160")
    change(folder, "clauses.csv", "推广人工智能：企业智能化、民生服务与示范场景", "人工智能的推广")
    result = load_plan(folder=folder)
    assert outcomes(result) == {"UPDATE": 2, "SKIP": ROWS - 2}
    assert [str(row) for row in result.rows if row.outcome == Outcome.UPDATE] == [
        "UPDATE clauses.csv:69 四(一)1#2：改动：摘要", "UPDATE indicators.csv:13 创新载体数量：改动：目标值",
    ]
    assert Indicator.objects.get(code="innovation-carriers").target_2025 == 160


def test_a_row_taken_from_the_file_stays_and_is_named(folder: Path) -> None:
    load_plan(folder=FOLDER)
    lines = (folder / "context.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "context.csv").write_text("".join(lines[:-1]), encoding="utf-8")
    result = load_plan(folder=folder)
    assert result.left_over == ("背景数据 services-share",)
    assert ContextFigure.objects.filter(key="services-share").exists()


# file, what stands there, what is put in its place, where the fault is found, how its reason begins
BAD = [
    ("indicators.csv", "85,150", "85,NaN", "indicators.csv:13", "target_2025 列：“NaN”不是数值"),
    ("indicators.csv", "85,150", "八十五,150", "indicators.csv:13", "baseline_2020 列：“八十五”不是数值"),
    ("indicators.csv", "85,150", "85,--", "indicators.csv:13", "target_2025 列：这里必须有数值"),
    ("indicators.csv", "39.4,36.4", "39.4,136.4", "indicators.csv:6", "target_2025 列：136.4 不可能"),
    ("indicators.csv", "39.4,36.4", "39.4,40", "indicators.csv:6", "target_2025 列：方向为下降"),
    ("indicators.csv", "85,150", "85,50", "indicators.csv:13", "target_2025 列：目标低于 2020 年值"),
    ("indicators.csv", "创新载体数量", "创新载体", "indicators.csv:13", "name 列：indicator_details.csv 中没有"),
    ("indicators.csv", "创新引领,创新载体数量", ",创新载体数量", "indicators.csv:13", "category 列：不能为空"),
    ("indicators.csv", "创新载体数量,家,85,150", "创新载体数量,家,85", "indicators.csv:13", "应有 5 列，现有 4 列"),
    (
        "indicator_details.csv", "finance-share,fall", "finance-share,down",
        "indicator_details.csv:6", "direction 列：",
    ),
    (
        "indicator_details.csv", "finance-share,fall", "gdp,fall",
        "indicators.csv:6", "code 列：gdp 与 indicators.csv:2 重复",
    ),
    ("chain_targets.csv", ">=,30,", "约,30,", "chain_targets.csv:20", "comparator 列：“约”不是比较符"),
    ("chain_targets.csv", "=,2,3,", "=,3,2,", "chain_targets.csv:37", "target_high 列：上限 2 应大于下限 3"),
    (
        "chain_targets.csv", "finance-banks,finance", "finance-banks,fin",
        "chain_targets.csv:22", "chain 列：“fin”不在可选值内",
    ),
    (
        "chain_targets.csv", "四(二)1#4", "四(二)1#9",
        "chain_targets.csv:26", "clause 列：条款 四(二)1#9 不在 clauses.csv 中",
    ),
    (
        "clauses.csv", "\n六(四)#1,六(四),", "\n六(四)#1,六(三),",
        "clauses.csv:170", "parent 列：条款 六(四)#1 的上级应为 六(四)",
    ),
    ("clauses.csv", "公众评价、宣传与企业协会合作研究", "", "clauses.csv:170", "summary 列：不能为空"),
    (
        "clauses.csv", "公众评价、宣传与企业协会合作研究", "长" * 61,
        "clauses.csv:170", "summary 列：最多 60 个字，现有 61 个",
    ),
    (
        "clauses.csv", "\n六(四)#1,六(四),", "\n六(三)#1,六(三),",
        "clauses.csv:170", "anchor 列：六(三)#1 与 clauses.csv:168 重复",
    ),
    ("context.csv", "=,405,家,2020", "=,405,家,20.5", "context.csv:39", "year 列：应为 1979 到 2099 之间的整数"),
    (
        "context.csv", "high-tech-of-city,", "high-tech-firms,",
        "context.csv:40", "key 列：high-tech-firms 与 context.csv:39 重复",
    ),
    ("plan.csv", "2021,2025", "2025,2021", "plan.csv:2", "period_end 列：起止年份"),
    ("plan.csv", "2022-02", "2022-13", "plan.csv:2", "published 列：应为年月"),
]


@pytest.mark.parametrize(("file", "old", "new", "place", "reason"), BAD)
def test_a_bad_row_names_its_place_and_nothing_is_written(
    folder: Path, file: str, old: str, new: str, place: str, reason: str
) -> None:
    change(folder, file, old, new)
    result = load_plan(folder=folder)
    assert not result.applied
    found = [f"{row.file}:{row.line}" for row in result.invalid if row.reason.startswith(reason)]
    assert found == [place], [str(row) for row in result.rows]
    assert not Plan.objects.exists()
    assert not Clause.objects.exists()


def test_all_bad_rows_are_named_at_once_and_the_good_ones_counted(folder: Path) -> None:
    change(folder, "indicators.csv", "85,150", "x,y")
    change(folder, "context.csv", "=,405,家", "=,NaN,家")
    result = load_plan(folder=folder)
    places = [f"{row.file}:{row.line}" for row in result.invalid]
    assert places == ["context.csv:39", "indicators.csv:13", "indicators.csv:13"]
    assert result.held == ROWS - 2
    assert str(result) == f"规划未载入：3 处有误，{ROWS - 2} 行暂缓。请按文件与行号改正后重试。"


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "context.csv").unlink()
    result = load_plan(folder=folder)
    assert [str(row) for row in result.invalid] == ["INVALID context.csv:1：缺少这个文件"]


def test_a_bad_file_leaves_an_earlier_load_untouched(folder: Path) -> None:
    load_plan(folder=FOLDER)
    change(folder, "indicators.csv", "85,150", "85,160")
    change(folder, "context.csv", "=,405,家", "=,NaN,家")
    assert not load_plan(folder=folder).applied
    assert Indicator.objects.get(code="innovation-carriers").target_2025 == 150


@pytest.mark.django_db(transaction=True)
def test_two_loads_at_once_write_once() -> None:
    results: list[LoadResult] = []
    start = threading.Barrier(2)

    def run() -> None:
        try:
            start.wait(timeout=10)
            results.append(load_plan(folder=FOLDER))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(str(outcomes(result)) for result in results) == [str({"NEW": ROWS}), str({"SKIP": ROWS})]
    assert Clause.objects.count() == 169
