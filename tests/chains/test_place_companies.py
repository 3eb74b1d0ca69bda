"""Placing companies: what the placer says is stored as a difference, and what officers decided stays."""

from __future__ import annotations

import pytest
from django.db import connection

from chains.models import Placement
from chains.services.decide_placement import decide_placement
from chains.services.place_companies import place_companies
from crm.models import Company
from office.roles import OFFICER
from office.statistics import WORTH_ANALYSING, analyse_tables
from tests import factories as make

pytestmark = pytest.mark.django_db
SCOPE = "一般经营项目是：芯片的研发、设计；芯片技术服务。"


@pytest.fixture
def chain():
    return make.chain()


def test_a_company_is_placed_with_evidence_and_a_second_run_changes_nothing(chain) -> None:
    make.company("深圳市示例芯片有限公司", business_scope=SCOPE, industry_code="3973")
    first, second = place_companies(as_of=make.DAY), place_companies(as_of=make.DAY)
    row = Placement.objects.get(node__code="chip")
    assert row.probability > 0.5
    assert any("芯片" in item["text"] for item in row.evidence)
    assert (first.new, second.new, second.updated, second.withdrawn, second.same) == (1, 0, 0, 0, 1)


def test_a_changed_scope_updates_and_a_lost_one_withdraws(chain) -> None:
    company = make.company("深圳市示例甲有限公司", business_scope=SCOPE, industry_code="3973")
    place_companies(as_of=make.DAY)
    Company.objects.filter(pk=company.pk).update(business_scope=SCOPE, industry_code="")
    assert place_companies(as_of=make.DAY).updated == 1
    Company.objects.filter(pk=company.pk).update(business_scope="餐饮服务")
    assert place_companies(as_of=make.DAY).withdrawn == 1
    assert not Placement.objects.exists()


@pytest.mark.parametrize("confirmed", [True, False])
def test_what_an_officer_decided_is_left_alone(chain, confirmed: bool) -> None:
    company = make.company("深圳市示例芯片有限公司", business_scope=SCOPE, industry_code="3973")
    place_companies(as_of=make.DAY)
    officer = make.user("officer", OFFICER)
    row = decide_placement(placement_id=Placement.objects.get().pk, confirmed=confirmed, by=officer)
    assert (row.probability, row.decided_by) == (1.0 if confirmed else 0.0, officer)
    Company.objects.filter(pk=company.pk).update(business_scope="餐饮服务")
    result = place_companies(as_of=make.DAY)
    row.refresh_from_db()
    assert (result.withdrawn, row.probability) == (0, 1.0 if confirmed else 0.0)


def test_the_planner_learns_of_a_bulk_load() -> None:
    assert analyse_tables(Company, changed=WORTH_ANALYSING - 1) is False
    Company.objects.bulk_create(Company(name=f"示例{number}") for number in range(WORTH_ANALYSING))
    assert analyse_tables(Company, changed=WORTH_ANALYSING) is True
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'crm_company'")
        assert cursor.fetchone()[0] >= WORTH_ANALYSING
