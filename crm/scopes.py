"""Companies are known to the whole bureau; the apps above say which of them a 链长 and an operator see."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from crm.models import (
    Company,
    CompanyEvent,
    CompanyGrade,
    CompanyIdentifier,
    CompanyName,
    Contact,
    Disclosure,
    FieldConflict,
    FieldOrigin,
    IdentityChange,
    IndustryCode,
    PossibleMatch,
    QuarantinedRow,
    Source,
    SourceLink,
    SyncIssue,
    SyncRun,
)
from office import scope
from office.roles import ADMINISTRATOR, AUDITOR, CHAIN_LEADER, DEPARTMENT, OFFICER, OPERATOR, ROLES, TEAM_LEAD

BUREAU = {OFFICER, TEAM_LEAD, DEPARTMENT, AUDITOR}

scope.declare(Company, {role: scope.every if role in BUREAU else scope.nobody for role in ROLES})
scope.hide(
    Company, OPERATOR, "annual_revenue", "revenue_year", "registered_capital", "registered_capital_text", "employees",
)
for _part in (CompanyIdentifier, CompanyName, CompanyGrade, CompanyEvent, SourceLink, FieldOrigin, FieldConflict):
    scope.parts(_part, "company")
scope.declare(IndustryCode, {role: scope.nobody if role == ADMINISTRATOR else scope.every for role in ROLES})
for _model in (Source, SyncRun, SyncIssue, PossibleMatch, IdentityChange):
    scope.declare(_model, {role: scope.every if role in BUREAU else scope.nobody for role in ROLES})


def _waiting(_user: Any) -> scope.Answer:
    return Q(state=QuarantinedRow.State.OPEN)


scope.declare(
    QuarantinedRow, {role: scope.every if role in BUREAU else scope.nobody for role in ROLES},
    change={OFFICER: _waiting, TEAM_LEAD: _waiting},  # what was merged or set aside stays as it was decided
)


# --- personal information: whoever keeps it, his superiors, and those whom the apps above add by project and by chain ---


def kept(user: Any) -> Q:
    return Q(keeper=user)


def kept_in_the_department(user: Any) -> Q:
    return Q(keeper__department__in=user.department_tree) | Q(keeper=user)


def _own_disclosures(user: Any) -> scope.Answer:
    return Q(by=user)


def _disclosures_of_the_department(user: Any) -> scope.Answer:
    return Q(by__department__in=user.department_tree) | Q(by=user)


scope.declare(
    Contact,
    {
        OFFICER: kept, TEAM_LEAD: kept_in_the_department, DEPARTMENT: kept_in_the_department, AUDITOR: scope.every,
        CHAIN_LEADER: scope.nobody,  # the chains above put their rule here
        OPERATOR: scope.nobody, ADMINISTRATOR: scope.nobody,
    },
    change={OFFICER: kept, TEAM_LEAD: kept_in_the_department, DEPARTMENT: kept_in_the_department},
)
for _role in ROLES:  # nobody reads, filters, orders or exports by the clear columns: crm/services/disclosure.py is the way
    scope.hide(Contact, _role, *Contact.CONFIDENTIAL_FIELDS, "privacy_salt")
scope.declare(Disclosure, {
    OFFICER: _own_disclosures, TEAM_LEAD: _disclosures_of_the_department, DEPARTMENT: _disclosures_of_the_department,
    AUDITOR: scope.every, CHAIN_LEADER: scope.nobody, OPERATOR: scope.nobody, ADMINISTRATOR: scope.nobody,
})
