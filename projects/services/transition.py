"""The one function that changes a project's stage or side state."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from office.models import User
from projects import lifecycle
from projects.models import Project, StageChange


def change_stage(*, project_id: int, target: str, by: User, on: dt.date, reason: str = "") -> StageChange:
    """Move a project to `target`; raises LifecycleError when the table forbids it or `on` lies before the last change."""
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=project_id)
        lifecycle.check_move(
            track=project.track, stage=project.stage, side_state=project.side_state, target=target, reason=reason
        )
        return _record(project, stage=target, side_state=project.side_state, by=by, on=on, reason=reason)


def change_side_state(*, project_id: int, target: str, by: User, on: dt.date, reason: str = "") -> StageChange:
    """Pause, defer, terminate, close or restart a project; raises LifecycleError when the table forbids it."""
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=project_id)
        lifecycle.check_side_move(side_state=project.side_state, target=target, reason=reason)
        return _record(project, stage=project.stage, side_state=target, by=by, on=on, reason=reason)


def _record(project: Project, *, stage: str, side_state: str, by: User, on: dt.date, reason: str) -> StageChange:
    if on < project.stage_since:
        raise lifecycle.LifecycleError(f"日期 {on} 早于上一次变动 {project.stage_since}，请核对")
    change = StageChange.objects.create(
        project=project, date=on, from_stage=project.stage, to_stage=stage,
        from_side_state=project.side_state, to_side_state=side_state, by=by, reason=reason,
    )
    project.stage, project.side_state, project.stage_since = stage, side_state, on
    project.save(update_fields=["stage", "side_state", "stage_since", "updated"])
    return change
