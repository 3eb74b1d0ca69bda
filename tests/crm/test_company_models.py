from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from crm.models import Company, CompanyGrade, CompanyIdentifier, CompanyName, IndustryCode
from crm.sandbox.generate import uscc_for
from crm.services.load_codes import load_codes
from crm.services.save_company import save_company

pytestmark = pytest.mark.django_db
DAY = dt.date(2026, 11, 23)


def make(**values: Any) -> Company:
    return Company.objects.create(**({"name": "深圳市砚檀示例有限公司", "district_code": "440303"} | values))


def test_a_company_gets_its_code_and_its_standing_from_the_database() -> None:
    one, two = make(), make()
    assert one.code.startswith("C")
    assert len(one.code) == 7
    assert one.code != two.code
    assert one.is_operating is True
    one.status = "moved_out"
    one.save()
    assert one.is_operating is False
    assert (str(one), one.district_name, one.street_name, one.industry_name) == (one.name, "罗湖区", "", "")


@pytest.mark.parametrize(
    ("status", "operating"),
    [
        ("active", True),
        ("moved_in", True),
        ("suspended", False),
        ("revoked", False),
        ("removed", False),
        ("liquidation", False),
    ],
)
def test_which_statuses_operate(status: str, operating: bool) -> None:
    assert make(status=status).is_operating is operating


@pytest.mark.parametrize(
    "values",
    [
        {"status": "happy"},
        {"name": ""},
        {"district_code": "罗湖"},
        {"district_code": "4403"},
        {"street_code": "1"},
        {"registered_capital": -1},
        {"annual_revenue": 5},
        {"annual_revenue": -5, "revenue_year": 2025},
    ],
)
def test_the_database_refuses(values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make(**values)


@pytest.mark.parametrize(
    ("values", "field"), [({"district_code": "999999"}, "district_code"), ({"street_code": "440304001"}, "street_code")]
)
def test_forms_refuse_places_that_do_not_exist(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Company(**({"name": "甲", "district_code": "440303"} | values)).full_clean()
    assert field in caught.value.message_dict


def test_one_live_code_a_company_and_one_company_a_live_code() -> None:
    one, two = make(), make()
    CompanyIdentifier.objects.create(company=one, value=uscc_for(1))
    for company, value in ((one, uscc_for(2)), (two, uscc_for(1))):
        with pytest.raises(IntegrityError), transaction.atomic():
            CompanyIdentifier.objects.create(company=company, value=value)
    CompanyIdentifier.objects.update(valid_to=DAY)
    assert str(CompanyIdentifier.objects.create(company=two, value=uscc_for(1))) == uscc_for(1)


def test_codes_are_checked_in_forms_and_made_compact() -> None:
    alias = CompanyIdentifier(company=make(), value=" " + uscc_for(3).lower())
    alias.full_clean()
    assert alias.value == uscc_for(3)
    with pytest.raises(ValidationError, match="校验位"):
        CompanyIdentifier(
            company=make(), value=uscc_for(3)[:-1] + ("0" if uscc_for(3)[-1] != "0" else "1")
        ).full_clean()


@pytest.mark.parametrize("end", [dt.date(2026, 1, 1), dt.date(2025, 12, 31)])
def test_periods_end_after_they_start(end: dt.date) -> None:
    company, start = make(), dt.date(2026, 1, 1)
    for model, values in (
        (CompanyGrade, {"grade": "listed"}),
        (CompanyName, {"name": "旧"}),
        (CompanyIdentifier, {"value": "1"}),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.create(company=company, valid_from=start, valid_to=end, **values)


def test_a_grade_is_known_and_granted_once_a_day() -> None:
    company = make()
    grade = CompanyGrade.objects.create(company=company, grade="unicorn", valid_from=DAY)
    assert str(grade) == "独角兽企业"
    for values in ({"grade": "best", "valid_from": DAY}, {"grade": "unicorn", "valid_from": DAY}):
        with pytest.raises(IntegrityError), transaction.atomic():
            CompanyGrade.objects.create(company=company, **values)


def test_saving_by_hand_keeps_derived_columns_in_step() -> None:
    load_codes()
    jewellery = IndustryCode.objects.get(code="2438")
    company = save_company(
        company=Company(name="深圳市砚檀珠宝有限公司", industry=jewellery, district_code="440303"), as_of=DAY
    )
    assert (company.name_initials, company.industry_code, company.version) == ("szsytzbyxgs", "2438", 1)
    company.name = "深圳市新檀珠宝有限公司"
    save_company(company=company, as_of=DAY)
    assert company.version == 2
    assert company.former_names.get().name == "深圳市砚檀珠宝有限公司"
    save_company(company=company, as_of=DAY)
    assert company.former_names.count() == 1
