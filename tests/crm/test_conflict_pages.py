"""A source contradicts an officer: the officer's word stands until somebody decides, and the decision is kept."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.urls import reverse

from crm.models import Company, CompanyName, FieldConflict, FieldOrigin, IndustryCode, Source, SourceLink, SyncRun
from crm.services.decide_conflict import DecisionRefused, decide_conflict
from crm.services.load_codes import load_codes
from office.models import User
from office.roles import DEPARTMENT, OFFICER
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    return Source.objects.create(code="s", name="某源")


@pytest.fixture
def run(source: Source) -> SyncRun:
    return SyncRun.objects.create(source=source, slot="one", mode="full", status="done")


@pytest.fixture
def officer() -> User:
    return make.user("officer", OFFICER)


@pytest.fixture
def company(source: Source) -> Company:
    made = make.company("某某有限公司", address="甲路1号", source=source)
    made.refresh_from_db()
    SourceLink.objects.create(source=source, key="K1", company=made, key_hash=1, digest=99)
    return made


@pytest.fixture
def conflict(company: Company, run: SyncRun, officer: User) -> Callable[..., FieldConflict]:
    def made(field: str, theirs: Any, *, ours: Any = None) -> FieldConflict:
        FieldOrigin.objects.update_or_create(
            company=company, field=field, defaults={"source": None, "editor": officer, "at": make.NOW}
        )
        value = getattr(company, field) if ours is None else ours
        return FieldConflict.objects.create(
            company=company, field=field, source=run.source, run=run, ours=value, theirs=theirs
        )

    return made


def decide(row: FieldConflict, officer: User, *, take: bool) -> FieldConflict:
    return decide_conflict(conflict=row.pk, take=take, by=officer, now=make.NOW)


def test_taking_writes_their_value_and_gives_the_field_back(company: Company, conflict: Any, officer: User) -> None:
    before = company.version
    decided = decide(conflict("address", "乙路2号"), officer, take=True)
    company.refresh_from_db()
    assert (company.address, company.version) == ("乙路2号", before + 1)
    assert not FieldOrigin.objects.exists()
    assert (decided.state, decided.decided_by, decided.decided_at) == ("taken", officer, make.NOW)
    assert SourceLink.objects.get().digest == 0  # so that what came with the field is read again


def test_keeping_changes_nothing_but_the_decision(company: Company, conflict: Any, officer: User) -> None:
    before = company.version
    decided = decide(conflict("address", "乙路2号"), officer, take=False)
    company.refresh_from_db()
    assert (company.address, company.version, decided.state) == ("甲路1号", before, "kept")
    assert FieldOrigin.objects.get().editor == officer


def test_another_sources_value_stays_that_sources_word(company: Company, conflict: Any, officer: User) -> None:
    other = Source.objects.create(code="t", name="另一源")
    row = conflict("address", "乙路2号")
    FieldConflict.objects.filter(pk=row.pk).update(source=other)
    decide(row, officer, take=True)
    origin = FieldOrigin.objects.get()
    assert (origin.source, origin.editor) == (other, None)


def test_a_taken_name_leaves_the_former_one_and_its_pinyin(company: Company, conflict: Any, officer: User) -> None:
    decide(conflict("name", "另名有限公司"), officer, take=True)
    company.refresh_from_db()
    assert company.name_initials.startswith("lm")
    assert CompanyName.objects.get().name == "某某有限公司"


@pytest.mark.parametrize(
    ("field", "theirs", "stored"),
    [
        ("employees", 88, 88), ("established_on", "2020-02-29", dt.date(2020, 2, 29)),
        ("registered_capital", 1.5e6, Decimal(1500000)),
        ("annual_revenue", 2000000.5, Decimal("2000000.5")), ("status", "revoked", "revoked"),
    ],
)
def test_values_of_every_kind(company: Company, conflict: Any, officer: User, field: str, theirs: Any, stored: Any) -> None:
    ours = {"annual_revenue": 100000000.0}.get(field)
    row = conflict(field, theirs, ours=ours)
    FieldConflict.objects.filter(pk=row.pk).update(ours=_as_json(company, field))
    decide(row, officer, take=True)
    company.refresh_from_db()
    assert getattr(company, field) == stored


def _as_json(company: Company, field: str) -> Any:
    """As the merge writes `ours`."""
    with connection.cursor() as db:
        db.execute("SELECT to_jsonb(c) -> %s FROM crm_company c WHERE id = %s", [field, company.pk])
        return json.loads(db.fetchone()[0])


def test_an_industry_is_taken_with_its_row(company: Company, conflict: Any, officer: User) -> None:
    load_codes()
    code = IndustryCode.objects.filter(level=4).order_by("code")[3].code
    decide(conflict("industry_code", code), officer, take=True)
    company.refresh_from_db()
    assert (company.industry_code, company.industry.code) == (code, code)  # type: ignore[union-attr]


def test_a_value_edited_since_is_not_overwritten(company: Company, conflict: Any, officer: User) -> None:
    row = conflict("address", "乙路2号")
    Company.objects.filter(pk=company.pk).update(address="丙路3号")
    for take in (True, False):
        with pytest.raises(DecisionRefused, match="又改过"):
            decide(row, officer, take=take)
    company.refresh_from_db()
    row.refresh_from_db()
    assert (company.address, row.state) == ("丙路3号", "open")


def test_canary_without_the_comparison_it_would_be_overwritten(
    company: Company, conflict: Any, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crm.services import decide_conflict as service

    row = conflict("address", "乙路2号")
    Company.objects.filter(pk=company.pk).update(address="丙路3号")
    monkeypatch.setattr(service, "_check", lambda found: None)
    decide(row, officer, take=True)
    company.refresh_from_db()
    assert company.address == "乙路2号"


def test_a_decision_is_made_once(conflict: Any, officer: User) -> None:
    row = conflict("address", "乙路2号")
    decide(row, officer, take=False)
    with pytest.raises(DecisionRefused, match="已经处理"):
        decide(row, officer, take=True)


def test_a_value_that_breaks_a_law_is_refused(company: Company, conflict: Any, officer: User) -> None:
    row = conflict("registered_capital", -5)
    FieldConflict.objects.filter(pk=row.pk).update(ours=_as_json(company, "registered_capital"))
    with pytest.raises(DecisionRefused, match="不能"):
        decide(row, officer, take=True)
    row.refresh_from_db()
    assert row.state == "open"


# --- pages -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def client_of(officer: User) -> Client:
    client = Client()
    client.force_login(officer)
    return client


def said(answer: Any) -> str:
    return "".join(str(message) for message in get_messages(answer.wsgi_request))


def test_the_list_shows_both_values_and_whose_ours_is(client_of: Client, conflict: Any) -> None:
    conflict("address", "乙路2号")
    body = client_of.get(reverse("admin:crm_fieldconflict_changelist")).content.decode()
    assert all(text in body for text in ("甲路1号", "乙路2号", "officer", "某源", "地址"))


def test_a_button_asks_and_a_post_decides(client_of: Client, company: Company, conflict: Any) -> None:
    row = conflict("address", "乙路2号")
    address = reverse("admin:crm_fieldconflict_take", args=[row.pk])
    body = client_of.get(address).content.decode()
    assert "乙路2号" in body
    row.refresh_from_db()
    assert row.state == "open"
    assert "已采用数据源的值" in said(client_of.post(address))
    company.refresh_from_db()
    assert company.address == "乙路2号"
    assert "已经处理" in client_of.get(address).content.decode()


def test_many_at_once_each_with_its_result(client_of: Client, company: Company, conflict: Any) -> None:
    rows = [conflict("address", "乙路2号"), conflict("employees", 3)]
    Company.objects.filter(pk=company.pk).update(address="丙路3号")
    chosen = {"action": "keep_chosen", "_selected_action": [row.pk for row in rows]}
    text = said(client_of.post(reverse("admin:crm_fieldconflict_changelist"), chosen))
    assert "地址：没有改动" in text
    assert "从业人数：已保留" in text


def test_who_may_not_decide_has_no_button(conflict: Any) -> None:
    row, client = conflict("address", "乙路2号"), Client()
    client.force_login(make.user("director", DEPARTMENT))
    body = client.get(reverse("admin:crm_fieldconflict_change", args=[row.pk])).content.decode()
    assert "采用数据源的值" not in body
    assert client.post(reverse("admin:crm_fieldconflict_take", args=[row.pk])).status_code == 403
