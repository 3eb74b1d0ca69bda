"""Open a project: with its first stage row and its officer, or not at all."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from crm.models import Company
from office.models import User
from projects import lifecycle
from projects.models import OfficerAssignment, Project, StageChange


def register_project(
    *, code: str, name: str, company: Company, officer: User, by: User, on: dt.date, **fields: Any
) -> Project:
    """Create a project at the first stage. `fields` are further columns of Project (track, carrier, amounts, …)."""
    with transaction.atomic():
        project = Project(code=code, name=name, company=company, officer=officer, stage_since=on, **fields)
        project.full_clean(exclude=["officer"])
        project.save()
        StageChange.objects.create(
            project=project, date=on, to_stage=lifecycle.FIRST_STAGE, to_side_state=lifecycle.ACTIVE, by=by
        )
        OfficerAssignment.objects.create(project=project, officer=officer, period=DateRange(on, None))
    return project


def next_code(*, on: dt.date) -> str:
    """The next project number of the year, P2026-0001 and up. Two officers at once: the unique column settles it."""
    newest = Project.objects.filter(code__startswith=f"P{on.year}-").order_by("-code").values_list("code", flat=True).first()
    return f"P{on.year}-{int(newest.split('-')[1]) + 1 if newest else 1:04d}"
