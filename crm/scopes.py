"""Companies are known to the whole bureau; the apps above say which of them a 链长 and an operator see."""

from __future__ import annotations

from crm.models import (
    Company,
    CompanyEvent,
    CompanyGrade,
    CompanyIdentifier,
    CompanyName,
    IndustryCode,
    Source,
    StagedRecord,
    SyncIssue,
    SyncRun,
)
from office import scope
from office.roles import ADMINISTRATOR, AUDITOR, DEPARTMENT, OFFICER, OPERATOR, ROLES, TEAM_LEAD

BUREAU = {OFFICER, TEAM_LEAD, DEPARTMENT, AUDITOR}

scope.declare(Company, {role: scope.every if role in BUREAU else scope.nobody for role in ROLES})
scope.hide(
    Company, OPERATOR, "annual_revenue", "revenue_year", "registered_capital", "registered_capital_text", "employees",
)
for _part in (CompanyIdentifier, CompanyName, CompanyGrade, CompanyEvent):
    scope.parts(_part, "company")
scope.declare(IndustryCode, {role: scope.nobody if role == ADMINISTRATOR else scope.every for role in ROLES})
for _model in (Source, SyncRun, SyncIssue):
    scope.declare(_model, {role: scope.every if role in BUREAU else scope.nobody for role in ROLES})
scope.declare(StagedRecord, dict.fromkeys(ROLES, scope.nobody))  # raw rows of a run: machines only
