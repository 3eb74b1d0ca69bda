from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from crm.models import Company, CompanyName, FieldOrigin
from crm.sync.columns import OWNERS
from crm.sync.records import pinyin_of
from office.models import User
from office.money import YUAN, format_yuan

# What a source keeps is written by its sync alone; an officer fills in what the source does not know.
FROM_SOURCE = [
    "name", "short_name", "status", "established_on", "district_code", "street_code", "address", "industry",
    "business_scope", "products", "employees", "annual_revenue", "revenue_year", "registered_capital",
]


# A form's field → the column of crm.sync.columns that stands for it in FieldOrigin.
AS_SYNCED = {"industry": "industry_code", "revenue_year": "annual_revenue"}


def kept_by_source(company: Company | None) -> list[str]:
    """The fields of this company that only its source may write: those that it, and no officer, has given a value."""
    if company is None or company.source_id is None:
        return []
    officers = set(company.origins.filter(source__isnull=True).values_list("field", flat=True))
    given = [name for name in FROM_SOURCE if getattr(company, name) not in (None, "", [])]
    return [name for name in given if AS_SYNCED.get(name, name) not in officers]


def save_company(*, company: Company, as_of: dt.date, by: User | None = None) -> Company:
    """Save a company that a person entered or edited: derived columns, the former name and whose word it is follow."""
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
        if before is not None:
            _remember_officer(before, company, by)
    return company


def _remember_officer(before: Company, after: Company, by: User | None) -> None:
    """What an officer changed is his word from now on: a source that says otherwise asks (FieldConflict)."""
    changed = [name for name in OWNERS if getattr(before, name) != getattr(after, name)]
    if after.source_id is None:  # an officer's company: only what a source has filled in changes hands
        after.origins.filter(field__in=changed).delete()
        return
    for name in changed:
        FieldOrigin.objects.update_or_create(
            company=after, field=name, defaults={"source": None, "editor": by, "at": after.updated_at}
        )


def edit_company(*, company: Company, values: dict[str, Any], as_of: dt.date, by: User | None = None) -> Company:
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
    return save_company(company=company, as_of=as_of, by=by)
