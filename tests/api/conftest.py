"""The bureau in small: two officers, a chain, a carrier, a company entered by hand, a project of the first officer."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from chains.models import Chain, Placement
from chains.services.make_report import make_report
from crm.models import Company
from office.models import User
from office.roles import OFFICER
from projects.models import Carrier, Commitment, Project, Zone
from tests import factories as make


class Api:
    """A signed-in client that speaks JSON."""

    def __init__(self, user: User | None) -> None:
        self.client = Client()
        if user is not None:
            self.client.force_login(user)

    def get(self, path: str, **params: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", params)

    def send(self, method: str, path: str, body: Any, version: Any = None, **headers: str) -> Any:
        if version is not None:
            headers["If-Match"] = version if isinstance(version, str) else f'"{version}"'
        call = getattr(self.client, method)
        return call(f"/api/v1/{path}", body, content_type="application/json", headers=headers)

    def patch(self, path: str, body: Any, version: Any = None, **headers: str) -> Any:
        return self.send("patch", path, body, version, **headers)

    def post(self, path: str, body: Any, version: Any = None, **headers: str) -> Any:
        return self.send("post", path, body, version, **headers)


@pytest.fixture
def officer() -> User:
    return make.user("officer", OFFICER)


@pytest.fixture
def colleague() -> User:
    return make.user("colleague", OFFICER)


@pytest.fixture
def api(officer: User) -> Api:
    return Api(officer)


@pytest.fixture
def carrier() -> Carrier:
    zone = Zone.objects.create(code="z", name="片区", kind="area", clause=make.clause())
    return Carrier.objects.create(code="tower", name="示例大厦", kind="building", zone=zone, clause=make.clause(), area_sqm=900)


@pytest.fixture
def company() -> Company:
    return make.company("示例芯片公司", district="440303")


@pytest.fixture
def project(officer: User, company: Company, carrier: Carrier) -> Project:
    made = make.project(officer, company, carrier=carrier, expected_output=60_000_000)
    Commitment.objects.create(project=made, metric="tax", year=2027, amount=1_000_000)
    made.refresh_from_db()
    return made


@pytest.fixture
def chain() -> Chain:
    return make.chain()


@pytest.fixture
def placement(chain: Chain, company: Company) -> Placement:
    return make.place(chain, "chip", company)


@pytest.fixture
def report(chain: Chain, placement: Placement, officer: User) -> Any:
    return make_report(chain=chain, as_of=make.DAY, now=make.NOW, by=officer).report
