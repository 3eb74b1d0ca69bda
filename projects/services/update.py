"""Save what an officer changed on a project's page: fields, then handover, then the move, all or nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from office.models import User
from projects import lifecycle
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
        stored = lock_project(project_id=project.pk)
        lifecycle.check_track(track=project.track, stage=stored.stage)
        project.save(update_fields=[*EDITABLE, "updated"])
        if officer is not None and officer.pk != project.officer_id:
            hand_over(project_id=project.pk, officer=officer, on=on, reason=reason)
        if side_to:
            change_side_state(project_id=project.pk, target=side_to, by=by, on=on, reason=reason)
        if move_to:
            change_stage(project_id=project.pk, target=move_to, by=by, on=on, reason=reason)
        project.refresh_from_db()


def edit_project(*, project: Project, values: dict[str, Any], by: User, on: dt.date) -> None:
    """Set `values` (of EDITABLE) and save; raises ValidationError naming a wrong field, LifecycleError for a wrong track."""
    for name, value in values.items():
        if name not in EDITABLE:
            raise ValueError(f"{name} is not an officer's to edit")
        setattr(project, name, value)
    lifecycle.check_track(track=project.track, stage=project.stage)
    project.full_clean()
    update_project(project=project, by=by, on=on)
