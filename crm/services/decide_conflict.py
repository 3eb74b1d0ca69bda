"""Somebody decides whose word stands: ours, or the source's."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from crm.models import Company, FieldConflict, FieldOrigin, IndustryCode, SourceLink
from crm.services.save_company import save_company
from office.models import User
from office.money import YUAN, format_yuan


class DecisionRefused(Exception):
    """Nothing was changed; the text says why and what to do."""


def decide_conflict(*, conflict: int, take: bool, by: User, now: dt.datetime) -> FieldConflict:
    """`take`: the source's value goes into the company and is the source's word again. Otherwise ours stays, and the source
    may repeat itself without asking again. Raises DecisionRefused."""
    with transaction.atomic():
        company_id = FieldConflict.objects.values_list("company", flat=True).get(pk=conflict)
        company = Company.objects.select_for_update(of=("self",)).get(pk=company_id)  # as the merge: the company first
        found = FieldConflict.objects.select_for_update(of=("self",)).select_related("source").get(pk=conflict)
        _check(found)
        if take:
            _take(found, company, by, now)
        found.state = FieldConflict.State.TAKEN if take else FieldConflict.State.KEPT
        found.decided_by, found.decided_at = by, now
        found.save(update_fields=["state", "decided_by", "decided_at"])
    return found


def _check(conflict: FieldConflict) -> None:
    if conflict.state != FieldConflict.State.OPEN:
        raise DecisionRefused(f"这条分歧已经处理：{conflict.get_state_display()}")
    with connection.cursor() as db:  # compared as the merge does, in the database's own spelling of JSON
        db.execute(
            "SELECT to_jsonb(c) -> x.field IS NOT DISTINCT FROM coalesce(x.ours, 'null') FROM crm_fieldconflict x"
            " JOIN crm_company c ON c.id = x.company_id WHERE x.id = %s", [conflict.pk],
        )
        same = db.fetchone()[0]
    if not same:
        raise DecisionRefused("企业页上的值在分歧登记之后又改过；请到企业页核对，下次同步会重新比较")


def _take(conflict: FieldConflict, company: Company, by: User, now: dt.datetime) -> None:
    values = _values(conflict.field, conflict.theirs, company)
    for name, value in values.items():
        setattr(company, name, value)
    try:
        others = {field.name for field in Company._meta.fields} - values.keys()
        company.full_clean(exclude=others)
    except ValidationError as error:
        raise DecisionRefused(f"数据源的值不能采用：{'；'.join(error.messages)}") from error
    save_company(company=company, as_of=timezone.localdate(now), by=by)
    _give_back(conflict, company, now)


def _give_back(conflict: FieldConflict, company: Company, now: dt.datetime) -> None:
    """From now on it is the source's word: no row says so for the company's own source."""
    origin = {"company": company, "field": conflict.field}
    if company.source_id == conflict.source_id:
        FieldOrigin.objects.filter(**origin).delete()
    else:
        FieldOrigin.objects.update_or_create(**origin, defaults={"source": conflict.source, "editor": None, "at": now})
    # What goes with the field (a year, a currency) came in the same record: it is read again, though it has not changed.
    SourceLink.objects.filter(company=company, source=conflict.source).update(digest=0)


def _values(field: str, theirs: Any, company: Company) -> dict[str, Any]:
    """Columns to set; the JSON of a conflict holds dates and amounts as the database wrote them."""
    value = Company._meta.get_field(field).to_python(Decimal(str(theirs)) if isinstance(theirs, float) else theirs)
    if field == "industry_code":
        return {"industry_code": value, "industry": IndustryCode.objects.filter(code=value).first()}
    if field == "registered_capital":
        text = "" if value is None else format_yuan(value)
        return {field: value, "registered_capital_currency": "" if value is None else YUAN, "registered_capital_text": text}
    if field == "annual_revenue" and company.revenue_year is None:
        raise DecisionRefused("数据源的营业收入没有随附年度，本企业也未填年度：请先在企业页填写营收年度")
    if field == "district_code" and company.street_code and not company.street_code.startswith(str(value)):
        return {field: value, "street_code": ""}
    return {field: value}
