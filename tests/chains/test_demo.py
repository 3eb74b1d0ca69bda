"""The sample projects: each investor exists in the sandbox, each node in its chain, and loading obeys the laws."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from django.conf import settings

from chains.models import Placement
from chains.services.load_chains import load_chains
from chains.services.load_demo import load_demo_projects
from crm.sandbox.generate import make_world
from office.roles import OFFICER
from plans.services.load_plan import load_plan
from projects.models import Project
from projects.services.load_places import load_places
from tests import factories as make

FIXTURES = Path(settings.FIXTURES_DIR)
SANDBOX_SEED, SANDBOX_COMPANIES = 145, 3600  # what ./run starts


def rows() -> list[dict[str, str]]:
    with (FIXTURES / "demo" / "projects.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_every_investor_is_a_sample_company_of_region_000000() -> None:
    codes = {record["creditCode"] for record in make_world(SANDBOX_SEED, SANDBOX_COMPANIES).records.values()}
    wanted = {row["uscc"] for row in rows()}
    assert wanted <= codes
    assert all(code.startswith("91000000") for code in wanted)


def test_every_node_is_in_its_chain() -> None:
    for row in rows():
        chain = json.loads((FIXTURES / "chains" / f"{row['chain']}.json").read_text(encoding="utf-8"))
        assert row["node"] in {node["code"] for node in chain["nodes"]}, row["code"]


@pytest.mark.django_db
def test_loading_walks_every_stage_through_the_services_and_repeats_without_change() -> None:
    load_plan(folder=FIXTURES / "luohu")
    load_places(folder=FIXTURES / "luohu")
    load_chains(folder=FIXTURES / "chains", now=make.NOW)
    for name in ("officer", "officer3", "colleague"):
        make.user(name, OFFICER)
    for number, code in enumerate({row["uscc"] for row in rows()}):
        made = make.company(f"示例投资方{number}", number=number, district="441900")
        made.identifiers.update(value=code)
    assert load_demo_projects(folder=FIXTURES / "demo", now=make.NOW) == len(rows())
    assert load_demo_projects(folder=FIXTURES / "demo", now=make.NOW) == 0
    for project in Project.objects.prefetch_related("stage_changes", "assignments"):
        assert project.stage == project.stage_changes.last().to_stage
        assert project.assignments.count() == 1
        assert project.is_sample
    assert Placement.objects.filter(project__isnull=False).count() == len(rows())


@pytest.mark.django_db
def test_a_project_whose_investor_is_not_synced_waits() -> None:
    assert load_demo_projects(folder=FIXTURES / "demo", now=make.NOW) == 0
    assert Project.objects.count() == 0
