from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc as stdnum_uscc

from crm.codes import divisions
from crm.sandbox.generate import uscc_for
from crm.sync.transforms import TransformError, compile_step
from crm.uscc import UsccError, check_uscc, has_valid_check_digit, is_clean_uscc

TABLES = {"t": {"1": "存续"}}
PLAIN = ["date", "date_ms", "capital_cn", "upper", "uscc", "district_from_address", "text"]
WORDS: list[dict[str, Any]] = [{"split": ";"}, {"join": ","}, {"prefix": "NO:"}, {"map": "t"}, {"default": "x"}]


@pytest.mark.parametrize(
    ("step", "raw", "out"),
    [
        ("date", 20120506, "2012-05-06"),
        ("date", "20120506", "2012-05-06"),
        ("date", "2012-05-06 00:00:00", "2012-05-06 00:00:00"),
        ("date", True, True),
        ("date", "昨天", "昨天"),
        ("date_ms", 1300204800000, "2011-03-16"),
        ("date_ms", "1300204800000", "2011-03-16"),
        ("date_ms", -1, "1970-01-01"),
        ("date_ms", 1300204799999 + 1, "2011-03-16"),
        ("date_ms", 1300204799999 - 86_400_000 + 1, "2011-03-15"),
        ("capital_cn", "77800.32万人民币", "77800.32万人民币"),
        ("capital_cn", "500.5", "500.5万元"),
        ("capital_cn", 500, "500万元"),
        ("capital_cn", "-", None),
        ("capital_cn", "1,000", "1,000万元"),
        ("capital_cn", [1], [1]),
        ("upper", "ab", "AB"),
        ("upper", 5, 5),
        ("uscc", " ９１-ab", "91AB"),
        ("text", 91.0, "91"),
        ("text", 1.5, "1.5"),
        ("text", True, True),
        ("district_from_address", "广东省深圳市罗湖区东门街道", "440303"),
        ("district_from_address", "火星", None),
        ("district_from_address", 5, 5),
        ({"split": ";"}, "甲; 乙;;", ["甲", "乙"]),
        ({"split": ";"}, ["甲"], ["甲"]),
        ({"join": ", "}, ["a", None, "", 1, {}], "a, 1"),
        ({"join": ","}, "a", "a"),
        ({"prefix": "NO:"}, 5, "NO:5"),
        ({"map": "t"}, 1, "存续"),
        ({"default": "x"}, "", "x"),
        ({"default": "x"}, "y", "y"),
    ],
)
def test_each_transform(step: Any, raw: Any, out: Any) -> None:
    assert compile_step(step, TABLES)(raw) == out


@pytest.mark.parametrize(
    ("step", "raw"),
    [
        ("date_ms", "noon"),
        ("date_ms", True),
        ("date_ms", 10**30),
        ("date_ms", float("inf")),
        ({"map": "t"}, "2"),
        ({"map": "t"}, []),
    ],
)
def test_what_cannot_be_transformed_is_refused_by_name(step: Any, raw: Any) -> None:
    with pytest.raises(TransformError):
        compile_step(step, TABLES)(raw)


@pytest.mark.parametrize("step", ["poem", {"map": "u"}])
def test_the_list_is_closed(step: Any) -> None:
    with pytest.raises(ValueError):
        compile_step(step, TABLES)


@given(
    st.sampled_from([*PLAIN, *WORDS]),
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists),
)
def test_no_value_breaks_a_transform(step: Any, raw: Any) -> None:
    try:
        compile_step(step, TABLES)(raw)
    except TransformError:
        return  # any other exception fails the test


@given(st.integers(-62_000_000_000_000, 250_000_000_000_000))
def test_milliseconds_fall_on_the_day_in_china(value: int) -> None:
    day = compile_step("date_ms", {})(value)
    assert day == compile_step("date_ms", {})(str(value))
    assert len(day) == 10


def test_a_district_is_found_for_every_district_of_shenzhen() -> None:
    found = {code: name for code, name in divisions().items() if code.startswith("4403") and not code.endswith("00")}
    for code, name in found.items():
        if len(name) > 2:
            assert compile_step("district_from_address", {})(f"深圳市{name}某路1号") == code


ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@given(st.text(alphabet=ALPHABET, min_size=18, max_size=18))
def test_the_check_digit_is_stdnums(code: str) -> None:
    assert has_valid_check_digit(code) == (stdnum_uscc.calc_check_digit(code[:17]) == code[17])
    right = code[:17] + stdnum_uscc.calc_check_digit(code[:17])
    assert has_valid_check_digit(right)


@given(
    st.text(alphabet=ALPHABET + "IOSVZ abc-０", min_size=16, max_size=20) | st.integers(0, 10**6).map(uscc_for),
    st.integers(0, 17),
    st.sampled_from(ALPHABET),
)
def test_the_short_way_says_nothing_that_the_long_way_does_not(code: str, place: int, letter: str) -> None:
    for candidate in (code, code[:place] + letter + code[place + 1 :]):
        try:
            long = check_uscc(candidate.lower()) == candidate and stdnum_uscc.is_valid(candidate)
        except UsccError:
            long = False
        if candidate[:1] not in "ANY":
            assert is_clean_uscc(candidate) == long
