"""Save what an officer changed on a project's page: fields, then handover, then the move, all or nothing."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import F

from office.models import User
from projects.models import Project
from projects.services.handover import hand_over
from projects.services.transition import change_side_state, change_stage

EDITABLE = [
    "name", "company", "track", "carrier", "total_investment", "expected_output", "source_place", "summary", "next_step",
]


def lock_project(*, project_id: int) -> Project:
    """The project as it is now, locked to the end of the caller's transaction: what is checked stays true until saved.

    Without this, two posts of one form both pass their checks before either saves.
    """
    return Project.objects.select_for_update(of=("self",)).select_related("company", "carrier").get(pk=project_id)


def update_project(
    *, project: Project, by: User, on: dt.date, officer: User | None = None, move_to: str = "", side_to: str = "",
    reason: str = "",
) -> None:
    """Store `project`'s editable fields and apply a handover and moves; raises LifecycleError or HandoverError."""
    with transaction.atomic():
        lock_project(project_id=project.pk)
        project.save(update_fields=[*EDITABLE, "updated"])
        Project.objects.filter(pk=project.pk).update(version=F("version") + 1)
        if officer is not None and officer.pk != project.officer_id:
            hand_over(project_id=project.pk, officer=officer, on=on, reason=reason)
        if side_to:
            change_side_state(project_id=project.pk, target=side_to, by=by, on=on, reason=reason)
        if move_to:
            change_stage(project_id=project.pk, target=move_to, by=by, on=on, reason=reason)
        project.refresh_from_db()
