"""Open a project: with its first stage row and its officer, or not at all."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models.functions import Length

from crm.models import Company
from office.models import User
from projects import lifecycle
from projects.models import OfficerAssignment, Project, StageChange

TRIES = 5


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


def register_next(*, on: dt.date, **values: Any) -> Project:
    """Register a project under the year's next number; where another officer took the number first, under the one after."""
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic():
                return register_project(code=next_code(on=on), on=on, **values)
        except IntegrityError as error:
            if left == 0 or "code" not in str(error):
                raise
        except ValidationError as error:
            if left == 0 or "code" not in error.message_dict:
                raise
    raise AssertionError("unreachable: the last try returns or raises")


def next_code(*, on: dt.date) -> str:
    """The next project number of the year, P2026-0001 and up. Two officers at once: the unique column settles it."""
    numbered = Project.objects.filter(code__regex=rf"^P{on.year}-[0-9]+$").order_by(Length("code").desc(), "-code")
    newest = numbered.values_list("code", flat=True).first()
    return f"P{on.year}-{int(newest.split('-')[1]) + 1 if newest else 1:04d}"
