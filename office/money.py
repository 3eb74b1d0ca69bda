"""Amounts of money as people write them in Chinese: exact Decimals in the main unit, with the unit as entered kept.

Mixing up 万元 and 亿元 is the commonest error of this field, so nothing is guessed: a bare number needs a stated unit,
and a foreign currency never turns into 元.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

YUAN = "CNY"
LIMIT = Decimal(10) ** 15
FINEST = Decimal("0.0001")
UNITS = {
    "元": Decimal(1), "千元": Decimal(1_000), "万元": Decimal(10_000), "百万元": Decimal(1_000_000),
    "千万元": Decimal(10_000_000), "亿元": Decimal(100_000_000), "万亿元": Decimal(1_000_000_000_000),
}
# ISO 4217 by the names that stand in capital strings.
CURRENCIES = {
    "人民币": "CNY", "CNY": "CNY", "RMB": "CNY", "¥": "CNY",
    "美元": "USD", "美金": "USD", "USD": "USD", "$": "USD",
    "港元": "HKD", "港币": "HKD", "香港元": "HKD", "HKD": "HKD",
    "欧元": "EUR", "EUR": "EUR", "日元": "JPY", "JPY": "JPY",
    "英镑": "GBP", "GBP": "GBP", "新台币": "TWD", "台币": "TWD", "澳门元": "MOP", "澳门币": "MOP",
    "新加坡元": "SGD", "新币": "SGD", "韩元": "KRW", "韩国元": "KRW", "澳大利亚元": "AUD", "澳元": "AUD",
    "加拿大元": "CAD", "加元": "CAD", "瑞士法郎": "CHF", "马来西亚林吉特": "MYR", "马元": "MYR", "泰铢": "THB",
    "新西兰元": "NZD", "瑞典克朗": "SEK", "挪威克朗": "NOK", "丹麦克朗": "DKK", "俄罗斯卢布": "RUB",
}
_NAMES = "|".join(re.escape(name) for name in sorted(CURRENCIES, key=len, reverse=True))
_SCALES = "万亿|千万|百万|亿|万|千"
_SHAPE = re.compile(
    rf"(?P<before>{_NAMES})?"
    r"(?P<number>[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)"
    rf"(?P<scale>{_SCALES})?(?P<yuan>元|圆)?(?P<after>{_NAMES})?(?P<last>元|圆)?(?:整)?",
)


class AmountError(ValueError):
    """The text is no amount that may be stored; the message is in Chinese and quotes the text."""


@dataclass(frozen=True, slots=True)
class Amount:
    """`value` in the currency's main unit; `yuan` is the same number for 人民币 and None for every other currency."""

    value: Decimal
    currency: str
    unit_as_entered: str
    text: str

    @property
    def yuan(self) -> Decimal | None:
        return self.value if self.currency == YUAN else None

    def __add__(self, other: object) -> Amount:
        if not isinstance(other, Amount):
            return NotImplemented
        if self.currency != other.currency:
            raise AmountError(f"币种不同，不能相加：{self.text} 与 {other.text}")
        value = self.value + other.value
        return Amount(value, self.currency, "元", f"{value}元")


def parse_amount(text: str, *, default_unit: str | None = None, allow_negative: bool = False) -> Amount:
    """Read "77800.32万人民币", "1,200.5万元", "3亿元", "５００万美元"… exactly.

    `default_unit` (a key of UNITS) says what a bare number means; without it a bare number is refused.
    Raises AmountError for anything else, for NaN and infinities, for more than 1e15 and for fractions below 0.0001.
    """
    clean = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).upper().replace("−", "-")
    clean = re.sub(rf"\(({_NAMES})\)", r"\1", clean)
    found = _SHAPE.fullmatch(clean)
    if found is None:
        raise AmountError(f"看不懂的金额：{text[:40]!r}，请写成“1200.5万元”或“3亿元”这样")
    unit, currency = _unit_and_currency(found, default_unit, text)
    value = exact_decimal(found["number"].replace(",", ""), text) * UNITS[unit]
    return Amount(check_range(value, text, allow_negative=allow_negative), currency, unit, text)


def format_yuan(value: Decimal | None) -> str:
    """元 for people to read: 7.78亿元, 1,200.5万元, 900元; "—" for unknown. At most two decimals, rounded half up."""
    if value is None:
        return "—"
    unit, scale = ("亿元", UNITS["亿元"]) if abs(value) >= UNITS["亿元"] else ("万元", UNITS["万元"])
    if abs(value) < UNITS["万元"]:
        unit, scale = "元", Decimal(1)
    shown = f"{(value / scale).quantize(Decimal('0.01'), ROUND_HALF_UP):,f}"
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown) + unit


def exact_decimal(number: str, text: str) -> Decimal:
    """Decimal from digits, refusing NaN, infinities and numbers that would need more digits than are kept."""
    try:
        value = Decimal(number)
    except InvalidOperation:
        raise AmountError(f"不是数字：{text[:40]!r}") from None
    if not value.is_finite():
        raise AmountError(f"不是有限的数字：{text[:40]!r}")
    if len(value.as_tuple().digits) > 24:  # noqa: PLR2004  (context precision is 28: more could round silently)
        raise AmountError(f"数字位数过多：{text[:40]!r}")
    return value


def check_range(value: Decimal, text: str, *, allow_negative: bool = False) -> Decimal:
    """The value itself where it may be stored."""
    if not value.is_finite():
        raise AmountError(f"不是有限的数字：{text[:40]!r}")
    if value < 0 and not allow_negative:
        raise AmountError(f"金额不能为负：{text[:40]!r}")
    if abs(value) > LIMIT:
        raise AmountError(f"金额超过一千万亿，请检查单位：{text[:40]!r}")
    if value % FINEST:
        raise AmountError(f"金额小数位过多（最多到 0.0001 元）：{text[:40]!r}")
    return value


def _unit_and_currency(found: re.Match[str], default_unit: str | None, text: str) -> tuple[str, str]:
    names = {CURRENCIES[name] for name in (found["before"], found["after"]) if name}
    if len(names) > 1:
        raise AmountError(f"一个金额写了两种币种：{text[:40]!r}")
    currency = names.pop() if names else YUAN
    if found["scale"]:
        return found["scale"] + "元", currency
    if found["yuan"] or found["last"] or found["after"]:
        return "元", currency
    if default_unit is None:
        raise AmountError(f"金额没有写单位：{text[:40]!r}，请写明 元、万元 或 亿元")
    if default_unit not in UNITS:
        raise AmountError(f"不认识的单位：{default_unit!r}")
    return default_unit, currency
