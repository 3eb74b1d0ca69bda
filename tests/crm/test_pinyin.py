"""The fast pinyin against pypinyin itself."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PHRASES_DICT, RE_HANS

from crm.sandbox.generate import make_world
from crm.sync.pinyin import reading_of
from crm.sync.records import pinyin_of

HANS = [phrase for phrase in PHRASES_DICT if all(map(RE_HANS.match, phrase))]
PREFIXES = {phrase[:end] for phrase in PHRASES_DICT for end in range(1, len(phrase))} - set(PHRASES_DICT)


def slow(name: str) -> tuple[str, str]:
    letters: Any = lambda rest: list(rest.lower())  # noqa: E731
    kept = [one for one in lazy_pinyin(name, style=Style.NORMAL, errors=letters) if one.strip().isalnum()]
    return "".join(kept), "".join(one[0] for one in kept)


def ends_in_a_beginning(name: str) -> bool:
    """Whether some run of Chinese letters ends in the beginning of a longer phrase: the one case where the two differ."""
    runs = "".join(letter if RE_HANS.match(letter) else " " for letter in name).split()
    return any(run[at:] in PREFIXES for run in runs for at in range(len(run) - 1))


def test_names_of_companies_read_as_pypinyin_reads_them() -> None:
    names = [record["name"] for record in make_world(13, 1_500).records.values()]
    different = [name for name in names if reading_of(name) != slow(name)]
    assert [name for name in different if not ends_in_a_beginning(name)] == []
    assert len(different) <= len(names) // 100


def test_phrases_and_mixtures_of_them() -> None:
    rng = random.Random(5)
    tried = rng.sample(HANS, 1_500) + [
        "".join(rng.sample(HANS, 2)) + rng.choice(["", "AI（", "2号", "。"]) for _ in range(1_500)
    ]
    different = [name for name in tried if reading_of(name) != slow(name)]
    assert [name for name in different if not ends_in_a_beginning(name)] == []


@pytest.mark.parametrize("name", ["重庆银行", "长沙音乐厅", "", "ＡＢ", "\U00020bb7", "a b", "女娲"])
def test_single_readings(name: str) -> None:
    assert reading_of(name) == slow(name)


def test_columns_are_cut_to_their_width() -> None:
    assert {name: len(value) for name, value in pinyin_of("床" * 500).items()} == {
        "name_pinyin": 600,
        "name_initials": 200,
    }


def test_the_comparison_sees_a_wrong_reading() -> None:
    """Canary: letter by letter, without phrases, is not the same."""
    assert "".join(slow(letter)[0] for letter in "重庆银行") != slow("重庆银行")[0]
