"""People: an officer with the rights of the role, an onlooker who may only look (the auditor), a stranger without a role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.models import Company, CompanyEvent, CompanyGrade, CompanyIdentifier, CompanyName, Source, SyncIssue, SyncRun
from crm.sandbox.generate import uscc_for
from crm.services.load_codes import load_codes
from crm.services.save_company import save_company
from office.roles import AUDITOR, OFFICER
from tests.crm.conftest import AS_OF
from tests.factories import user

pytestmark = pytest.mark.django_db
LIST = "admin:crm_company_changelist"


@pytest.fixture
def sign_in() -> Callable[..., Client]:
    def sign(name: str, *roles: str) -> Client:
        client = Client()
        client.force_login(user(name, *roles))
        return client

    return sign


@pytest.fixture
def officer(sign_in: Callable[..., Client]) -> Client:
    return sign_in("officer", OFFICER)


def make(name: str, number: int, **values: Any) -> Company:
    company = save_company(company=Company(name=name, district_code="440303", **values), as_of=AS_OF)
    CompanyIdentifier.objects.create(company=company, value=uscc_for(number))
    return company


def listed(client: Client, **query: str) -> list[str]:
    response = client.get(reverse(LIST), query)
    assert response.status_code == 200
    return [company.name for company in response.context["cl"].result_list]


def test_search_by_name_initials_code_and_former_name(officer: Client) -> None:
    jewel = make("深圳市砚檀珠宝有限公司", 1, short_name="砚檀")
    make("深圳市霁芃电池有限公司", 2)
    CompanyName.objects.create(company=jewel, name="深圳市旧日首饰有限公司")
    for term in (
        "砚檀",
        "珠宝",
        "ytzb",
        "YTZB",
        "yantanzhubao",
        uscc_for(1),
        uscc_for(1).lower(),
        jewel.code,
        "旧日首饰",
    ):
        assert listed(officer, q=term) == [jewel.name], term
    assert listed(officer, q="不存在") == []
    assert len(listed(officer, q="")) == 2
    assert len(listed(officer, q="\x00")) == 2


def test_filters(officer: Client) -> None:
    load_codes()
    jewel, battery = make("甲珠宝", 1), make("乙电池", 2)
    Company.objects.filter(pk=battery.pk).update(district_code="440306", status="revoked")
    Company.objects.filter(pk=jewel.pk).update(industry=_industry("2438"))
    Company.objects.filter(pk=battery.pk).update(industry=_industry("6513"))
    CompanyGrade.objects.create(company=jewel, grade="high_tech", valid_from="2020-01-01", valid_to="2023-01-01")
    CompanyGrade.objects.create(company=battery, grade="high_tech", valid_from="2020-01-01")
    assert listed(officer, district="440303") == ["甲珠宝"]
    assert listed(officer, status__exact="revoked") == ["乙电池"]
    assert listed(officer, section="C") == ["甲珠宝"]
    assert listed(officer, grade="high_tech") == ["乙电池"], "an expired grade does not count"


def _industry(code: str) -> Any:
    from crm.models import IndustryCode

    return IndustryCode.objects.get(code=code)


def test_the_list_takes_the_same_queries_for_few_and_many(officer: Client) -> None:
    counts = []
    for size in (2, 45):
        for number in range(Company.objects.count(), size):
            company = make(f"公司{number}", number + 10, industry_code="2438")
            CompanyGrade.objects.create(company=company, grade="gazelle", valid_from="2024-01-01")
        with CaptureQueriesContext(connection) as queries:
            assert len(listed(officer)) == size
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.fixture
def synced() -> Company:
    source = Source.objects.create(code="sandbox", name="示例企业库")
    company = make("来自数据源的企业", 1)
    Company.objects.filter(pk=company.pk).update(source=source)
    run = SyncRun.objects.create(source=source, slot="one", mode="full", counts={"NEW": 1})
    CompanyEvent.objects.create(
        company=company, run=run, kind="update", before={"employees": 1}, after={"employees": 2}
    )
    CompanyGrade.objects.create(company=company, grade="listed", valid_from="2024-01-01", source=source)
    SyncIssue.objects.create(run=run, source_key="SZ2", field="creditCode", reason="校验位不符")
    return company


def test_what_a_source_keeps_is_read_only(officer: Client, synced: Company) -> None:
    page = officer.get(reverse("admin:crm_company_change", args=[synced.pk])).content.decode()
    assert uscc_for(1) in page
    assert f'value="{uscc_for(1)}"' not in page, "the code is shown, not offered for editing"
    assert "上市企业" in page
    assert "employees" in page


def test_what_a_person_entered_can_be_edited(officer: Client) -> None:
    company = make("人工录入的企业", 5)
    page = officer.get(reverse("admin:crm_company_change", args=[company.pk])).content.decode()
    assert f'value="{uscc_for(5)}"' in page


def blank_inlines(company: Company | None, **values: str) -> dict[str, str]:
    sets = ("identifiers", "former_names", "grades", "grades-2", "contacts", "events", "placements", "projects", "projects-2")
    data = {f"{name}-{key}": "0" for name in sets for key in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS")}
    if company is not None:
        company.refresh_from_db()
        data["seen_version"] = str(company.version)
    base = {
        "name": "深圳市手录示例有限公司",
        "short_name": "",
        "status": "active",
        "district_code": "440303",
        "street_code": "",
        "address": "",
        "products": "[]",
        "business_scope": "",
    }
    return data | base | values


def test_an_officer_adds_a_company_with_its_code(officer: Client) -> None:
    code = {"identifiers-TOTAL_FORMS": "1", "identifiers-0-scheme": "uscc", "identifiers-0-value": uscc_for(8).lower()}
    response = officer.post(reverse("admin:crm_company_add"), blank_inlines(None, **code))
    assert response.status_code == 302, response.context["errors"]
    company = Company.objects.get()
    assert (company.name_initials, company.identifiers.get().value) == ("szsslslyxgs", uscc_for(8))


def test_a_wrong_code_is_refused_in_chinese(officer: Client) -> None:
    code = {"identifiers-TOTAL_FORMS": "1", "identifiers-0-scheme": "uscc", "identifiers-0-value": "91000000MA0000000X"}
    response = officer.post(reverse("admin:crm_company_add"), blank_inlines(None, **code))
    assert response.status_code == 200
    assert "校验位不符" in response.content.decode()
    assert not Company.objects.exists()


def test_an_edit_raises_the_version(officer: Client) -> None:
    company = make("深圳市手录示例有限公司", 9)
    CompanyIdentifier.objects.all().delete()
    response = officer.post(
        reverse("admin:crm_company_change", args=[company.pk]), blank_inlines(company, short_name="手录")
    )
    assert response.status_code == 302
    before = company.version
    company.refresh_from_db()
    assert company.short_name == "手录"
    assert company.version > before


@pytest.mark.parametrize("model", ["syncrun", "syncissue", "source", "industrycode"])
def test_the_programs_books_can_be_read_and_not_written(officer: Client, synced: Company, model: str) -> None:
    load_codes()
    assert officer.get(reverse(f"admin:crm_{model}_changelist")).status_code == 200
    assert officer.get(reverse(f"admin:crm_{model}_changelist"), {"q": "5"}).status_code == 200
    assert officer.get(reverse(f"admin:crm_{model}_add")).status_code == 403


def test_companies_cannot_be_deleted_by_anybody(officer: Client, synced: Company, admin_client: Client) -> None:
    for client in (officer, admin_client):
        assert client.post(reverse("admin:crm_company_delete", args=[synced.pk]), {"post": "yes"}).status_code == 403
    assert Company.objects.count() == 1


def test_an_onlooker_may_look_and_a_stranger_may_not(sign_in: Callable[..., Client], synced: Company) -> None:
    onlooker, stranger = sign_in("onlooker", AUDITOR), sign_in("stranger")
    assert onlooker.get(reverse(LIST)).status_code == 200
    assert onlooker.get(reverse("admin:crm_company_add")).status_code == 403
    assert (
        onlooker.post(reverse("admin:crm_company_change", args=[synced.pk]), blank_inlines(synced)).status_code == 403
    )
    assert stranger.get(reverse(LIST)).status_code == 403
    assert stranger.get(reverse("admin:crm_company_change", args=[synced.pk])).status_code == 403
