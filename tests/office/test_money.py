from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from office.money import UNITS, Amount, AmountError, check_range, exact_decimal, format_yuan, parse_amount


@pytest.mark.parametrize(
    ("text", "yuan", "unit"),
    [
        ("77800.32万人民币", "778003200", "万元"),
        ("1,200.5万元", "12005000", "万元"),
        ("3亿元", "300000000", "亿元"),
        ("１，２００．５万元", "12005000", "万元"),
        (" 500 万元 人民币 ", "5000000", "万元"),
        ("（人民币）500万元", "5000000", "万元"),
        ("人民币100元整", "100", "元"),
        ("￥0.01元", "0.01", "元"),
        ("2万亿元", "2000000000000", "万亿元"),
        ("12百万元", "12000000", "百万元"),
        ("0元", "0", "元"),
    ],
)
def test_amounts_in_yuan_are_exact(text: str, yuan: str, unit: str) -> None:
    amount = parse_amount(text)
    assert amount.yuan == Decimal(yuan)
    assert (amount.unit_as_entered, amount.currency, amount.text) == (unit, "CNY", text)


def test_a_bare_number_takes_only_a_stated_unit() -> None:
    assert parse_amount("1200", default_unit="万元").yuan == Decimal(12_000_000)
    with pytest.raises(AmountError, match="没有写单位"):
        parse_amount("1200")
    with pytest.raises(AmountError, match="不认识的单位"):
        parse_amount("1200", default_unit="斤")


@pytest.mark.parametrize(
    ("text", "currency"), [("500万美元", "USD"), ("200万港元", "HKD"), ("HKD300万", "HKD"), ("8亿日元", "JPY")]
)
def test_other_currencies_stay_apart(text: str, currency: str) -> None:
    amount = parse_amount(text)
    assert amount.currency == currency
    assert amount.yuan is None
    with pytest.raises(AmountError, match="币种不同"):
        amount + parse_amount("1元")


def test_amounts_of_one_currency_add_up() -> None:
    total = parse_amount("1亿元") + parse_amount("0.5万元")
    assert total.yuan == Decimal(100_005_000)
    assert isinstance(total, Amount)
    with pytest.raises(TypeError):
        total + 1  # type: ignore[operator]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NaN",
        "Infinity",
        "1e30万",
        "-",
        "万元",
        "12,34万",
        "1.2.3万元",
        "500万人民币美元",
        "壹佰万元",
        "1_000元",
        "500万元\x00",
        "9" * 40 + "元",
        "1000000000000001元",
        "99999999亿元",
        "0.00001元",
        "1" * 25 + "元",
        "--5元",
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(AmountError):
        parse_amount(text)


def test_negative_only_where_allowed() -> None:
    with pytest.raises(AmountError, match="不能为负"):
        parse_amount("-5万元")
    assert parse_amount("-5万元", allow_negative=True).yuan == Decimal(-50_000)


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "1e5x"])
def test_numbers_that_are_none(number: str) -> None:
    with pytest.raises(AmountError):
        exact_decimal(number, number)


def test_range_refuses_infinities() -> None:
    with pytest.raises(AmountError, match="有限"):
        check_range(Decimal("Infinity"), "∞")


@given(st.integers(min_value=0, max_value=10**9), st.sampled_from(sorted(UNITS)))
def test_every_unit_scales_exactly(number: int, unit: str) -> None:
    """Integers of every unit either come back to the last digit or are refused as too large."""
    exact = number * UNITS[unit]
    if exact > 10**15:
        with pytest.raises(AmountError, match="检查单位"):
            parse_amount(f"{number}{unit}")
    else:
        assert parse_amount(f"{number}{unit}").value == exact


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "—"),
        ("0", "0元"),
        ("900", "900元"),
        ("12005000", "1,200.5万元"),
        ("778003200", "7.78亿元"),
        ("100000000", "1亿元"),
        ("-12000000", "-1,200万元"),
        ("0.005", "0.01元"),
    ],
)
def test_money_as_people_read_it(value: str | None, shown: str) -> None:
    assert format_yuan(None if value is None else Decimal(value)) == shown
