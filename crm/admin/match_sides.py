"""The two sides of a possible match in the same words, so that they can be compared line by line."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from crm.codes import STATUS_LABELS, division_name
from crm.models import Company, QuarantinedRow
from office.admin_tools import DASH
from office.money import format_yuan

Side = dict[str, Any]


def company_side(company: Company) -> Side:
    codes = getattr(company, "live_codes", None)
    if codes is None:
        codes = company.identifiers.filter(valid_to__isnull=True)
    return _side(
        name=company.name, codes="、".join(alias.value for alias in codes), place=company.district_name,
        address=company.address, capital=format_yuan(company.registered_capital), status=company.get_status_display(),
        source=company.source.name if company.source else "人工录入",
    )


def row_side(row: QuarantinedRow | None) -> Side:
    """What the source said, as it was read; a record that was not read shows its key alone."""
    content = (row.corrected if row and row.corrected is not None else row.payload if row else None) or {}
    values = content.get("values", {}) if isinstance(content, dict) else {}
    return _side(
        name=values.get("name"), codes=values.get("code") or values.get("uscc"),
        place=division_name(str(values.get("district_code") or "")), address=values.get("address"),
        capital=_money(values.get("registered_capital")), status=STATUS_LABELS.get(values.get("status"), ""),
        source=f"{row.run.source.name}（{row.source_key}）" if row else "",
    )


def _side(*, name: Any, codes: Any, place: Any, address: Any, capital: Any, status: Any, source: Any) -> Side:
    pairs = {"名称": name, "代码": codes, "区": place, "地址": address, "注册资本": capital, "登记状态": status, "来源": source}
    return {label: value or DASH for label, value in pairs.items()}


def _money(value: Any) -> str:
    try:
        return format_yuan(Decimal(str(value))) if value not in (None, "") else ""
    except InvalidOperation:
        return str(value)
