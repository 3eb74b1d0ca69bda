"""A session ends when it is idle or old, and with the rights that it began with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.test import Client

from office.models import User
from office.roles import ADMINISTRATOR, CHAIN_LEADER, OFFICER
from office.sessions import WRITE_EVERY
from tests import factories as make

pytestmark = pytest.mark.django_db
PAGE = "/plan/"


@pytest.fixture
def person() -> User:
    return make.user("zhang", OFFICER)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(make.NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def page(clock: time_machine.Traveller, person: User, client: Client) -> Client:
    client.force_login(person)
    return client


def test_half_an_hour_without_use_ends_it(page: Client, clock: time_machine.Traveller) -> None:
    clock.shift(dt.timedelta(minutes=29))
    assert page.get(PAGE).status_code == 200
    clock.shift(dt.timedelta(minutes=30))
    ended = page.get(PAGE)
    assert ended["Location"] == "/login/?reason=idle&next=%2Fplan%2F"
    assert "有一段时间没有操作" in page.get(ended["Location"]).content.decode()
    assert page.get(PAGE)["Location"] == "/login/?next=/plan/"  # it is over, not asleep


def test_work_keeps_it_alive_but_not_for_ever(page: Client, clock: time_machine.Traveller) -> None:
    for _ in range(35):
        clock.shift(dt.timedelta(minutes=20))
        assert page.get(PAGE).status_code == 200
    clock.shift(dt.timedelta(minutes=20))
    ended = page.get(PAGE)
    assert ended["Location"].startswith("/login/?reason=absolute")
    assert "最长时限" in page.get(ended["Location"]).content.decode()


def test_the_limits_are_settings(page: Client, clock: time_machine.Traveller, settings) -> None:
    settings.SESSION_IDLE_MINUTES = 5
    clock.shift(dt.timedelta(minutes=6))
    assert page.get(PAGE).status_code == 302


def test_a_session_is_not_written_for_every_page(page: Client, clock: time_machine.Traveller) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    writes = []
    for pause in (1, 1, WRITE_EVERY):
        clock.shift(dt.timedelta(seconds=pause))
        with CaptureQueriesContext(connection) as queries:
            page.get(PAGE)
        writes.append(sum('UPDATE "django_session"' in query["sql"] for query in queries))
    assert writes == [0, 0, 1]


@pytest.mark.parametrize("headers", [
    {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"}, {"HTTP_ACCEPT": "application/json"}, {"HTTP_HX_REQUEST": "true"},
])
def test_a_program_gets_401_and_no_redirect(page: Client, clock: time_machine.Traveller, headers: dict[str, str]) -> None:
    clock.shift(dt.timedelta(hours=1))
    ended = page.get(PAGE, **headers)
    assert ended.status_code == 401
    assert "没有操作" in ended.json()["detail"]
    assert page.get(PAGE, **headers).json() == {"detail": "请先登录"}


def test_what_was_posted_too_late_is_not_repeated_as_an_address(page: Client, clock: time_machine.Traveller) -> None:
    clock.shift(dt.timedelta(hours=1))
    assert page.post("/admin/office/user/add/")["Location"] == "/login/?reason=idle"


def _disable(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def _new_password(user: User) -> None:
    user.set_password("another-pass-word")
    user.save()


def _more(user: User) -> None:
    user.groups.add(Group.objects.get(name=CHAIN_LEADER))


def _fewer(user: User) -> None:
    user.groups.clear()


def _other_way_round(user: User) -> None:
    user.groups.clear()
    Group.objects.get(name=ADMINISTRATOR).user_set.add(user)


def _no_staff(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=False)


def _superuser(user: User) -> None:
    user.groups.clear()
    User.objects.filter(pk=user.pk).update(is_superuser=True)


@pytest.mark.parametrize("change", [_disable, _new_password, _more, _fewer, _other_way_round, _no_staff, _superuser])
def test_it_ends_with_the_next_request_after(page: Client, person: User, change: Callable[[User], None]) -> None:
    other = Client()
    other.force_login(person)
    assert page.get(PAGE).status_code == other.get(PAGE).status_code == 200
    change(person)
    for client in (page, other):
        assert client.get(PAGE).status_code == 302
        assert client.get(PAGE).status_code == 302


def test_what_is_not_a_right_does_not_end_it(page: Client, person: User) -> None:
    User.objects.filter(pk=person.pk).update(title="科长", display_name="张三")
    assert page.get(PAGE).status_code == 200


def test_pages_of_people_are_not_kept_by_the_browser(page: Client) -> None:
    assert page.get(PAGE)["Cache-Control"] == "no-store"
    assert "no-store" in page.get("/admin/")["Cache-Control"]
