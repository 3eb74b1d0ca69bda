"""Our lines are ours: none repeats a run of the plan's own words."""

from __future__ import annotations

import re
import unicodedata

import pytest

from tests.plans.luohu_files import ALL_FILES, rows
from tests.plans.plan_text import PLAN_TEXT, read_plan_text

RUN = 14
OUR_WORDS = ("summary", "note", "focus", "boundary")


def letters(text: str) -> str:
    """Without blanks and punctuation, so that a changed comma hides no copy."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text))


def shared_run(text: str, source: str, length: int = RUN) -> str:
    """The first run of `length` characters that both have, "" for none. `source` has been through `letters`."""
    ours = letters(text)
    runs = (ours[start : start + length] for start in range(len(ours) - length + 1))
    return next((run for run in runs if run in source), "")


@pytest.mark.skipif(not PLAN_TEXT.is_file(), reason="规划原文不在仓库旁边，无法查抄")
@pytest.mark.parametrize("file", ALL_FILES)
def test_no_line_copies_the_plan(file: str) -> None:
    source = letters(PLAN_TEXT.read_text(encoding="utf-8"))
    copied = [
        (row.get("anchor") or row.get("code") or row.get("name"), run)
        for row in rows(file) for name in OUR_WORDS if (run := shared_run(row.get(name, ""), source))
    ]
    assert copied == []


@pytest.mark.skipif(not PLAN_TEXT.is_file(), reason="规划原文不在仓库旁边，无法查抄")
def test_canary_a_copied_sentence_is_found() -> None:
    sentence = read_plan_text().blocks["四(一)2#1"][:40]
    source = letters(PLAN_TEXT.read_text(encoding="utf-8"))
    assert shared_run("摘要：" + sentence.replace("、", "，"), source)


def test_canary_the_search_itself_finds_a_run() -> None:
    source = letters("甲乙丙丁戊己庚辛壬癸，子丑寅卯辰巳午未申酉戌亥。")
    assert shared_run("记：丁戊己庚辛 壬癸子丑寅卯辰巳午，余", source) == "丁戊己庚辛壬癸子丑寅卯辰巳午"
    assert shared_run("丁戊己庚辛壬癸子丑寅卯辰巳", source) == ""


def test_summaries_are_one_short_line() -> None:
    lines = [row["summary"] for row in rows("clauses.csv")]
    assert all(0 < len(line) <= 42 for line in lines)
    assert not any("\n" in line or line.endswith("。") for line in lines)
