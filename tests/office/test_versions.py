"""The version column: which models have it, and that the database raises it whatever writes the row."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection, models, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils import timezone

from chains.models import Chain, ChainLeader, LeadFirm, Node, Placement
from crm.models import Company, CompanyGrade, CompanyIdentifier, CompanyName
from office import versions
from office.admin_tools import ModelAdmin, _ReadOnly
from office.models import Department, User, Versioned
from office.roles import CHAIN_LEADER, OFFICER, PERMISSIONS
from projects.models import Carrier, CarrierOperator, Commitment, Project, Zone
from tests import factories as make

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]


def editable_pages(registry: dict[type[models.Model], Any]) -> Iterable[type[models.Model]]:
    """Models whose admin page somebody may save."""
    written = {name for names in PERMISSIONS.values() for name in names}
    for model, page in registry.items():
        right = f"{model._meta.app_label}.change_{model._meta.model_name}"
        if not isinstance(page, _ReadOnly) and right in written:
            yield model


def without_version(registry: dict[type[models.Model], Any]) -> list[str]:
    return [model._meta.label for model in editable_pages(registry) if not issubclass(model, Versioned)]


def triggers() -> dict[str, set[str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE 'bump%'")
        found: dict[str, set[str]] = {}
        for table, name in cursor.fetchall():
            found.setdefault(table, set()).add(name)
    return found


def parts_without_trigger(registry: dict[type[models.Model], Any]) -> list[str]:
    """Tables inside a page that somebody may save, and that do not raise the page's version."""
    known, missing = triggers(), []
    for model in editable_pages(registry):
        for inline in registry[model].inlines:
            table = inline.model._meta.db_table
            if not issubclass(inline, _ReadOnly) and f"bump_{model._meta.db_table}" not in known.get(table, set()):
                missing.append(f"{inline.model._meta.label} in {model._meta.label}")
    return missing


def test_every_page_that_can_be_saved_has_a_version() -> None:
    assert without_version(admin.site._registry) == []
    assert {Company, Project, Carrier, Zone, Chain, Placement, Department, User} <= set(editable_pages(admin.site._registry))


def test_every_versioned_table_and_every_table_inside_its_page_raises_it() -> None:
    known = triggers()
    ours = [model for model in admin.site._registry if issubclass(model, Versioned)]
    assert [model._meta.label for model in ours if "bump_version" not in known.get(model._meta.db_table, set())] == []
    assert parts_without_trigger(admin.site._registry) == []
    assert "bump_office_user" in known["office_user_groups"]


def test_canary_a_page_without_version_and_a_table_without_trigger_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    page = ModelAdmin(Node, admin.site)
    monkeypatch.setitem(PERMISSIONS, OFFICER, [*PERMISSIONS[OFFICER], "chains.change_node"])
    assert without_version({Node: page}) == ["chains.Node"]
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER bump_projects_project ON projects_commitment")
    assert parts_without_trigger(admin.site._registry) == ["projects.Commitment in projects.Project"]


# -- what raises it


@pytest.fixture
def project() -> Project:
    made = make.project(make.user("officer", OFFICER), make.company("示例公司"))
    made.refresh_from_db()
    return made


def version_of(row: models.Model) -> int:
    return int(type(row)._default_manager.values_list("version", flat=True).get(pk=row.pk))


def test_save_bulk_update_queryset_update_and_raw_sql_raise_it(project: Project) -> None:
    project.next_step = "一"
    project.save()
    assert version_of(project) == 2
    Project.objects.filter(pk=project.pk).update(next_step="二")
    assert version_of(project) == 3
    project.next_step = "三"
    Project.objects.bulk_update([project], ["next_step"])
    assert version_of(project) == 4
    with connection.cursor() as cursor:
        cursor.execute("UPDATE projects_project SET next_step = '四' WHERE id = %s", [project.pk])
    assert version_of(project) == 5


def test_a_write_that_says_nothing_new_does_not(project: Project) -> None:
    project.save()
    Project.objects.filter(pk=project.pk).update(next_step=project.next_step, updated=timezone.now())
    assert version_of(project) == 1
    user = project.officer
    User.objects.filter(pk=user.pk).update(last_login=timezone.now())
    before = version_of(user)
    User.objects.filter(pk=user.pk).update(title="科长")
    assert version_of(user) == before + 1


@pytest.mark.parametrize("value", [0, 1, 99, 2_147_483_647])
def test_nobody_chooses_a_version(project: Project, value: int) -> None:
    Project.objects.filter(pk=project.pk).update(version=value, next_step="新")
    assert version_of(project) == 2
    stale = Project.objects.get(pk=project.pk)
    stale.version, stale.summary = 0, "旧实例"
    stale.save()
    assert version_of(project) == 3


def make_parts(whole: Any) -> dict[str, tuple[Any, Any, dict[str, Any]]]:
    """name → (the whole, a new part, a change of it)."""
    chain, person, other = make.chain(), make.user("leader", CHAIN_LEADER), make.user("other", CHAIN_LEADER)
    zone = Zone.objects.create(code="z", name="片区", kind="area", clause=make.clause())
    carrier = Carrier.objects.create(code="c", name="楼", kind="building", zone=zone, clause=make.clause())
    company, term = whole.company, DateRange(make.DAY, None)
    node, next_node = chain.nodes.get(code="chip"), chain.nodes.get(code="screen")
    return {
        "commitment": (whole, Commitment(project=whole, metric="tax", year=2027, amount=1), {"amount": 2}),
        "aim": (whole, Placement(node=node, project=whole, probability=1, placed_on=make.DAY), {"node": next_node}),
        "identifier": (company, CompanyIdentifier(company=company, value=make.uscc(77), valid_to=make.DAY), {"valid_to": None}),
        "name": (company, CompanyName(company=company, name="旧名"), {"name": "更旧的名"}),
        "grade": (company, CompanyGrade(company=company, grade="listed", valid_from=make.DAY), {"issuer": "某局"}),
        "leader": (chain, ChainLeader(chain=chain, user=person, term=term), {"user": other}),
        "firm": (chain, LeadFirm(chain=chain, name="示例链主", clause=make.clause()), {"name": "另一链主"}),
        "operator": (carrier, CarrierOperator(carrier=carrier, user=person, term=term), {"user": other}),
    }


@pytest.mark.parametrize("name", ["commitment", "aim", "identifier", "name", "grade", "leader", "firm", "operator"])
def test_a_row_inside_a_page_raises_the_pages_version(project: Project, name: str) -> None:
    whole, part, change = make_parts(project)[name]
    if name == "identifier":
        CompanyIdentifier.objects.filter(company=whole).delete()
    seen = version_of(whole)
    part.save()
    assert version_of(whole) == seen + 1
    part.save()
    assert version_of(whole) == seen + 1, "the same values say nothing new"
    type(part)._default_manager.filter(pk=part.pk).update(**change)
    assert version_of(whole) == seen + 2
    type(part)._default_manager.filter(pk=part.pk).delete()
    assert version_of(whole) == seen + 3


def test_a_role_raises_the_version_of_its_holder() -> None:
    person = make.user("leader")
    before = version_of(person)
    make.user("somebody", CHAIN_LEADER)
    person.groups.add(*User.objects.get(username="somebody").groups.all())
    assert version_of(person) == before + 1


def test_only_the_merge_raises_its_versions_itself() -> None:
    """`office.one_version` silences the triggers: nobody but the merge may say it, whose versions have tests of their own."""
    folders = ("office", "plans", "crm", "projects", "chains", "config")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    named = {str(path.relative_to(ROOT)) for path in files if re.search(r"office\.one_version", path.read_text("utf-8"))}
    assert named == {"office/version_triggers.py", "crm/sync/merge_sql.py"}


# -- the comparison


def test_the_lock_compares_and_shows_what_stands(project: Project) -> None:
    with transaction.atomic():
        assert versions.lock(Project, seen=1, pk=project.pk) == project
    Project.objects.filter(pk=project.pk).update(next_step="同事写的")
    for seen in (1, None, 3):
        with pytest.raises(versions.Stale) as found, transaction.atomic():
            versions.lock(Project, seen=seen, pk=project.pk)
        assert (found.value.row.version, found.value.row.next_step) == (2, "同事写的")
