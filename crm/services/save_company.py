from __future__ import annotations

import datetime as dt

from django.db import transaction

from crm.models import Company, CompanyName
from crm.sync.records import pinyin_of


def save_company(*, company: Company, as_of: dt.date) -> Company:
    """Save a company that a person entered or edited: derived columns, former name and version follow."""
    with transaction.atomic():
        before = Company.objects.select_for_update().filter(pk=company.pk).first() if company.pk else None
        for column, value in pinyin_of(company.name).items():
            setattr(company, column, value)
        if company.industry is not None:
            company.industry_code = company.industry.code
        if before is not None:
            company.version = before.version + 1
        company.save()
        if before is not None and before.name != company.name:
            CompanyName.objects.get_or_create(company=company, name=before.name, defaults={"valid_to": as_of})
    return company
