from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from crm.models import Company, CompanyName
from crm.sync.records import pinyin_of
from office.money import YUAN, format_yuan

# What a source keeps is written by its sync alone; an officer fills in what the source does not know.
FROM_SOURCE = [
    "name", "short_name", "status", "established_on", "district_code", "street_code", "address", "industry",
    "business_scope", "products", "employees", "annual_revenue", "revenue_year", "registered_capital",
]


def kept_by_source(company: Company | None) -> list[str]:
    """The fields of this company that only its source may write: those that it has given a value."""
    if company is None or company.source_id is None:
        return []
    return [name for name in FROM_SOURCE if getattr(company, name) not in (None, "", [])]


def save_company(*, company: Company, as_of: dt.date) -> Company:
    """Save a company that a person entered or edited: derived columns and the former name follow."""
    with transaction.atomic():
        before = Company.objects.select_for_update().filter(pk=company.pk).first() if company.pk else None
        for column, value in pinyin_of(company.name).items():
            setattr(company, column, value)
        if company.industry is not None:
            company.industry_code = company.industry.code
        company.save()
        company.refresh_from_db(fields=["version"])
        if before is not None and before.name != company.name:
            CompanyName.objects.get_or_create(company=company, name=before.name, defaults={"valid_to": as_of})
    return company


def edit_company(*, company: Company, values: dict[str, Any], as_of: dt.date) -> Company:
    """Set `values` on a company and save it; raises ValidationError naming each field that is wrong or not an officer's."""
    if company.merged_into is not None:
        raise ValidationError(f"已并入 {company.merged_into.code}，请修改那一家")
    kept = set(kept_by_source(company)) & values.keys()
    if kept:
        raise ValidationError(dict.fromkeys(kept, ["由数据源提供，不能修改"]))
    for name, value in values.items():
        setattr(company, name, value)
    if "registered_capital" in values:
        company.registered_capital_currency = "" if company.registered_capital is None else YUAN
        company.registered_capital_text = format_yuan(company.registered_capital) if company.registered_capital else ""
    company.full_clean()
    return save_company(company=company, as_of=as_of)
