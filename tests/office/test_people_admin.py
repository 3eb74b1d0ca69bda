"""The administrator keeps people and jobs: no business data, no rights for himself, nothing above him."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from office.admin_tools import pairs, span_text
from office.forms import AmountField, amount_text
from office.models import Department, Job, User
from office.roles import ADMINISTRATOR, CHAIN_LEADER, OFFICER
from tests import factories as make

pytestmark = pytest.mark.django_db
PEOPLE = {"office.user", "office.department", "office.job", "auth.group"}
OTHERS = sorted(m._meta.label_lower for m in admin.site._registry if m._meta.label_lower not in PEOPLE)
LIST = "admin:office_user_changelist"


@pytest.fixture
def administrator() -> User:
    return make.user("sysadmin", ADMINISTRATOR)


@pytest.fixture
def page(client: Client, administrator: User) -> Client:
    client.force_login(administrator)
    return client


def address(user: User) -> str:
    return reverse("admin:office_user_change", args=[user.pk])


def form_data(user: User, **values: Any) -> dict[str, Any]:
    kept = {
        "seen_version": User.objects.values_list("version", flat=True).get(pk=user.pk),
        "username": user.username, "display_name": user.display_name, "title": user.title, "is_active": "on",
        "is_staff": "on", "department": "", "groups": [group.pk for group in user.groups.all()],
    }
    return kept | values


def role_id(name: str) -> int:
    from django.contrib.auth.models import Group

    return Group.objects.get(name=name).pk


# -- what the administrator does


def test_a_person_is_added_and_given_a_role(page: Client) -> None:
    secret = "abc-3-long-words"
    data = {"username": "new-officer", "display_name": "示例新人", "department": "", "password1": secret, "password2": secret}
    response = page.post(reverse("admin:office_user_add"), data)
    assert response.status_code == 302, response.context["errors"]
    made = User.objects.get(username="new-officer")
    assert (made.is_staff, made.is_superuser, made.groups.count()) == (False, False, 0)
    assert page.post(address(made), form_data(made, groups=[role_id(OFFICER)])).status_code == 302
    made.refresh_from_db()
    assert made.has_perm("projects.change_project")
    assert made.is_staff


@pytest.mark.parametrize(("values", "message"), [
    ({"password1": "123", "password2": "123"}, "10 个字符"), ({"password2": "another-long-pass"}, "不一致"),
    ({"username": ""}, "必填"), ({"username": "sysadmin"}, "已存在"), ({"username": "有 空格"}, "用户名"),
])
def test_a_person_is_refused_with_the_reason(page: Client, values: dict[str, str], message: str) -> None:
    secret = "abc-3-long-words"
    data = {"username": "x", "display_name": "", "department": "", "password1": secret, "password2": secret}
    response = page.post(reverse("admin:office_user_add"), data | values)
    assert response.status_code == 200
    assert message in response.content.decode()
    assert User.objects.count() == 1


def test_a_person_who_left_is_closed_out_at_once(page: Client, client: Client) -> None:
    officer, theirs = make.user("officer", OFFICER), Client()
    theirs.force_login(officer)
    data = form_data(officer)
    del data["is_active"]
    assert page.post(address(officer), data).status_code == 302
    assert theirs.get(reverse("admin:projects_project_changelist")).status_code == 302


def test_a_department_is_not_its_own_parent(page: Client) -> None:
    one = Department.objects.create(code="one", name="一组")
    under = Department.objects.create(code="two", name="二组", parent=one)
    for parent in (one, under):
        data = {"code": "one", "name": "一组", "parent": parent.pk, "seen_version": 1}
        response = page.post(reverse("admin:office_department_change", args=[one.pk]), data)
        assert response.status_code == 200
        assert "自己的上级" in response.content.decode()
    data = {"code": "two", "name": "改名", "parent": one.pk, "seen_version": 1}
    assert page.post(reverse("admin:office_department_change", args=[under.pk]), data).status_code == 302


# -- what he cannot do


def test_nobody_gives_himself_rights(page: Client, administrator: User) -> None:
    html = page.get(address(administrator)).content.decode()
    assert 'name="groups"' not in html
    data = form_data(administrator, groups=[role_id(OFFICER), role_id(ADMINISTRATOR)], display_name="改了姓名")
    assert page.post(address(administrator), data).status_code == 302
    administrator.refresh_from_db()
    assert administrator.display_name == "改了姓名"
    assert [group.name for group in administrator.groups.all()] == [ADMINISTRATOR]


def test_superuser_and_single_permissions_cannot_be_posted(page: Client) -> None:
    officer = make.user("officer", OFFICER)
    html = page.get(address(officer)).content.decode()
    assert "is_superuser" not in html
    assert "user_permissions" not in html
    evil = form_data(officer, is_superuser="on", user_permissions=["1", "2"], is_sample="on", id=1)
    assert page.post(address(officer), evil).status_code == 302
    officer.refresh_from_db()
    assert (officer.is_superuser, officer.is_sample, officer.user_permissions.count()) == (False, False, 0)


def test_a_superuser_is_out_of_reach(page: Client) -> None:
    root = User.objects.create_superuser("root", password="root-pass-word-1")
    before = root.password
    assert 'name="_save"' not in page.get(address(root)).content.decode()
    assert page.post(address(root), form_data(root, display_name="x")).status_code == 403
    secret = {"password1": "taken-over-123", "password2": "taken-over-123"}
    assert page.post(reverse("admin:auth_user_password_change", args=[root.pk]), secret).status_code == 403
    root.refresh_from_db()
    assert root.password == before


def test_nobody_is_deleted(page: Client) -> None:
    officer = make.user("officer", OFFICER)
    assert page.post(reverse("admin:office_user_delete", args=[officer.pk]), {"post": "yes"}).status_code == 403
    assert 'name="action"' not in page.get(reverse(LIST)).content.decode()


def test_people_cannot_be_searched_by_their_password(page: Client) -> None:
    assert page.get(reverse(LIST), {"password__startswith": "md5"}).status_code in (302, 400)


@pytest.mark.parametrize("label", OTHERS)
def test_no_business_page_opens(page: Client, label: str) -> None:
    app, model = label.split(".")
    assert page.get(reverse(f"admin:{app}_{model}_changelist")).status_code == 403
    assert page.get(reverse(f"admin:{app}_{model}_add")).status_code == 403


def test_there_are_business_pages_to_be_kept_from() -> None:
    assert len(OTHERS) >= 15


@pytest.mark.parametrize("role", [OFFICER, CHAIN_LEADER])
@pytest.mark.parametrize("label", sorted(PEOPLE))
def test_and_nobody_else_opens_his_pages(client: Client, role: str, label: str) -> None:
    client.force_login(make.user("other", role))
    app, model = label.split(".")
    assert client.get(reverse(f"admin:{app}_{model}_changelist")).status_code == 403


def test_roles_are_read_and_not_written(page: Client) -> None:
    officer = make.user("officer", OFFICER)
    role = reverse("admin:auth_group_change", args=[role_id(OFFICER)])
    html = page.get(role).content.decode()
    assert "修改项目" in html
    assert officer.display_name in html
    assert page.post(role, {"name": "x"}).status_code == 403
    assert page.get(reverse("admin:auth_group_add")).status_code == 403


# -- jobs, lists, small tools


def test_a_job_is_told_in_lines(page: Client) -> None:
    job = Job.objects.create(
        kind="crm.sync", slot="2026-11-23", not_before=make.NOW, created=make.NOW, state="done", result={"companies": 3}
    )
    html = page.get(reverse("admin:office_job_change", args=[job.pk])).content.decode()
    assert "companies：3" in html
    assert "&quot;companies&quot;" not in html
    assert 'name="_save"' not in html
    assert page.get(reverse("admin:office_job_add")).status_code == 403


def fill(model: str, size: int) -> None:
    if model == "user":
        for number in range(User.objects.count(), size):
            unit = Department.objects.create(code=f"u{number}", name=f"部门{number}")
            made = make.user(f"user{number}", OFFICER, CHAIN_LEADER)
            User.objects.filter(pk=made.pk).update(department=unit)
    elif model == "department":
        top = Department.objects.get_or_create(code="top", name="局")[0]
        for number in range(Department.objects.count(), size):
            Department.objects.create(code=f"d{number}", name=f"部门{number}", parent=top)
    else:
        for number in range(Job.objects.count(), size):
            Job.objects.create(kind="k", slot=str(number), not_before=make.NOW, created=make.NOW)


@pytest.mark.parametrize("model", ["user", "department", "job"])
def test_lists_ask_the_same_questions_for_5_and_50_rows(page: Client, model: str) -> None:
    counts = []
    for size in (5, 5, 50):  # the first fills caches
        fill(model, size)
        with CaptureQueriesContext(connection) as queries:
            response = page.get(reverse(f"admin:office_{model}_changelist"))
        assert len(response.context["cl"].result_list) == size
        counts.append(len(queries))
    # The filter by department lists departments in one question, whatever their number.
    assert counts[1] == counts[2]


@pytest.mark.parametrize(("yuan", "text"), [
    ("30000000", "3000万元"), ("120000000", "1.2亿元"), ("100000000", "1亿元"), ("9999", "9999元"), ("10000", "1万元"),
    ("98574142.52", "98574142.52元"), ("0.01", "0.01元"), ("0", "0元"), ("200900.0000", "20.09万元"),
    ("12345.67", "12345.67元"),
])
def test_an_amount_is_offered_for_editing_without_rounding(yuan: str, text: str) -> None:
    field = AmountField(required=False)
    assert field.prepare_value(Decimal(yuan)) == text
    assert field.clean(text) == Decimal(yuan)
    assert not field.has_changed(Decimal(yuan), text)
    assert amount_text(Decimal(yuan)) == text


@pytest.mark.parametrize("text", ["NaN", "1e30", "-1", "5美元", "三千万"])
def test_an_amount_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        AmountField().clean(text)


def test_a_span_of_dates_is_told_in_words() -> None:
    from django.db.backends.postgresql.psycopg_any import DateRange

    start, end = dt.date(2026, 1, 1), dt.date(2026, 3, 1)
    assert span_text(DateRange(start, None)) == "2026年1月1日 至今"
    assert span_text(DateRange(start, end)) == "2026年1月1日 至 2026年3月1日（不含）"
    assert span_text(DateRange(None, end)).startswith("不详 至")
    assert span_text(None) == span_text(DateRange(start, start)) == "—"


def test_pairs_are_never_markup() -> None:
    assert "<script>" not in str(pairs({"<script>": "<img src=x>"}))
    assert "<img" not in str(pairs({"a": "<img src=x>"}))
    assert pairs({}) == pairs(None) == "—"
