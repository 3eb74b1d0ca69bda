"""What a sync changed on a company, in words instead of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import FieldDoesNotExist

from crm.admin.forms import product_lines
from crm.codes import GRADE_LABELS, STATUS_LABELS, division_name, industry_name, street_name
from crm.models import Company
from office.money import format_yuan

OTHER_NAMES = {"uscc": "统一社会信用代码", "grades": "企业等级", "former_names": "曾用名", "former_codes": "曾用代码"}
WORDS = {"status": lambda code: STATUS_LABELS.get(code, code), "district_code": lambda code: division_name(code) or code,
         "street_code": lambda code: street_name(code) or code, "industry_code": lambda code: industry_name(code) or code}
MONEY = {"annual_revenue", "registered_capital"}
UNKNOWN = "未填"


def change_lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """["从业人数：1 → 2"]; a company that is new has only what it came with."""
    names = list(dict.fromkeys([*before, *after]))
    if not before:
        return [f"{label_of(name)}：{value_of(name, after[name])}" for name in names]
    return [f"{label_of(name)}：{value_of(name, before.get(name))} → {value_of(name, after.get(name))}" for name in names]


def label_of(name: str) -> str:
    try:
        return str(Company._meta.get_field(name).verbose_name).removesuffix("（元）")
    except (FieldDoesNotExist, AttributeError):
        return OTHER_NAMES.get(name, name)


def value_of(name: str, value: Any) -> str:
    if value in (None, "", [], {}):
        return UNKNOWN
    if name in MONEY:
        try:
            return format_yuan(Decimal(str(value)))
        except InvalidOperation:
            return str(value)
    if name == "products":
        return "、".join(product_lines(value))
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(_item(item) for item in value)
    return str(WORDS[name](value) if name in WORDS else value)


def _item(item: Any) -> str:
    if isinstance(item, Mapping):
        grade = item.get("grade")
        return GRADE_LABELS.get(grade, str(grade)) if grade else str(item.get("name") or item.get("value") or item)
    return str(item)
