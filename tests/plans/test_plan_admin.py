"""The plan's pages: readable, searchable, linked both ways, and closed to change for everyone."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from office.roles import OFFICER
from plans.models import Clause, ContextFigure, Indicator, Plan
from plans.services.load_plan import load_plan
from tests import factories as make
from tests.plans.luohu_files import FOLDER

pytestmark = pytest.mark.django_db
MODELS = [Plan, Clause, Indicator, ContextFigure]


@pytest.fixture
def admin(client: Client) -> Client:
    load_plan(folder=FOLDER)
    client.force_login(make.user("officer", OFFICER))
    return client


def address(model: type, page: str, *args: object) -> str:
    return reverse(f"admin:plans_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("model", MODELS)
def test_list_and_page_open(admin: Client, model: type) -> None:
    assert admin.get(address(model, "changelist")).status_code == 200
    assert admin.get(address(model, "change", model.objects.first().pk)).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_nothing_can_be_added_changed_or_deleted(admin: Client, model: type) -> None:
    row = model.objects.first()
    assert admin.get(address(model, "add")).status_code == 403
    assert admin.post(address(model, "change", row.pk), {"name": "改"}).status_code == 403
    assert admin.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert "_save" not in admin.get(address(model, "change", row.pk)).content.decode()


def test_clause_and_indicator_link_to_each_other(admin: Client) -> None:
    indicator = Indicator.objects.get(code="smart-terminal-revenue")
    clause = indicator.clause
    page = admin.get(address(Clause, "change", clause.pk)).content.decode()
    assert address(Indicator, "change", indicator.pk) in page
    assert address(Clause, "change", clause.parent_id) in page
    page = admin.get(address(Indicator, "change", indicator.pk)).content.decode()
    assert address(Clause, "change", clause.pk) in page
    assert "超过 100" in page


def test_search_finds_by_anchor_and_by_word(admin: Client) -> None:
    found = admin.get(address(Clause, "changelist"), {"q": "四(一)2#"}).context["cl"].result_list
    assert [clause.anchor for clause in found] == ["四(一)2#1", "四(一)2#2", "四(一)2#3"]
    found = admin.get(address(Indicator, "changelist"), {"q": "智能终端"}).context["cl"].result_list
    assert [row.code for row in found] == ["smart-terminal-revenue"]


def test_no_baseline_is_a_dash_not_a_zero(admin: Client) -> None:
    row = Indicator.objects.get(code="digital-economy-share")
    page = admin.get(address(Indicator, "changelist"), {"q": row.code})
    assert "—" in page.content.decode()
    assert "0.0000" not in page.content.decode()


def test_lists_ask_a_fixed_number_of_questions(admin: Client, django_assert_max_num_queries) -> None:
    for model in MODELS:
        with django_assert_max_num_queries(16):
            admin.get(address(model, "changelist"))
