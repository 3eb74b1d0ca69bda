"""One scope per model: what a rule says is what every query gets, and silence means nothing."""

from __future__ import annotations

import datetime as dt

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.core.checks import run_checks
from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateRange
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chains.models import Chain, ChainLeader, Placement
from config.checks import OURS, every_model_has_a_scope
from crm.models import Company
from office import scope
from office.models import Department
from office.roles import AUDITOR, CHAIN_LEADER, DEPARTMENT, OFFICER, OPERATOR, ROLES, TEAM_LEAD
from projects.models import Carrier, CarrierOperator, Commitment, Project
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_every_model_of_ours_says_who_sees_it() -> None:
    models = [model for label in OURS for model in apps.get_app_config(label).get_models()]
    assert len(models) > 25
    assert scope.undeclared(models) == []
    assert [issue for issue in run_checks() if issue.id == "wiring.E002"] == []


def test_a_model_without_a_scope_is_named_by_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Canary: once for each role, so that a role that was forgotten is named too."""
    monkeypatch.delitem(scope._scopes, Project)
    errors = every_model_has_a_scope()
    assert len(errors) == len(ROLES)
    assert "projects.Project" in str(errors[0])
    with pytest.raises(scope.Undeclared, match="scopes.py"):
        scope.visible_to(make.user("officer", OFFICER), Project)


def test_a_role_that_was_forgotten_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(scope._scopes[Company].view, AUDITOR)
    make.company("甲")
    assert not scope.visible_to(make.user("auditor", AUDITOR), Company).exists()
    assert len(every_model_has_a_scope()) == 1


def test_nobody_unknown_or_inactive_sees_a_row() -> None:
    make.company("甲")
    for person in (AnonymousUser(), make.user("outsider"), make.user("gone", OFFICER, is_active=False)):
        assert not scope.visible_to(person, Company).exists()
        assert not scope.changeable_by(person, Company).exists()


def test_the_department_tree_reaches_down_and_not_up_or_across() -> None:
    """bureau ← team-1, team-2; a project in each team."""
    bureau = make.department("bureau")
    teams = [make.department(f"team-{number}", bureau) for number in (1, 2)]
    officers = [make.user(f"officer-{number}", OFFICER, department=team) for number, team in enumerate(teams)]
    projects = [make.project(officer, make.company(f"企业{number}", number=number), code=f"P2026-000{number}")
                for number, officer in enumerate(officers)]

    def seen(role: str, department: Department | None) -> list[str]:
        return sorted(scope.visible_to(make.user(f"u{role}{department}", role, department=department), Project)
                      .values_list("code", flat=True))

    assert seen(TEAM_LEAD, teams[0]) == [projects[0].code]
    assert seen(DEPARTMENT, bureau) == [project.code for project in projects]
    assert seen(TEAM_LEAD, None) == []
    assert sorted(scope.visible_to(officers[0], Project)) == [projects[0]]


def test_a_ring_of_departments_does_not_hang() -> None:
    one, two = make.department("one"), make.department("two")
    Department.objects.filter(pk=one.pk).update(parent=two)
    Department.objects.filter(pk=two.pk).update(parent=one)
    assert Department.subtree(one.pk) == sorted([one.pk, two.pk])


def test_two_roles_reach_what_either_reaches() -> None:
    person, chain = make.user("both", OFFICER, CHAIN_LEADER), make.chain()
    make.lead(chain, person)
    own = make.project(person, make.company("甲", number=1), code="P2026-0001")
    aimed = make.project(make.user("other", OFFICER), make.company("乙", number=2), code="P2026-0002")
    make.aim(chain, "chip", aimed)
    assert set(scope.visible_to(person, Project)) == {own, aimed}
    assert set(scope.changeable_by(person, Project)) == {own}, "reading as 链长 gives no right to write as an officer"


@pytest.mark.parametrize(("start", "end", "seen"), [(-30, None, True), (-30, 0, False), (1, None, False), (0, 1, True)])
def test_rights_follow_the_term_of_office(start: int, end: int | None, seen: bool) -> None:
    today, person, chain = timezone.localdate(), make.user("leader", CHAIN_LEADER), make.chain()
    term = DateRange(today + dt.timedelta(days=start), None if end is None else today + dt.timedelta(days=end))
    ChainLeader.objects.create(chain=chain, user=person, term=term)
    carrier, operator = Carrier.objects.create(code="c", name="楼", kind="building"), make.user("operator", OPERATOR)
    CarrierOperator.objects.create(carrier=carrier, user=operator, term=term)
    assert scope.visible_to(person, Chain).exists() is seen
    assert scope.visible_to(operator, Carrier).exists() is seen


def test_parts_follow_their_whole() -> None:
    officer, other = make.user("officer", OFFICER), make.user("other", OFFICER)
    firms = [make.company(name, number=number) for number, name in enumerate(("甲", "乙"))]
    projects = [make.project(officer, firms[0], code="P2026-0001"), make.project(other, firms[1], code="P2026-0002")]
    rows = [Commitment.objects.create(project=one, metric="tax", year=2027, amount=1) for one in projects]
    assert list(scope.visible_to(officer, Commitment)) == rows[:1]
    assert list(scope.changeable_by(officer, Commitment)) == rows[:1]


def test_a_rejected_placement_opens_no_company() -> None:
    leader, chain, company = make.user("leader", CHAIN_LEADER), make.chain(), make.company("甲")
    make.lead(chain, leader)
    placed = make.place(chain, "chip", company)
    assert scope.may(leader, scope.VIEW, company)
    Placement.objects.filter(pk=placed.pk).update(state=Placement.State.REJECTED)
    assert not scope.may(leader, scope.VIEW, company)


@pytest.mark.parametrize("pk", ["x", "", "99999999999999999999999999999999", "1;drop", None])
def test_a_key_that_no_row_can_have_is_out_of_reach(pk: str | None) -> None:
    leader = make.user("leader", CHAIN_LEADER)
    assert not scope.may_by_pk(leader, scope.VIEW, Company, pk)


def test_the_widest_answer_asks_the_database_nothing() -> None:
    auditor, company = make.user("auditor", AUDITOR), make.company("甲")
    assert auditor.role_names
    with CaptureQueriesContext(connection) as queries:
        assert scope.may(auditor, scope.VIEW, company)
        assert not scope.may(auditor, scope.CHANGE, company)
    assert len(queries) == 0


def test_hidden_columns_are_those_that_every_role_of_his_hides() -> None:
    assert "expected_output" in scope.hidden_fields(make.user("operator", OPERATOR), Project)
    assert scope.hidden_fields(make.user("both", OPERATOR, OFFICER), Project) == frozenset()
    assert scope.hidden_fields(make.user("outsider"), Project) == frozenset()
