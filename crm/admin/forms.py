"""The company form: money and products as people write them."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from crm.models import Company
from office.forms import AmountField
from office.money import YUAN

LONGEST_NAME = 100
WHOLE = 1.005  # shares are rounded
_LINE = re.compile(r"(?P<name>.*?)\s*(?:(?P<share>\d+(?:\.\d+)?)\s*%)?")


def product_lines(products: Any) -> list[str]:
    """["职业培训课程 81.3%"]: the product and the share of revenue, where it is known."""
    lines = []
    for item in products or []:
        share = item.get("revenue_share")
        lines.append(str(item.get("name", "")) + ("" if share is None else f" {round(share * 100, 2):g}%"))
    return lines


class ProductsField(forms.CharField):
    """One product a line, with its share of revenue at the end: 职业培训课程 81.3%."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", UnfoldAdminTextareaWidget(attrs={"rows": 4}))
        kwargs.setdefault("help_text", _("每行一个产品，行末可写营收占比，例如：职业培训课程 81.3%"))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(product_lines(value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[dict[str, Any]]:
        if isinstance(value, list):
            return value
        text = (super().to_python(value) or "").strip()
        if text == "[]":  # an empty list as the API writes it
            return []
        found = [_product(line.strip(), number) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        if sum(item["revenue_share"] or 0 for item in found) > WHOLE:
            raise ValidationError("各产品营收占比合计超过 100%")
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return json.dumps(self.to_python(data)) != json.dumps(initial or [])
        except ValidationError:
            return True


def _product(line: str, number: int) -> dict[str, Any]:
    found = _LINE.fullmatch(unicodedata.normalize("NFKC", line))
    if found is None or not found["name"] or len(found["name"]) > LONGEST_NAME:
        raise ValidationError(f"第 {number} 行看不懂：请写产品名称（不超过 {LONGEST_NAME} 字），行末可写占比，如 30%")
    share = None if found["share"] is None else round(float(found["share"]) / 100, 6)
    if share is not None and share > 1:
        raise ValidationError(f"第 {number} 行的营收占比超过 100%")
    return {"name": found["name"], "revenue_share": share}


class CompanyForm(forms.ModelForm):
    annual_revenue = AmountField(label=_("年营业收入"), required=False)
    registered_capital = AmountField(label=_("注册资本"), required=False)
    products = ProductsField(label=_("主要产品"), required=False)

    class Meta:
        model = Company
        fields = [
            "name", "short_name", "status", "district_code", "street_code", "address", "established_on", "industry",
            "business_scope", "products", "employees", "annual_revenue", "revenue_year", "registered_capital",
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("annual_revenue") is not None and "revenue_year" in self.fields and not data.get("revenue_year"):
            self.add_error("revenue_year", "填了年营业收入，请注明是哪一年")
        if "registered_capital" in self.changed_data and "registered_capital" in data:
            known = data["registered_capital"] is not None
            self.instance.registered_capital_currency = YUAN if known else ""
            self.instance.registered_capital_text = str(self.data.get("registered_capital", "")).strip()[:64]
        return data


class StartSyncForm(forms.Form):
    full = forms.BooleanField(label=_("全量：重读整个清单，并核对已消失的企业"), required=False)
