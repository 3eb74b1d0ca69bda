"""What a frozen report shows to the one who reads it. Pure.

A report is made once for everybody; projects outside the reader's scope stay counted in its figures and keep one line
that says who looks after them and how far they are, so that the reader knows whom to ask. Name, firm, money, dates and
next step are left out.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from chains.reports.build import next_step

Json = dict[str, Any]
ELSEWHERE = "其他专员的项目"


def mask_row(row: Any, *, seen: Collection[str]) -> Any:
    """Change a report row in memory (it is frozen in the database) so that it shows only the projects in `seen`."""
    mine = [project for project in row.projects if project["code"] in seen]
    if len(mine) == len(row.projects):
        return row
    row.projects = [project if project["code"] in seen else _masked(project) for project in row.projects]
    others = list(dict.fromkeys(project["officer"] for project in row.projects if project.get("masked")))
    elsewhere = f"在途项目由{'、'.join(others)}跟进，请与其会商"
    row.next_step = next_step({"action": row.action}, mine, [], "") if mine else elsewhere
    return row


def _masked(project: Json) -> Json:
    return {
        "code": "", "name": ELSEWHERE, "company": "", "stage": project["phase"], "phase": project["phase"], "since": "",
        "officer": project["officer"], "capacity": None, "next_step": "", "sample": project["sample"], "masked": True,
    }


def mask_document(document: Json, *, seen: Collection[str]) -> Json:
    """A chain file whose unseen projects carry numbers instead of their codes; the figures computed from it are the same."""
    names = {item["project"] for item in document["pipeline"]} - set(seen)
    if not names:
        return document
    numbers = {code: f"masked-{number}" for number, code in enumerate(sorted(names), start=1)}
    pipeline = [{**item, "project": numbers.get(item["project"], item["project"])} for item in document["pipeline"]]
    return {**document, "pipeline": pipeline}
