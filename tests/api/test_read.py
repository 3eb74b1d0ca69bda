"""Reading through the API: first that it works, then each refusal."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chains.models import Placement
from config.api import router
from crm.models import Company
from office.models import User
from office.roles import ADMINISTRATOR, AUDITOR, OPERATOR
from projects.models import CarrierOperator, Project
from tests import factories as make
from tests.api.conftest import Api

pytestmark = pytest.mark.django_db
LISTS = ["companies", "projects", "carriers", "chains", "placements", "gap-reports"]


@pytest.fixture
def everything(project: Project, placement: Placement, report: Any) -> None:
    pass


def operator(carrier: Any) -> Api:
    from django.db.backends.postgresql.psycopg_any import DateRange

    person = make.user("operator", OPERATOR)
    CarrierOperator.objects.create(carrier=carrier, user=person, term=DateRange(make.DAY.replace(year=2020), None))
    return Api(person)


def test_every_resource_is_known_to_these_tests() -> None:
    assert [prefix for prefix, _view, _name in router.registry] == LISTS


@pytest.mark.parametrize("name", LISTS)
def test_lists_and_details(api: Api, everything: None, name: str) -> None:
    listed = api.get(f"{name}/")
    assert listed.status_code == 200, listed.content
    first = listed.json()["results"][0]
    key = first["id"] if name in ("placements", "gap-reports") else first["code"]
    shown = api.get(f"{name}/{key}/")
    assert shown.status_code == 200, shown.content
    assert first.items() <= shown.json().items()
    if "version" in first:
        assert shown["ETag"] == f'"{first["version"]}"'
    else:
        assert "ETag" not in shown


def test_a_report_comes_with_its_rows_and_a_project_with_its_commitments(api: Api, everything: None, report: Any) -> None:
    whole = api.get(f"gap-reports/{report.pk}/").json()
    assert [row["code"] for row in whole["rows"]] == list(report.rows.values_list("code", flat=True))
    promised = api.get("projects/P2026-0001/commitments/").json()
    assert [(row["metric"], row["amount"]) for row in promised["results"]] == [("tax", "1000000.00")]


def test_pages_filters_and_order(api: Api, project: Project, colleague: User) -> None:
    for number in range(2, 7):
        make.company(f"示例企业{number}", number=number, revenue=number * 1_000_000)
    page = api.get("companies/", limit=2, offset=2, ordering="-name").json()
    assert (page["count"], len(page["results"])) == (6, 2)
    assert page["next"]
    assert [row["name"] for row in api.get("companies/", name="企业3").json()["results"]] == ["示例企业3"]
    assert api.get("projects/", stage="lead", carrier="tower").json()["count"] == 1
    assert api.get("projects/", stage="signed").json()["count"] == 0


SENSELESS = [
    {"limit": "9" * 30}, {"limit": "-1"}, {"limit": "0"}, {"limit": "201"}, {"limit": "\x00"}, {"limit": "٣"}, {"limit": ""},
    {"offset": "9" * 30}, {"offset": "-1"}, {"offset": "x"}, {"ordering": "officer__password"}, {"ordering": "\x00"},
    {"ordering": ""}, {"password": "x"}, {"status": "\x00"}, {"name": "\x00"}, {"district_code": "9" * 30},
]


def test_a_senseless_question_is_refused_by_name(api: Api, company: Company) -> None:
    for query in SENSELESS:
        answer = api.get("companies/", **query)
        assert answer.status_code == 400, query
        assert next(iter(query)) in answer.json()["errors"], query


HOSTILE = ["9" * 30, "-1", "%00", "a%00b", "%F0%9F%92%A9", "1.5", "%20", "x" * 500]


@pytest.mark.parametrize("name", LISTS)
def test_a_hostile_key_ends_in_400_or_404(api: Api, everything: None, name: str) -> None:
    for key in HOSTILE:
        assert api.get(f"{name}/{key}/").status_code in (400, 404), key
        assert api.client.get(f"/api/v1/{name}/").status_code == 200, key


# -- who sees what


def test_nobody_without_signing_in(everything: None) -> None:
    for name in LISTS:
        assert Api(None).get(f"{name}/").status_code == 403


@pytest.mark.parametrize("name", LISTS)
def test_the_administrator_has_no_business_data(everything: None, name: str) -> None:
    assert Api(make.user("sysadmin", ADMINISTRATOR)).get(f"{name}/").status_code == 403


def test_a_colleagues_project_is_not_there(colleague: User, project: Project) -> None:
    other = Api(colleague)
    assert other.get("projects/").json()["count"] == 0
    for path in ("projects/P2026-0001/", "projects/P2026-0001/commitments/"):
        assert other.get(path).status_code == 404
    assert other.patch("projects/P2026-0001/", {"name": "x"}, project.version).status_code == 404
    assert other.post("projects/P2026-0001/transition/", {"stage": "screening"}, project.version).status_code == 404


def test_an_auditor_reads_and_does_not_write(project: Project, placement: Placement) -> None:
    auditor = Api(make.user("auditor", AUDITOR))
    assert auditor.get("projects/P2026-0001/").status_code == 200
    for answer in (
        auditor.patch("projects/P2026-0001/", {"name": "x"}, project.version),
        auditor.patch(f"companies/{project.company.code}/", {"name": "x"}, project.company.version),
        auditor.post("projects/P2026-0001/transition/", {"stage": "screening"}, project.version),
        auditor.post("projects/P2026-0001/handover/", {"officer": 1, "reason": "x"}, project.version),
        auditor.post(f"placements/{placement.pk}/decide/", {"confirmed": True}, 1),
    ):
        assert answer.status_code == 403


def test_hidden_columns_are_neither_shown_nor_sorted_nor_filtered_by(project: Project) -> None:
    other = operator(project.carrier)
    shown = other.get("projects/P2026-0001/").json()
    assert shown["name"] == project.name
    assert not {"total_investment", "expected_output", "next_step"} & shown.keys()
    assert "annual_revenue" not in other.get("companies/").json()["results"][0]
    assert other.get("projects/", ordering="expected_output").status_code == 400
    assert other.get("companies/", ordering="-annual_revenue").status_code == 400


def test_canary_without_the_masks_the_operator_would_see_the_amounts(project: Project, monkeypatch: Any) -> None:
    from office import scope

    monkeypatch.setattr(scope, "hidden_fields", lambda user, model: frozenset())
    assert "expected_output" in operator(project.carrier).get("projects/P2026-0001/").json()


@pytest.mark.parametrize("name", ["companies", "projects", "placements"])
def test_lists_ask_the_same_questions_for_2_and_20_rows(api: Api, officer: User, chain: Any, name: str) -> None:
    counts = []
    for size in (2, 2, 20):
        for number in range(Project.objects.count(), size):
            who = make.company(f"企业{number}", number=number + 1)
            make.project(officer, who, code=f"P2026-{number:04d}")
            make.place(chain, "chip", who)
        with CaptureQueriesContext(connection) as asked:
            assert len(api.get(f"{name}/").json()["results"]) == size
        counts.append(len(asked))
    assert counts[1] == counts[2]
