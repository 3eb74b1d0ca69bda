"""Gap reports: what they say, when a new one is made, that old ones stay, and that they can be computed again."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from chains.models import ChainLeader, GapReport, GapReportRow
from chains.services.make_report import make_report, recompute
from office.roles import CHAIN_LEADER, OFFICER
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.measured]


@pytest.fixture
def chain():
    return make.chain()


def report(chain, day=make.DAY):
    return make_report(chain=chain, as_of=day, now=make.NOW)


def test_an_empty_chain_reports_every_node_missing(chain) -> None:
    made = report(chain).report
    assert [row.status for row in made.rows.all()] == ["missing"] * 4
    assert made.context["status_counts"] == {"missing": 4, "weak": 0, "strong": 0}
    gaps = [row.gap for row in made.rows.all()]
    assert gaps == sorted(gaps, reverse=True)


def test_contributions_sum_to_the_score(chain) -> None:
    make.place(chain, "chip", make.company("深圳市示例芯有限公司"), 0.7)
    for row in report(chain).report.rows.all():
        assert sum(row.contributions.values()) == pytest.approx(row.gap, abs=1e-9)


def test_nothing_new_makes_no_new_report_even_on_another_day(chain) -> None:
    first, second = report(chain), report(chain, make.DAY + dt.timedelta(days=1))
    assert (first.created, second.created) == (True, False)
    assert first.report == second.report


def test_a_landed_company_makes_the_next_issue_and_lowers_the_gap_of_its_node(chain) -> None:
    before = report(chain).report.rows.get(code="chip")
    make.place(chain, "chip", make.company("深圳市示例芯有限公司", revenue=1_000_000_000), 1.0)
    after = report(chain)
    assert (after.created, after.report.number) == (True, 2)
    row = after.report.rows.get(code="chip")
    assert row.gap < before.gap
    assert row.status != "missing"
    before.refresh_from_db()
    assert before.status == "missing"


def test_only_operating_companies_of_the_district_count(chain) -> None:
    make.place(chain, "chip", make.company("东莞示例芯有限公司", number=1, district="441900"))
    make.place(chain, "chip", make.company("深圳市示例销有限公司", number=2, status="cancelled"))
    assert report(chain).report.rows.get(code="chip").status == "missing"


def test_a_company_of_unknown_size_is_present_and_brings_no_mass(chain) -> None:
    make.place(chain, "chip", make.company("深圳市示例芯有限公司", revenue=None), 1.0)
    made = report(chain).report
    assert made.rows.get(code="chip").status == "weak"
    node = next(node for node in made.analysis["nodes"] if node["code"] == "chip")
    assert (node["presence"], node["mass"]) == (1.0, 0.0)
    assert made.context["unknown_size"] == {"chip": 1}


def test_a_signed_project_is_named_with_its_officer_and_narrows_the_pipeline_gap(chain) -> None:
    officer = make.user("officer", OFFICER)
    who = make.company("东莞示例芯有限公司", district="441900")
    project = make.project(officer, who, expected_output=800_000_000, next_step="送审监管协议")
    make.aim(chain, "chip", project)
    for stage in ("screening", "negotiating", "pre_signing", "signed"):
        from projects.services.transition import change_stage

        change_stage(project_id=project.pk, target=stage, by=officer, on=make.DAY)
    row = report(chain).report.rows.get(code="chip")
    assert row.projects[0]["officer"] == "officer"
    assert row.projects[0]["stage"] == "签约"
    assert row.people == ["officer"]
    assert "送审监管协议" in row.next_step
    assert row.gap_with_pipeline < row.gap


def test_candidates_are_outside_firms_ranked_by_what_they_would_change(chain) -> None:
    small = make.company("东莞示例小芯有限公司", number=1, revenue=50_000_000, district="441900")
    large = make.company("东莞示例大芯有限公司", number=2, revenue=900_000_000, district="441900")
    unsure = make.company("东莞示例疑似有限公司", number=3, revenue=900_000_000, district="441900")
    for who, probability in ((small, 0.9), (large, 0.9), (unsure, 0.3)):
        make.place(chain, "chip", who, probability)
    row = report(chain).report.rows.get(code="chip")
    assert [item["name"] for item in row.candidates] == [large.name, small.name]
    assert row.candidates[0]["expected_fall"] > row.candidates[1]["expected_fall"] > 0
    assert row.candidates[0]["why"] == ["芯片设计"]
    assert large.name in row.next_step


def test_a_candidate_whom_somebody_follows_is_not_called_twice(chain) -> None:
    officer = make.user("officer", OFFICER)
    who = make.company("东莞示例大芯有限公司", district="441900")
    make.place(chain, "chip", who, 0.9)
    make.project(officer, who)
    row = report(chain).report.rows.get(code="chip")
    assert row.candidates[0]["followed_by"] == "officer"
    assert row.next_step.startswith("与officer会商")


def test_the_leader_of_the_day_is_named(chain) -> None:
    from django.db.backends.postgresql.psycopg_any import DateRange

    old, new = make.user("old", CHAIN_LEADER), make.user("new", CHAIN_LEADER)
    change = make.DAY - dt.timedelta(days=10)
    ChainLeader.objects.create(chain=chain, user=old, term=DateRange(None, change))
    ChainLeader.objects.create(chain=chain, user=new, term=DateRange(change, None))
    assert report(chain).report.context["leader"] == "new"
    with pytest.raises(IntegrityError), transaction.atomic():
        ChainLeader.objects.create(chain=chain, user=old, term=DateRange(make.DAY, None))


def test_an_old_report_can_be_computed_again(chain) -> None:
    make.place(chain, "chip", make.company("深圳市示例芯有限公司"), 0.6)
    made = report(chain).report
    made = GapReport.objects.get(pk=made.pk)
    assert recompute(made) is True


def test_canary_a_changed_input_is_not_the_same_report(chain) -> None:
    make.place(chain, "chip", make.company("深圳市示例芯有限公司"), 0.6)
    made = GapReport.objects.get(pk=report(chain).report.pk)
    made.input_document["placements"][0]["probability"] = 0.61
    assert recompute(made) is False


def test_a_report_is_frozen(chain) -> None:
    made = report(chain).report
    for statement in (
        lambda: GapReport.objects.filter(pk=made.pk).update(number=7),
        lambda: GapReportRow.objects.filter(report=made).update(gap=0),
        lambda: GapReportRow.objects.filter(report=made).delete(),
    ):
        with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
            statement()


def test_an_old_report_still_resolves_after_an_edit_of_the_map(chain) -> None:
    first = report(chain).report
    body = make.chain_document()
    body["nodes"] = [node for node in body["nodes"] if node["code"] != "oled"]
    body["supply"][1]["alternatives"].pop()
    make.chain(**body)
    second = report(chain)
    assert second.created
    assert (first.version.number, second.report.version.number) == (1, 2)
    assert first.rows.filter(code="oled").exists()
    assert not second.report.rows.filter(code="oled").exists()
