"""Form fields that every app shares."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextInputWidget

from office.money import UNITS, AmountError, parse_amount


def amount_text(value: Decimal) -> str:
    """The amount in the largest unit that says it exactly in four decimals: 30000000 → 3000万元. Never rounds."""
    for unit in ("亿元", "万元"):
        shown = (value / UNITS[unit]).normalize()
        if abs(shown) >= 1 and int(shown.as_tuple().exponent) >= -4:  # noqa: PLR2004
            return f"{shown:f}{unit}"
    return f"{value.normalize():f}元"


class AmountField(forms.CharField):
    """An amount as people write it (3000万元, 1.2亿, 5000000) → Decimal 元. A bare number is 元."""

    widget = UnfoldAdminTextInputWidget

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "可写 3000万元、1.2亿元；只写数字按元计")
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return amount_text(value) if isinstance(value, Decimal) else value

    def to_python(self, value: Any) -> Decimal | None:
        if isinstance(value, Decimal):
            return value
        text = super().to_python(value)
        if not text:
            return None
        try:
            amount = parse_amount(text, default_unit="元")
        except AmountError as error:
            raise ValidationError(str(error)) from error
        if amount.yuan is None:
            raise ValidationError("请折算为人民币后填写；外币原文可写在简介里")
        return amount.yuan
