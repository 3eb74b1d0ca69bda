"""CR-11: one entry for every changed row, with who, when, before, after and request, whichever way it was written."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from chains.models import Placement
from crm.models import Company
from office import jobs
from office.audit import context
from office.models import AuditBlock, AuditEntry, Department, User
from office.roles import OFFICER
from projects.models import Project, StageChange
from projects.services.transition import change_stage
from tests.factories import DAY, company, place, project, user
from tests.factories import chain as chain_of
from tests.office.audit_trail import dsn, trail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_audit")]
ROOT = Path(__file__).resolve().parents[2]
NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))


def department(code: str = "a", name: str = "一科") -> Department:
    return Department.objects.create(code=code, name=name)


@pytest.fixture
def as_li():
    """Somebody at work, as the middleware would say it."""
    li = User.objects.create(username="li", display_name="李")
    with context.acting(context.Context(context.WEB, request_id="r1", user=lambda: li)):
        yield li


def test_a_new_row_a_change_and_a_removal(as_li: User) -> None:
    row = department()
    pk = row.pk
    row.name = "二科"
    row.save()
    row.delete()
    made, changed, gone = trail(Department, pk)
    assert (made.kind, made.before, made.after) == ("I", None, {"code": "a", "name": "一科", "parent_id": None})
    assert (changed.kind, changed.before, changed.after) == ("U", {"name": "一科"}, {"name": "二科"})
    assert (gone.kind, gone.before, gone.after) == ("D", {"code": "a", "name": "二科", "parent_id": None}, None)
    for step in (made, changed, gone):
        assert (step.actor, step.actor_id, step.channel, step.request_id) == ("李", as_li.pk, "web", "r1")
        assert step.db_user == connection.settings_dict["USER"]


def test_the_time_is_the_statements_and_not_the_transactions(as_li: User) -> None:
    department("a")
    department("b")
    first, second = AuditBlock.objects.filter(table_name="office_department").order_by("id").values_list("at", flat=True)
    assert first < second


def test_saving_without_a_change_leaves_no_entry(as_li: User) -> None:
    row = department()
    row.save()
    assert [step.kind for step in trail(row)] == ["I"]


def test_a_form_of_the_admin(client: Client) -> None:
    boss = User.objects.create_superuser("boss", password="long-enough-pass", display_name="王")
    client.force_login(boss)
    answer = client.post(reverse("admin:office_department_add"), {"code": "d-1", "name": "一科"})
    assert answer.status_code == 302
    (step,) = trail(Department)
    assert (step.actor, step.actor_id, step.channel) == ("王", boss.pk, "admin")
    assert step.request_id == answer["X-Request-ID"]
    assert len(step.request_id) == 32


def test_an_action_of_the_admin_on_chosen_rows(client: Client) -> None:
    officer, chain = user("boss", OFFICER), chain_of()
    rows = [place(chain, "chip", company(f"示例{number}公司", number=number)) for number in range(1, 4)]
    client.force_login(officer)
    chosen = {"action": "confirm", "_selected_action": [row.pk for row in rows]}
    answer = client.post(reverse("admin:chains_placement_changelist"), chosen)
    for row in rows:
        last = trail(Placement, row.pk)[-1]
        assert (last.kind, last.actor, last.channel) == ("U", "boss", "admin")
        assert last.request_id == answer["X-Request-ID"]


def test_bulk_create_bulk_update_and_update(as_li: User) -> None:
    rows = Department.objects.bulk_create([Department(code=f"d{i}", name="旧") for i in range(5)])
    for row in rows:
        row.name = f"新{row.code}"
    Department.objects.bulk_update(rows, ["name"])
    Department.objects.update(name="同")
    for row in rows:
        steps = trail(row)
        assert [step.kind for step in steps] == ["I", "U", "U"]
        assert steps[1].after == {"name": f"新{row.code}"}
        assert steps[2].before == {"name": f"新{row.code}"}
        assert {step.actor for step in steps} == {"李"}
    assert AuditBlock.objects.filter(table_name="office_department").order_by("-id").first().entries == 5


def test_a_service(as_li: User) -> None:
    what = project(as_li, company("甲公司"))
    change_stage(project_id=what.pk, target=_next_stage(what), on=DAY, by=as_li, reason="谈妥")
    what.refresh_from_db()
    stages = [step for step in trail(what) if step.kind == "U"]
    assert stages[-1].after["stage"] == what.stage
    assert "version" not in stages[-1].after
    moves = trail(StageChange, StageChange.objects.order_by("-id").first().pk)
    assert [step.kind for step in moves] == ["I"]
    assert moves[0].after["reason"] == "谈妥"


def _next_stage(what: Project) -> str:
    from projects import lifecycle

    sequence = lifecycle.SEQUENCE[what.track]
    return sequence[sequence.index(what.stage) + 1]


def test_a_job() -> None:
    def work(payload, now):
        department("by-job")
        return {}

    before = dict(jobs._kinds)
    jobs.register("test.work")(work)
    try:
        job, _new = jobs.enqueue(kind="test.work", slot="a", now=NOW)
        jobs.run_due(clock=lambda: NOW)
    finally:
        jobs._kinds.clear()
        jobs._kinds.update(before)
    (step,) = trail(Department)
    assert (step.actor, step.channel, step.request_id) == ("test.work · a", "job", f"job-{job.pk}-1")


def test_raw_sql_and_an_upsert(as_li: User) -> None:
    row = department("a", "旧")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE office_department SET name = 'raw'")
        cursor.execute(
            "INSERT INTO office_department (code, name) VALUES ('a', '并'), ('b', '增')"
            " ON CONFLICT (code) DO UPDATE SET name = excluded.name"
        )
    assert [step.after["name"] for step in trail(row)] == ["旧", "raw", "并"]
    assert [step.kind for step in trail(Department.objects.get(code="b"))] == ["I"]
    assert {step.actor for step in trail(Department)} == {"李"}


def test_copy(as_li: User) -> None:
    with connection.cursor() as cursor, cursor.copy("COPY office_department (code, name) FROM STDIN") as copy:
        for number in range(3):
            copy.write_row((f"c{number}", "抄入"))
    steps = trail(Department)
    assert [(step.kind, step.actor, step.request_id) for step in steps] == [("I", "李", "r1")] * 3


def test_rows_that_go_with_their_parent(as_li: User) -> None:
    what = project(as_li, company("甲公司"))
    moves = list(StageChange.objects.filter(project=what).values_list("pk", flat=True))
    assert moves
    what.delete()
    for pk in moves:
        assert [step.kind for step in trail(StageChange, pk)] == ["I", "D"]


def test_groups_of_a_person(as_li: User) -> None:
    person = user("zhang")
    group = Group.objects.create(name="组")
    person.groups.set([group])
    person.groups.clear()
    steps = trail(User.groups.through)
    assert [step.kind for step in steps] == ["I", "D"]
    assert steps[0].after == {"user_id": person.pk, "group_id": group.pk}
    group.permissions.add(Permission.objects.first())
    granted = Group.permissions.through.objects.get(group=group)
    assert [step.kind for step in trail(granted)] == ["I"]


def test_a_changed_key_is_a_removal_and_a_new_row(as_li: User) -> None:
    row = department()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE office_department SET id = id + 1000000, name = '改'")
    assert [step.kind for step in trail(Department, row.pk)] == ["I", "D"]
    assert [step.after["name"] for step in trail(Department, row.pk + 1_000_000)] == ["改"]


def test_a_bulk_update_after_a_small_one_in_the_same_session(as_li: User) -> None:
    """The trigger's plan is kept for the session: one made for a single row must bear many."""
    department("one").save()
    Department.objects.update(name="x")
    Department.objects.bulk_create([Department(code=f"m{i}", name="a") for i in range(3_000)])
    Department.objects.update(name="b")
    assert AuditBlock.objects.filter(table_name="office_department").order_by("-id").first().entries == 3_001


def test_an_insert_of_a_company_keeps_its_hash_alone(as_li: User) -> None:
    who = company("甲公司")
    Company.objects.filter(pk=who.pk).update(short_name="甲")
    made, changed = trail(who)
    assert list(made.after) == ["#"]
    assert len(made.after["#"]) == 64
    assert changed.after == {"short_name": "甲"}


def test_a_password_is_never_stored(as_li: User) -> None:
    person = user("zhang")
    person.set_password("another-long-pass")
    person.save()
    assert trail(person)[-1].after == {"password": "#"}
    assert trail(person)[-1].before == {"password": "#"}
    assert not [row for row in AuditEntry.objects.values_list("data", flat=True) if person.password in row]


def test_a_rolled_back_change_leaves_nothing(as_li: User) -> None:
    with suppress(RuntimeError), transaction.atomic():
        department("gone")
        raise RuntimeError
    assert trail(Department) == []


def test_a_truncated_table_is_noted_with_its_count(as_li: User) -> None:
    for code in "ab":
        department(code)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("TRUNCATE office_department CASCADE")
    block = AuditBlock.objects.filter(table_name="office_department", verb="T").get()
    assert (block.entries, block.actor, block.request_id) == (2, "李", "r1")


@pytest.mark.django_db(transaction=True)
class TestOtherConnections:
    def test_psycopg_without_django(self) -> None:
        with psycopg.connect(**dsn()) as link:
            link.execute("INSERT INTO office_department (code, name) VALUES ('p', '外')")
            pk = link.execute("UPDATE office_department SET name = '改' RETURNING id").fetchone()[0]
        steps = trail(Department, pk)
        assert [step.kind for step in steps] == ["I", "U"]
        assert {(step.actor, step.channel, step.db_user) for step in steps} == {
            ("", "sql", connection.settings_dict["USER"])
        }

    def test_a_command(self) -> None:
        script = "from office.models import Department; Department.objects.create(code='cmd', name='令')"
        environment = dict(os.environ) | {"DATABASE_URL": _url()}
        subprocess.run(
            [sys.executable, ROOT / "manage.py", "shell", "-v", "0", "-c", script], check=True, cwd=ROOT, env=environment
        )
        (step,) = trail(Department.objects.get(code="cmd"))
        assert step.actor.startswith("shell · ")
        assert step.channel == "command"
        assert len(step.request_id) == 32


def _url() -> str:
    base = os.environ["DATABASE_URL"]
    head, _, query = base.partition("?")
    return f"{head.rpartition('/')[0]}/{connection.settings_dict['NAME']}?{query}"
