"""Projects by their people: an officer's own, a lead's and a department's by the tree, an operator's by the building."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils import timezone

from crm.models import Company, Contact
from crm.roots import with_absorbed
from crm.scopes import kept, kept_in_the_department
from office import scope
from office.roles import (
    ADMINISTRATOR,
    AUDITOR,
    CHAIN_LEADER,
    DEPARTMENT,
    OFFICER,
    OPERATOR,
    ROLES,
    TEAM_LEAD,
)
from projects.models import (
    Carrier,
    CarrierOperator,
    Commitment,
    OfficerAssignment,
    Project,
    StageChange,
    Zone,
)


def _own(user: Any) -> Q:
    return Q(officer=user)


def _of_the_department(user: Any) -> Q:
    return Q(officer__department__in=user.department_tree) | Q(officer=user)


def _operated(user: Any) -> Any:
    """Carriers whose operator the person is today: rights follow the term of office, so the question has a date."""
    return CarrierOperator.objects.filter(user=user, term__contains=timezone.localdate()).values("carrier")


def _own_carriers(user: Any) -> scope.Answer:
    return Q(pk__in=_operated(user))


def _bound_for_own_carriers(user: Any) -> scope.Answer:
    return Q(carrier__in=_operated(user))


def _moving_into_own_carriers(user: Any) -> scope.Answer:
    return with_absorbed(Q(pk__in=Project.objects.filter(_bound_for_own_carriers(user)).values("company")))


scope.declare(Zone, {role: scope.nobody if role == ADMINISTRATOR else scope.every for role in ROLES})
scope.declare(Carrier, {
    **{role: scope.every for role in (OFFICER, TEAM_LEAD, DEPARTMENT, CHAIN_LEADER, AUDITOR)},
    OPERATOR: _own_carriers, ADMINISTRATOR: scope.nobody,
})
scope.parts(CarrierOperator, "carrier")
scope.declare(Project, {
    OFFICER: _own, TEAM_LEAD: _of_the_department, DEPARTMENT: _of_the_department, OPERATOR: _bound_for_own_carriers,
    CHAIN_LEADER: scope.nobody,  # the chains above put their rule here
    AUDITOR: scope.every, ADMINISTRATOR: scope.nobody,
})
scope.hide(Project, OPERATOR, "total_investment", "expected_output", "next_step")
for _part in (StageChange, OfficerAssignment, Commitment):
    scope.parts(_part, "project")
scope.contribute(Company, OPERATOR, _moving_into_own_carriers)


# --- contacts of the companies whose projects one answers for -----------------------------------------------------


def _companies(projects: Q) -> Q:
    return Q(company__in=Project.objects.filter(projects).values("company"))


def _contacts_of_own_projects(user: Any) -> scope.Answer:
    return kept(user) | _companies(_own(user))


def _contacts_of_the_department(user: Any) -> scope.Answer:
    return kept_in_the_department(user) | _companies(_of_the_department(user))


scope.contribute(Contact, OFFICER, _contacts_of_own_projects)
for _role in (TEAM_LEAD, DEPARTMENT):
    scope.contribute(Contact, _role, _contacts_of_the_department)
