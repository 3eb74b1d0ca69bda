"""Projects through their services: first that they work, then each refusal, then the laws in the database."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from office.roles import OFFICER
from projects.lifecycle import LifecycleError
from projects.models import Commitment, OfficerAssignment, Project, StageChange
from projects.services.handover import HandoverError, hand_over
from projects.services.register import next_code
from projects.services.transition import change_side_state, change_stage
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.measured]
DAY = make.DAY


@pytest.fixture
def officer():
    return make.user("officer", OFFICER)


@pytest.fixture
def project(officer):
    return make.project(officer, make.company("深圳市示例甲有限公司"))


def test_a_new_project_has_its_first_stage_row_and_its_officer(project, officer) -> None:
    assert list(project.stage_changes.values_list("from_stage", "to_stage", "by")) == [("", "lead", officer.pk)]
    assert project.assignments.get().period == DateRange(DAY, None)


def test_a_move_writes_a_row_and_the_stage_repeats_it(project, officer) -> None:
    later = DAY + dt.timedelta(days=3)
    change = change_stage(project_id=project.pk, target="screening", by=officer, on=later)
    project.refresh_from_db()
    assert (project.stage, project.stage_since, project.version) == ("screening", later, 2)
    assert (change.from_stage, change.to_stage, change.date) == ("lead", "screening", later)


def test_a_refused_move_leaves_nothing_behind(project, officer) -> None:
    with pytest.raises(LifecycleError):
        change_stage(project_id=project.pk, target="signed", by=officer, on=DAY)
    project.refresh_from_db()
    assert (project.stage, project.version, StageChange.objects.count()) == ("lead", 1, 1)


def test_a_move_before_the_last_one_is_refused(project, officer) -> None:
    with pytest.raises(LifecycleError, match="早于"):
        change_stage(project_id=project.pk, target="screening", by=officer, on=DAY - dt.timedelta(days=1))


def test_pause_and_restart(project, officer) -> None:
    change_side_state(project_id=project.pk, target="paused", by=officer, on=DAY, reason="企业暂缓")
    with pytest.raises(LifecycleError):
        change_stage(project_id=project.pk, target="screening", by=officer, on=DAY)
    change_side_state(project_id=project.pk, target="active", by=officer, on=DAY)
    assert change_stage(project_id=project.pk, target="screening", by=officer, on=DAY).to_stage == "screening"


def test_handover_leaves_one_officer_on_every_date(project) -> None:
    colleague, day = make.user("colleague", OFFICER), DAY + dt.timedelta(days=10)
    hand_over(project_id=project.pk, officer=colleague, on=day, reason="换岗")
    project.refresh_from_db()
    assert project.officer == colleague
    for offset in range(20):
        assert project.assignments.filter(period__contains=DAY + dt.timedelta(days=offset)).count() == 1


def test_handover_on_the_first_day_corrects_it(project) -> None:
    colleague = make.user("colleague", OFFICER)
    hand_over(project_id=project.pk, officer=colleague, on=DAY)
    assert project.assignments.get().officer == colleague


def test_handover_refuses_the_past_and_the_same_officer(project, officer) -> None:
    with pytest.raises(HandoverError, match="不能早于"):
        hand_over(project_id=project.pk, officer=make.user("colleague", OFFICER), on=DAY - dt.timedelta(days=1))
    with pytest.raises(HandoverError, match="已是"):
        hand_over(project_id=project.pk, officer=officer, on=DAY + dt.timedelta(days=1))


def test_numbers_go_on_within_a_year(project) -> None:
    assert next_code(on=DAY) == "P2026-0002"
    assert next_code(on=dt.date(2027, 1, 1)) == "P2027-0001"


class TestLawsInTheDatabase:
    """What a service forbids, a careless statement is refused as well."""

    def test_no_two_officers_on_one_date(self, project, officer) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            OfficerAssignment.objects.create(project=project, officer=officer, period=DateRange(DAY, None))

    def test_no_project_without_an_officer(self, project) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            Project.objects.filter(pk=project.pk).update(officer=None)

    def test_no_stage_of_the_other_track(self, project) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            Project.objects.filter(pk=project.pk).update(stage="construction_started")

    def test_no_two_promises_for_one_period(self, project) -> None:
        Commitment.objects.create(project=project, metric="tax", year=2027, amount=1)
        with pytest.raises(IntegrityError), transaction.atomic():
            Commitment.objects.create(project=project, metric="tax", year=2027, amount=2)

    @pytest.mark.parametrize(("field", "value"), [("expected_output", 0), ("total_investment", -1)])
    def test_no_amount_of_nothing(self, project, field: str, value: int) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            Project.objects.filter(pk=project.pk).update(**{field: value})
