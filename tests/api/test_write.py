"""Writing through the API. CR-05: every field that a caller may not write, posted to every endpoint, changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.test import Client
from rest_framework import serializers

from chains.api.placements import DecisionBody, PlacementViewSet
from chains.models import Placement
from config.api import router
from crm.api.companies import CompanySerializer, CompanyViewSet
from crm.models import Company, Source
from office.models import User
from office.roles import OFFICER
from projects.api.projects import HandoverBody, ProjectSerializer, ProjectViewSet, TransitionBody
from projects.models import Project
from projects.services.update import EDITABLE, edit_project
from tests import factories as make
from tests.api.conftest import Api

pytestmark = pytest.mark.django_db
HERE = "projects/P2026-0001/"


# -- what an officer may write


def test_a_project_is_edited_at_the_version_seen(api: Api, project: Project, carrier: Any) -> None:
    body = {"next_step": "上门走访", "expected_output": "80000000.00", "carrier": None, "track": "land"}
    answer = api.patch(HERE, body, project.version)
    assert answer.status_code == 200, answer.content
    project.refresh_from_db()
    assert (project.next_step, project.expected_output, project.carrier) == ("上门走访", 80_000_000, None)
    assert project.track == "land"
    assert answer["ETag"] == f'"{project.version}"'
    assert answer.json()["version"] == project.version
    assert api.patch(HERE, {"carrier": "tower"}, answer["ETag"]).json()["carrier"] == "tower"


def test_a_transition_and_a_handover_go_through_their_services(api: Api, project: Project, colleague: User) -> None:
    moved = api.post(f"{HERE}transition/", {"stage": "screening"}, project.version)
    assert (moved.status_code, moved.json()["stage"]) == (200, "screening")
    paused = api.post(f"{HERE}transition/", {"side_state": "paused", "reason": "企业暂缓"}, moved["ETag"])
    assert paused.json()["side_state"] == "paused"
    assert project.stage_changes.count() == 3
    given = api.post(f"{HERE}handover/", {"officer": colleague.pk, "reason": "换岗"}, paused["ETag"])
    assert given.status_code == 204, "done, and not his to read any more"
    project.refresh_from_db()
    assert project.officer == colleague


SENSELESS = [
    ("", {"track": "nowhere"}, "track"), ("", {"expected_output": "NaN"}, "expected_output"),
    ("", {"expected_output": "1e30"}, "expected_output"), ("", {"expected_output": 0}, "non_field_errors"),
    ("", {"company": "C999999"}, "company"), ("", {"company": None}, "company"), ("", {"name": ""}, "name"),
    ("", {"name": "长" * 200}, "name"), ("", {"name": ["x"]}, "name"), ("", {"carrier": {"code": "tower"}}, "carrier"),
    ("transition/", {"stage": "signed"}, "non_field_errors"), ("transition/", {}, "non_field_errors"),
    ("transition/", {"stage": "screening", "on": "2999-01-01"}, "on"),
    ("transition/", {"stage": "screening", "on": "1980-01-01"}, "on"), ("transition/", {"stage": "x"}, "stage"),
    ("handover/", {"officer": 10**30, "reason": "x"}, "officer"), ("handover/", {"officer": True, "reason": "x"}, "officer"),
    ("handover/", {"officer": 1}, "reason"),
]


@pytest.mark.parametrize("path", ["", "transition/", "handover/"])
def test_a_senseless_body_is_refused_by_name(api: Api, project: Project, path: str) -> None:
    for body, field in [(body, field) for where, body, field in SENSELESS if where == path]:
        answer = (api.post if path else api.patch)(HERE + path, body, project.version)
        assert answer.status_code == 400, (body, answer.content)
        assert field in answer.json()["errors"], (body, answer.json())
        before = project.version
        project.refresh_from_db()
        assert project.version == before, body


def test_a_track_without_the_stage_is_refused(api: Api, project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(stage="moved_in")
    project.refresh_from_db()
    answer = api.patch(HERE, {"track": "land"}, project.version)
    assert answer.status_code == 400
    assert "没有这个阶段" in str(answer.json()["errors"])


def test_a_company_is_edited_and_its_former_name_kept(api: Api, company: Company) -> None:
    company.refresh_from_db()
    body = {"name": "示例新名公司", "products": [{"name": "芯片", "revenue_share": 0.6}], "registered_capital": "12000000"}
    answer = api.patch(f"companies/{company.code}/", body, company.version)
    assert answer.status_code == 200, answer.content
    company.refresh_from_db()
    assert (company.name, company.registered_capital_currency) == ("示例新名公司", "CNY")
    assert company.former_names.get().name == "示例芯片公司"
    assert company.products == [{"name": "芯片", "revenue_share": 0.6}]


SENSELESS_COMPANY = [
    ({"products": [{"name": "甲", "revenue_share": "nan"}]}, "products"), ({"products": {"a": 1}}, "products"),
    ({"products": [{"name": "甲", "revenue_share": 0.7}, {"name": "乙", "revenue_share": 0.7}]}, "products"),
    ({"products": [{"name": "甲", "owner": "x"}]}, "products"), ({"employees": 10**30}, "employees"),
    ({"district_code": "999999"}, "district_code"), ({"annual_revenue": "-1"}, "non_field_errors"),
    ({"industry": "0000"}, "industry"),
]


def test_a_senseless_company_is_refused_by_name(api: Api, company: Company) -> None:
    company.refresh_from_db()
    for body, field in SENSELESS_COMPANY:
        answer = api.patch(f"companies/{company.code}/", body, company.version)
        assert answer.status_code == 400, (body, answer.content)
        assert field in answer.json()["errors"], (body, answer.json())


def test_what_a_source_keeps_is_refused_by_name(api: Api, company: Company) -> None:
    Company.objects.filter(pk=company.pk).update(source=Source.objects.create(code="s", name="库"))
    company.refresh_from_db()
    answer = api.patch(f"companies/{company.code}/", {"name": "改名", "employees": 9}, company.version)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["name"]
    assert api.patch(f"companies/{company.code}/", {"employees": 9}, company.version).status_code == 200


def test_a_placement_is_decided(api: Api, placement: Placement, officer: User) -> None:
    answer = api.post(f"placements/{placement.pk}/decide/", {"confirmed": True}, 1)
    assert answer.status_code == 200, answer.content
    placement.refresh_from_db()
    assert (placement.state, placement.probability, placement.decided_by) == ("confirmed", 1.0, officer)
    stale = api.post(f"placements/{placement.pk}/decide/", {"confirmed": False}, 1)
    assert stale.status_code == 412
    assert stale.json()["current"]["state"] == "confirmed"
    assert stale.json()["yours"] == {"confirmed": False}


# -- the version


ENDPOINTS = [
    ("patch", "projects/P2026-0001/", {"next_step": "新"}),
    ("post", "projects/P2026-0001/transition/", {"stage": "screening"}),
    ("post", "projects/P2026-0001/handover/", {"officer": 0, "reason": "换岗"}),
    ("patch", "companies/{company}/", {"address": "示例路 2 号"}),
    ("post", "placements/{placement}/decide/", {"confirmed": True}),
]


@pytest.fixture
def world(project: Project, placement: Placement, colleague: User) -> dict[str, Any]:
    return {"company": project.company.code, "placement": placement.pk, "colleague": colleague.pk}


def ready(entry: tuple[str, str, dict[str, Any]], world: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    method, path, body = entry
    return method, path.format(**world), {**body, "officer": world["colleague"]} if "officer" in body else dict(body)


UNSEEN = [(None, 428), ("*", 428), ('"99"', 412), ('W/"1"', 412), ("1", 412), ('"1', 412)]


@pytest.mark.parametrize("entry", ENDPOINTS, ids=lambda entry: entry[1])
def test_without_the_version_seen_nothing_is_written(api: Api, world: dict[str, Any], entry: Any) -> None:
    method, path, body = ready(entry, world)
    before = state()
    for version, status in UNSEEN:
        answer = api.send(method, path, body, version)
        assert answer.status_code == status, (version, answer.content)
        assert state() == before, version
        if status == 412:
            assert answer.json()["yours"] == body
            assert answer.json()["current"]["version"] >= 1
            assert answer["ETag"] == f'"{answer.json()["current"]["version"]}"'


# -- CR-05


def state() -> dict[str, list[Any]]:
    """Every row that the API could touch, in every column."""
    labels = (
        "projects.Project", "projects.Carrier", "projects.Commitment", "projects.StageChange", "projects.OfficerAssignment",
        "crm.Company", "crm.CompanyIdentifier", "crm.CompanyName", "chains.Chain", "chains.Placement", "chains.GapReport",
        "office.User",
    )
    return {label: list(apps.get_model(label)._default_manager.order_by("pk").values()) for label in labels}


def read_only_names(view: Any, body: type[serializers.BaseSerializer]) -> Iterator[str]:
    """All that the model or any serializer calls by a name, and the body does not offer."""
    offered = {name for name, field in body._declared_fields.items() if not field.read_only}
    meta = getattr(body, "Meta", None)
    if meta is not None:
        offered |= set(meta.fields) - set(meta.read_only_fields) - {
            name for name, field in body._declared_fields.items() if field.read_only
        }
    names = {field.name for field in view.model._meta.get_fields()} | {
        field.attname for field in view.model._meta.concrete_fields
    } | set(view.serializer_class.Meta.fields) | {"pk", "is_superuser", "__class__", "_state"}
    yield from sorted(names - offered)


BODIES = {
    "api-project-detail": (ProjectViewSet, ProjectSerializer), "api-project-transition": (ProjectViewSet, TransitionBody),
    "api-project-handover": (ProjectViewSet, HandoverBody), "api-company-detail": (CompanyViewSet, CompanySerializer),
    "api-placement-decide": (PlacementViewSet, DecisionBody),
}
NAMES = {
    "api-project-detail": ENDPOINTS[0], "api-project-transition": ENDPOINTS[1], "api-project-handover": ENDPOINTS[2],
    "api-company-detail": ENDPOINTS[3], "api-placement-decide": ENDPOINTS[4],
}


def writing_routes() -> set[str]:
    found = set()
    for pattern in router.urls:
        if (set(pattern.callback.actions) & set(pattern.callback.cls.http_method_names)) - {"get", "head"}:
            found.add(pattern.name)
    return found


def test_every_endpoint_that_writes_is_tried() -> None:
    assert writing_routes() == set(BODIES) == set(NAMES)


VALUES = ["signed", 99, True, "2020-01-01", None]


def changed_by(api: Api, world: dict[str, Any], route: str) -> list[str]:
    """The names that, sent beside a good body, were accepted or changed something."""
    method, path, body = ready(NAMES[route], world)
    wrong = []
    version = api.get(path.split("/transition")[0].split("/handover")[0].split("/decide")[0].rstrip("/") + "/")["ETag"]
    before = state()  # each attempt is undone, so that all begin here
    for name in read_only_names(*BODIES[route]):
        with transaction.atomic():
            answers = [api.send(method, path, {**body, name: value}, version) for value in VALUES]
            refused = all(answer.status_code == 400 and name in answer.json()["errors"] for answer in answers)
            if not refused or state() != before:
                wrong.append(name)
            transaction.set_rollback(True)
    return wrong


@pytest.mark.parametrize("route", sorted(BODIES))
def test_no_read_only_field_can_be_written(api: Api, world: dict[str, Any], route: str) -> None:
    assert len(list(read_only_names(*BODIES[route]))) > 10
    assert changed_by(api, world, route) == []


def test_canary_a_writable_stage_is_caught(api: Api, world: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A serializer that forgets that stages are moved, not set, behind a service that sets what it is given."""
    monkeypatch.setattr("projects.services.update.EDITABLE", [*EDITABLE, "stage", "is_sample"])

    class Careless(ProjectSerializer):
        stage = serializers.ChoiceField(["signed"])
        is_sample = serializers.BooleanField()

    monkeypatch.setattr("projects.api.projects.ProjectSerializer", Careless)
    assert set(changed_by(api, world, "api-project-detail")) == {"is_sample", "stage"}


def test_the_service_itself_refuses_what_is_not_an_officers(project: Project, officer: User) -> None:
    with pytest.raises(ValueError, match="stage"):
        edit_project(project=project, values={"stage": "signed"}, by=officer, on=make.DAY)


# -- bodies


@pytest.mark.parametrize(("body", "kind", "status"), [
    ("[" * 20_000 + "]" * 20_000, "application/json", 400), ('{"a":' * 20_000 + "1" + "}" * 20_000, "application/json", 400),
    ("[]", "application/json", 400), ("null", "application/json", 400), ("{", "application/json", 400),
    ('{"name": "\\u0000"}', "application/json", 400), ('{"name": "\\ud800"}', "application/json", 400),
    ('{"expected_output": NaN}', "application/json", 400), ('{"expected_output": 1e999}', "application/json", 400),
    ('{"expected_output": ' + "9" * 10_000 + "}", "application/json", 400), (b"\xff\xfe{}", "application/json", 400),
    ("name=x", "application/x-www-form-urlencoded", 415), ("<a/>", "text/xml", 415),
    (json.dumps({"name": "x" * 2_000_000}), "application/json", 413),
])
def test_hostile_bodies_end_in_an_answer(api: Api, project: Project, body: Any, kind: str, status: int) -> None:
    before = state()
    answer = api.client.patch(f"/api/v1/{HERE}", body, content_type=kind, headers={"If-Match": f'"{project.version}"'})
    assert answer.status_code == status, answer.content[:300]
    assert answer["Content-Type"] == "application/json"
    assert state() == before


def test_no_write_without_the_csrf_token(project: Project, officer: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(officer)
    answer = strict.patch(
        f"/api/v1/{HERE}", {"next_step": "x"}, content_type="application/json", headers={"If-Match": f'"{project.version}"'},
    )
    assert answer.status_code == 403
    assert "CSRF" in answer.json()["detail"]


def test_nobody_creates_deletes_or_replaces(api: Api, project: Project) -> None:
    for method, path in (("post", "projects/"), ("put", HERE), ("delete", HERE), ("post", "companies/"), ("options", HERE)):
        answer = getattr(api.client, method)(f"/api/v1/{path}", {}, content_type="application/json")
        assert answer.status_code == 405
        assert "不被允许" in answer.json()["detail"]


def test_a_project_cannot_be_moved_to_a_company_out_of_sight(api: Api, project: Project, monkeypatch: Any) -> None:
    from office import scope

    hidden = make.company("看不到的公司", number=9)
    real = scope.visible_to
    monkeypatch.setattr("office.api_input.scope.visible_to", lambda user, rows: real(user, rows).exclude(pk=hidden.pk)
                        if getattr(rows, "model", rows) is Company else real(user, rows))
    answer = api.patch(HERE, {"company": hidden.code}, project.version)
    assert answer.status_code == 400
    assert "company" in answer.json()["errors"]


def test_a_person_without_the_role_is_no_officer(api: Api, project: Project) -> None:
    outsider = make.user("outsider")
    answer = api.post(f"{HERE}handover/", {"officer": outsider.pk, "reason": "x"}, project.version)
    assert answer.status_code == 400
    assert "officer" in answer.json()["errors"]
    assert User.objects.filter(groups__name=OFFICER).exists()
