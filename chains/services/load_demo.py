"""Sample projects at the chains' nodes, walked through the real services so that no law is passed by."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from django.db import transaction

from chains.models import Node, Placement
from crm.models import CompanyIdentifier
from office.csvfile import Line, read_lines
from office.models import User
from office.money import parse_amount
from projects import lifecycle
from projects.models import Carrier, Commitment, Project
from projects.services.register import register_project
from projects.services.transition import change_side_state, change_stage

COLUMNS = [
    "code", "name", "uscc", "chain", "node", "track", "officer", "carrier", "investment", "output", "history", "promises",
    "summary", "next_step",
]


def load_demo_projects(*, folder: Path, now: dt.datetime) -> int:
    """Register the projects of `projects.csv` that do not exist yet; returns how many were made.

    A line whose investor has not been synced is left for the next run: the enterprise database is somebody else's.
    """
    known = set(Project.objects.values_list("code", flat=True))
    made = 0
    for line in read_lines(folder / "projects.csv", COLUMNS):
        if line["code"] not in known:
            made += _load(line, now)
    return made


def _load(line: Line, now: dt.datetime) -> bool:
    alias = CompanyIdentifier.objects.filter(scheme="uscc", value=line["uscc"]).select_related("company").first()
    if alias is None:
        return False
    officer = User.objects.get(username=line["officer"])
    steps = [step.split(":") for step in line["history"].split(";")]
    with transaction.atomic():
        project = register_project(
            code=line["code"], name=line["name"], company=alias.company, officer=officer, by=officer,
            on=dt.date.fromisoformat(steps[0][1]), track=line["track"], summary=line["summary"], is_sample=True,
            next_step=line["next_step"], carrier=Carrier.objects.get(code=line["carrier"]) if line["carrier"] else None,
            total_investment=parse_amount(line["investment"]).yuan if line["investment"] else None,
            expected_output=parse_amount(line["output"]).yuan if line["output"] else None,
            source_place=alias.company.district_name,
        )
        for target, date, *reason in steps[1:]:
            move = change_side_state if target in lifecycle.SIDE_STATES else change_stage
            move(project_id=project.pk, target=target, by=officer, on=dt.date.fromisoformat(date), reason="".join(reason))
        _promise(project, line)
        Placement.objects.create(
            node=Node.objects.get(chain__code=line["chain"], code=line["node"]), project=project, probability=1.0,
            state=Placement.State.CONFIRMED, source=Placement.Source.FIXTURE, placed_on=now.date(), decided_by=officer,
        )
    return True


def _promise(project: Project, line: Line) -> None:
    for promise in filter(None, line["promises"].split(";")):
        metric, year, amount = promise.split(":")
        value = int(amount) if metric == Commitment.Metric.JOBS else parse_amount(amount).yuan
        Commitment.objects.create(project=project, metric=metric, year=int(year), amount=value, entered_as=amount)
