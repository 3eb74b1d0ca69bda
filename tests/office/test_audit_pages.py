"""What people see of the audit: a record's history, a list as of a date, the auditor's page; and what they do not see."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.models import Company, CompanyGrade
from office import admin_values
from office.admin_history import HistoryMixin
from office.audit import context
from office.audit.as_of import gone_at, rows_at
from office.models import AuditBlock, Department, User
from office.roles import ADMINISTRATOR, AUDITOR, OFFICER
from projects.models import Commitment, Project
from tests import factories as make
from tests.office.audit_trail import backdate

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_audit")]


@pytest.fixture
def officer() -> User:
    return make.user("li", OFFICER)


@pytest.fixture
def page(client: Client, officer: User) -> Client:
    client.force_login(officer)
    return client


@pytest.fixture
def project(officer: User) -> Project:
    return make.project(officer, make.company("示例甲公司"), expected_output=Decimal(60_000_000))


def history(page: Client, row: object) -> str:
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_history", args=[row.pk])
    answer = page.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def as_of(page: Client, model: type, day: dt.date | str, **more: object):
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_as_of")
    return page.get(address, {"date": str(day), **more})


def test_every_page_of_a_model_has_the_audits_history() -> None:
    assert [model._meta.label for model, page in admin.site._registry.items() if not isinstance(page, HistoryMixin)] == []


def test_history_says_who_when_and_what_in_words(page: Client, officer: User, project: Project) -> None:
    wang = make.user("wang", OFFICER)
    page.force_login(make.user("auditor", AUDITOR))
    with context.acting(context.Context(context.JOB, actor="夜间任务", request_id="job-7-1")):
        project.officer, project.track, project.expected_output = wang, "land", Decimal("70000000.50")
        project.save()
    text = history(page, project)
    for words in ("夜间任务", "后台任务", "job-7-1", "专人", ">li<", ">wang<", ">60,000,000<", ">70,000,000.5<", "达产年产值"):
        assert words in text, words
    assert dict(Project._meta.get_field("track").choices)["land"] in text
    assert "officer_id" not in text


def test_history_holds_the_rows_that_hang_on_the_record(page: Client, officer: User, project: Project) -> None:
    promise = Commitment.objects.create(project=project, metric="tax", year=2027, amount=5_000_000)
    other = make.project(officer, make.company("示例乙公司", number=2), code="P2026-0002")
    Commitment.objects.create(project=other, metric="jobs", year=2031, amount=77)
    promise.delete()
    text = history(page, project)
    assert text.count("新增：承诺") == 1
    assert text.count("删除：承诺") == 1
    assert "新增：阶段变动" in text
    assert "2031" not in text


def test_history_of_a_person_holds_his_roles_and_no_password(client: Client) -> None:
    boss = User.objects.create_superuser("boss", password="long-enough-pass")
    client.force_login(boss)
    person = make.user("zhang")
    role = Group.objects.get(name=OFFICER)
    person.groups.add(role)
    person.set_password("another-long-pass")
    person.save()
    text = history(client, person)
    assert OFFICER in text
    assert "（不留存原文）" in text
    assert person.password not in text


def test_history_is_paged_newest_first(page: Client, project: Project) -> None:
    for number in range(60):
        Project.objects.filter(pk=project.pk).update(next_step=f"第{number}步")
    first = history(page, project)
    assert "第59步" in first
    assert "第5步<" not in first
    second = page.get(reverse("admin:projects_project_history", args=[project.pk]) + "?p=2").content.decode()
    assert "第5步<" in second


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 30, "²", "1e3"])
def test_odd_page_numbers_are_pages(page: Client, project: Project, number: str) -> None:
    assert page.get(reverse("admin:projects_project_history", args=[project.pk]), {"p": number}).status_code == 200


def test_history_of_what_one_may_not_see_is_refused(client: Client, project: Project) -> None:
    client.force_login(User.objects.create_user("plain", password="long-enough-pass", is_staff=True))
    assert client.get(reverse("admin:projects_project_history", args=[project.pk])).status_code == 403
    assert as_of(client, Project, "2026-11-23").status_code == 403


def test_hidden_fields_are_named_and_not_shown(page: Client, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    Project.objects.filter(pk=project.pk).update(next_step="机密的一步")
    assert "机密的一步" in history(page, project)
    monkeypatch.setattr(
        admin_values, "hidden_fields", lambda user, model: frozenset({"next_step"}) if model is Project else frozenset()
    )
    text = history(page, project)
    assert "机密的一步" not in text
    assert "—（无权查看）" in text
    assert "机密的一步" not in as_of(page, Project, timezone.localdate()).content.decode()


YESTERDAY = timezone.localdate() - dt.timedelta(days=1)


class TestAsOf:
    @pytest.fixture
    def world(self, officer: User) -> dict[str, Department]:
        """Yesterday: one, two, three. Today: one renamed twice, two removed, four come."""
        rows = {code: Department.objects.create(code=code, name=f"{code}-旧") for code in ("one", "two", "three")}
        backdate(days=1)
        for name in ("中", "新"):
            Department.objects.filter(code="one").update(name=f"one-{name}")
        rows["two"].delete()
        rows["four"] = Department.objects.create(code="four", name="four-新")
        return rows

    def test_the_list_is_as_it_was(self, client: Client, world: dict[str, Department]) -> None:
        client.force_login(make.user("auditor", AUDITOR))
        then, now = (as_of(client, Department, day).content.decode() for day in (YESTERDAY, timezone.localdate()))
        assert ("one-旧" in then, "two-旧" in then, "three-旧" in then, "four-新" in then) == (True, True, True, False)
        assert "one-新" not in then
        assert "后来删除" in then
        assert ("one-新" in now, "two-旧" in now, "four-新" in now) == (True, False, True)

    def test_removed_rows_are_the_auditors_alone(self, client: Client, world: dict[str, Department]) -> None:
        client.force_login(make.user("keeper", ADMINISTRATOR))
        assert "two-旧" not in as_of(client, Department, YESTERDAY).content.decode()
        client.force_login(make.user("auditor", AUDITOR))
        assert "two-旧" in as_of(client, Department, YESTERDAY).content.decode()

    def test_a_row_removed_and_come_again_is_the_old_one(self, world: dict[str, Department]) -> None:
        key = world["three"].pk
        Department.objects.filter(pk=key).delete()
        Department.objects.create(pk=key, code="three", name="three-again")
        moment = timezone.now() - dt.timedelta(hours=12)
        assert dict(rows_at(Department.objects.all(), moment, limit=9))[key]["name"] == "three-旧"
        assert [row["name"] for _key, row in gone_at(Department, moment)] == ["two-旧"]

    def test_it_equals_a_copy_made_at_the_time(self, officer: User) -> None:
        """Whatever is done afterwards, walking back gives the rows of then: tried on several tables at once."""
        def snapshot(model: type) -> dict[int, str]:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT id, to_jsonb(t) - 'id' - 'version' - 'updated_at' FROM {model._meta.db_table} t")  # noqa: S608
                return {key: str(sorted(__import__("json").loads(row).items())) for key, row in cursor.fetchall()}

        firms = [make.company(f"示例{n}公司", number=n) for n in range(1, 6)]
        for firm in firms:
            CompanyGrade.objects.create(company=firm, grade="high_tech", valid_from=make.DAY)
        before = {model: snapshot(model) for model in (Company, CompanyGrade)}
        backdate(days=1)
        Company.objects.update(employees=3, products=[{"name": "芯片", "revenue_share": 0.5}])
        Company.objects.filter(pk=firms[0].pk).update(employees=4, annual_revenue=Decimal("12.3400"))
        CompanyGrade.objects.filter(company=firms[1]).delete()
        CompanyGrade.objects.filter(company=firms[2]).update(valid_to=dt.date(2027, 1, 1), issuer="某部")
        make.company("后来的公司", number=9)
        moment = timezone.now() - dt.timedelta(hours=12)
        for model, rows in before.items():
            walked = [*rows_at(model.objects.all(), moment, limit=99), *gone_at(model, moment)]
            assert {key: str(sorted(_plain(row).items())) for key, row in walked} == rows

    @pytest.mark.parametrize("date", ["", "x", "2026-02-31", "9999-12-31", "0001-01-01", "2026-11-23\x00"])
    def test_odd_dates_are_answered(self, page: Client, project: Project, date: str) -> None:
        assert as_of(page, Project, date).status_code == 200

    def test_pages(self, page: Client, officer: User) -> None:
        for number in range(1, 61):
            make.company(f"示例{number:02}公司", number=number)
        first, second = (as_of(page, Company, timezone.localdate(), p=p).content.decode() for p in (1, 2))
        assert ("示例01公司" in first, "示例60公司" in first) == (True, False)
        assert ("示例01公司" in second, "示例60公司" in second) == (False, True)

    def test_a_fixed_number_of_queries(self, officer: User, django_assert_num_queries) -> None:
        for number in range(1, 30):
            make.company(f"示例{number:02}公司", number=number)
        with django_assert_num_queries(3):
            rows_at(Company.objects.all(), timezone.now(), limit=50)

    def test_an_emptied_table_is_said_to_be_one(self, client: Client) -> None:
        Department.objects.create(code="a", name="一")
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("TRUNCATE office_department CASCADE")
        client.force_login(User.objects.create_superuser("boss", password="long-enough-pass"))
        assert "整体清空" in as_of(client, Department, YESTERDAY).content.decode()


def _plain(row: dict) -> dict:
    import json

    return {
        name: json.loads(json.dumps(value, default=float)) for name, value in row.items()
    }


def test_lists_lead_to_their_past(page: Client) -> None:
    answer = page.get(reverse("admin:projects_project_changelist")).content.decode()
    assert reverse("admin:projects_project_as_of") in answer


def test_the_auditors_page(client: Client, project: Project) -> None:
    address = reverse("admin:office_auditblock_changelist")
    client.force_login(make.user("keeper", ADMINISTRATOR))
    assert client.get(address).status_code == 403
    client.force_login(make.user("auditor", AUDITOR))
    Project.objects.filter(pk=project.pk).update(next_step="下一步甲")
    block = AuditBlock.objects.filter(table_name="projects_project").order_by("-id").first()
    assert "项目" in client.get(address).content.decode()
    text = client.get(reverse("admin:office_auditblock_change", args=[block.pk])).content.decode()
    for words in ("下一步甲", "修改“项目”1 行", f"事务号 {block.txid}", block.db_user):
        assert words in text, words
    for what in ("add", "delete"):
        args = [] if what == "add" else [block.pk]
        assert client.get(reverse(f"admin:office_auditblock_{what}", args=args)).status_code == 403
    assert client.post(reverse("admin:office_auditblock_change", args=[block.pk]), {"actor": "x"}).status_code in (200, 403)
    assert AuditBlock.objects.get(pk=block.pk).actor == block.actor


def test_the_list_of_then_shows_no_hash_of_a_password_and_no_person(client: Client) -> None:
    officer = make.user("li", OFFICER)
    client.force_login(make.user("auditor", AUDITOR))
    text = as_of(client, User, timezone.localdate()).content.decode()
    assert "li" in text
    assert officer.password not in text
    assert officer.password.split("$")[-1] not in text
