"""Hand a project to another officer: the old range closes on the day that the new one opens."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import QuerySet

from office.models import User
from office.people import holding
from office.roles import OFFICER, TEAM_LEAD
from projects.models import OfficerAssignment, Project


class HandoverError(ValueError):
    """The handover would leave a date with no officer or with two."""


def officers(*, keep: int | None = None) -> QuerySet[User]:
    """Who may answer for a project."""
    return holding(OFFICER, TEAM_LEAD, keep=keep)


def check_handover_date(*, since: dt.date, on: dt.date) -> None:
    """Raise HandoverError for a date on which an earlier officer answered."""
    if on < since:
        raise HandoverError(f"交接日期不能早于现任专人到任日 {since}")


def hand_over(*, project_id: int, officer: User, on: dt.date, reason: str = "") -> OfficerAssignment:
    """Make `officer` answer for the project from `on`; raises HandoverError for a date before the last handover.

    On the very day of the last handover the row is corrected, since a day has one officer.
    """
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=project_id)
        current = project.assignments.get(period__endswith__isnull=True)
        if current.officer_id == officer.pk:
            raise HandoverError(f"{officer} 已是本项目的专人")
        check_handover_date(since=current.period.lower, on=on)
        if on == current.period.lower:
            current.officer, current.reason = officer, reason
            current.save(update_fields=["officer", "reason"])
            assignment = current
        else:
            current.period = DateRange(current.period.lower, on)
            current.save(update_fields=["period"])
            assignment = OfficerAssignment.objects.create(
                project=project, officer=officer, period=DateRange(on, None), reason=reason
            )
        project.officer = officer
        project.save(update_fields=["officer", "updated"])
    return assignment
