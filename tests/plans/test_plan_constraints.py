"""The database refuses what the loader refuses, for those who come by another door."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from plans.models import Clause, ContextFigure, Indicator, Plan
from plans.services.load_plan import load_plan
from tests.plans.luohu_files import FOLDER

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan() -> Plan:
    load_plan(folder=FOLDER)
    return Plan.objects.get()


def refused(queryset: Any, constraint: str, **values: Any) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        queryset.update(**values)


@pytest.mark.parametrize(
    ("code", "constraint", "values"),
    [
        ("gdp", "indicator_falls_below_its_baseline", {"direction": "fall"}),
        ("digital-economy-share", "indicator_falls_below_its_baseline", {"direction": "fall"}),
        ("gdp", "indicator_below_baseline_explained", {"target_2025": 2000}),
        ("finance-share", "indicator_below_baseline_explained", {"note": ""}),
        ("finance-share", "indicator_target_possible", {"target_2025": 101, "direction": "rise"}),
        ("gdp", "indicator_target_possible", {"target_2025": -1, "note": "x"}),
        ("finance-share", "indicator_baseline_possible", {"baseline_2020": 101}),
        ("health-platforms", "indicator_range_rises", {"target_high": 4}),
        ("gdp", "indicator_known_words", {"direction": "up"}),
        ("gdp", "indicator_comparator", {"comparator": "<"}),
        ("gdp", "indicator_category_belongs_to_table1", {"category": ""}),
        ("health-platforms", "indicator_category_belongs_to_table1", {"category": "经济发展"}),
        ("health-platforms", "indicator_of_a_chain_names_it", {"chain_code": ""}),
        ("new-listed-firms", "indicator_of_no_chain_names_none", {"chain_code": "finance"}),
        ("finance-share", "indicator_code_once_per_plan", {"code": "gdp"}),
        ("finance-share", "indicator_table1_name_once", {"name": "地区生产总值"}),
    ],
)
def test_indicator_laws(plan: Plan, code: str, constraint: str, values: dict[str, Any]) -> None:
    refused(plan.indicators.filter(code=code), constraint, **values)


def test_clause_laws(plan: Plan) -> None:
    clause = plan.clauses.get(anchor="四(一)2")
    one = Clause.objects.filter(pk=clause.pk)
    refused(one, "clause_anchor_once_per_plan", anchor="四(一)3")
    refused(one, "clause_has_an_anchor", anchor="")
    refused(one, "clause_has_a_summary", summary="")
    refused(one, "clause_is_not_its_own_parent", parent=clause)


def test_plan_and_context_laws(plan: Plan) -> None:
    refused(Plan.objects.filter(pk=plan.pk), "plan_period_runs_forward", period_end=2021)
    refused(Plan.objects.filter(pk=plan.pk), "plan_published_is_a_month", published="2022-2")
    one = ContextFigure.objects.filter(key="gdp-2016")
    refused(one, "context_figure_key_once_per_plan", key="gdp-2020")
    refused(one, "context_figure_comparator", comparator="~")


def test_canary_a_lawful_change_passes(plan: Plan) -> None:
    assert plan.indicators.filter(code="health-platforms").update(target_high=5) == 1


def test_a_cited_clause_cannot_vanish(plan: Plan) -> None:
    from django.db.models import ProtectedError

    with pytest.raises(ProtectedError):
        plan.clauses.get(anchor="二(三)表1").delete()
    assert Indicator.objects.filter(clause__anchor="二(三)表1").count() == 13
