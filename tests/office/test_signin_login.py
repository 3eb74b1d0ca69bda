"""The way in: one message for all who are refused, locks that hit nobody else, a new session, no way to elsewhere."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from office import jobs
from office.models import User
from office.roles import OFFICER
from office.signin.addresses import caller
from tests import factories as make

pytestmark = pytest.mark.django_db
PASSWORD = "pass-word-1234"
WRONG = "用户名或密码不对"
HOME, ELSEWHERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture
def person() -> User:
    return make.user("zhang", OFFICER)


@pytest.fixture
def locks(settings: Any) -> None:
    settings.AXES_ENABLED = True


def enter(client: Client, username: str, password: str = PASSWORD, *, address: str = HOME, **data: str) -> Any:
    return client.post("/login/", {"username": username, "password": password, **data}, REMOTE_ADDR=address)


# -- the door


def test_a_person_comes_in_with_name_and_password(client: Client, person: User) -> None:
    answer = enter(client, "zhang")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/").status_code == 200
    assert client.get("/login/")["Location"] == "/"


def test_whatever_is_wrong_the_answer_is_the_same(client: Client, person: User) -> None:
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    User.objects.create_user("sso-only")
    pages = {
        (answer.status_code, answer.content.decode().replace(name, "…").split("csrfmiddlewaretoken")[0])
        for name, word in [("zhang", "wrong"), ("nobody", "wrong"), ("gone", PASSWORD), ("gone", "wrong"), ("sso-only", "x")]
        for answer in [enter(Client(), name, word)]
    }
    assert len(pages) == 1
    assert WRONG in next(iter(pages))[1]


@pytest.mark.parametrize(("name", "hashes"), [("nobody", 1), ("zhang", 1), ("gone", 1), ("sso-only", 1)])
def test_a_hash_is_computed_whoever_is_named(
    client: Client, person: User, name: str, hashes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What makes refusals take the same time (benchmarks/signin_timing.py measures it)."""
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    User.objects.create_user("sso-only")
    counted = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *args, **more: counted.append(1) or encode(*args, **more))
    enter(client, name, "wrong-password")
    assert len(counted) == hashes


def test_the_session_gets_a_new_key(client: Client, person: User) -> None:
    client.get("/login/")
    session = client.session
    session["planted"] = "by somebody who gave me this cookie"
    session.save()
    before = session.session_key
    client.cookies["sessionid"] = before
    enter(client, "zhang")
    assert client.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()
    assert Client().get("/", HTTP_COOKIE=f"sessionid={before}").status_code == 302


@pytest.mark.parametrize("target", ["/plan/", "/chains/demo/?a=1#x"])
def test_next_leads_on_inside(client: Client, person: User, target: str) -> None:
    assert enter(client, "zhang", next=target)["Location"] == target


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "http:evil.example",
     "https://testserver/plan/", "///evil.example", "\x08//evil.example", "https:///evil.example"],
)
def test_next_never_leads_elsewhere(client: Client, person: User, target: str) -> None:
    assert enter(client, "zhang", next=target)["Location"] == "/"
    assert Client().get("/login/", {"next": target}).content.decode().count(target) == 0


def test_who_may_not_open_the_admin_is_told_so_and_not_sent_in_a_circle(client: Client) -> None:
    client.force_login(User.objects.create_user("plain", password=PASSWORD))
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == 403


def test_nothing_of_signing_up_or_mail_exists(client: Client) -> None:
    for path in ("/signup/", "/accounts/signup/", "/login/signup/", "/password/reset/", "/account/email/"):
        assert client.get(path).status_code == 404
    from django.urls import NoReverseMatch

    for name in ("account_signup", "account_reset_password", "account_email", "socialaccount_signup", "account_set_password",
                 "socialaccount_connections", "account_request_login_code", "mfa_trust", "mfa_download_recovery_codes"):
        with pytest.raises(NoReverseMatch):
            reverse(name)


@pytest.mark.parametrize("password", ["short-9", "1234567890123", "password1234", "zhang-zhang"])
def test_weak_passwords_are_refused(person: User, password: str) -> None:
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError):
        validate_password(password, User(username="zhang-zhang"))


# -- locks


def test_five_failures_lock_this_name_from_this_address_for_15_minutes(client: Client, person: User, locks: None) -> None:
    with time_machine.travel(make.NOW, tick=False) as clock:
        for _ in range(4):
            assert WRONG in enter(client, "zhang", "wrong").content.decode()
        assert enter(client, "zhang", "wrong").status_code == 429
        locked = enter(client, "zhang")
        assert (locked.status_code, locked["Retry-After"]) == (429, "900")
        assert "请 15 分钟后再试" in locked.content.decode()
        clock.shift(dt.timedelta(minutes=10))
        assert "请 5 分钟后再试" in enter(client, "zhang").content.decode()  # trying does not make it longer
        clock.shift(dt.timedelta(minutes=5, seconds=1))
        assert enter(client, "zhang").status_code == 302


def test_nobody_is_locked_out_from_elsewhere(client: Client, person: User, locks: None) -> None:
    for _ in range(6):
        enter(client, "zhang", "wrong", address=ELSEWHERE)
    assert enter(client, "zhang", address=ELSEWHERE).status_code == 429
    assert enter(client, "zhang", address=HOME).status_code == 302


def test_nor_are_his_colleagues_at_the_same_address(client: Client, person: User, locks: None) -> None:
    make.user("li", OFFICER)
    for _ in range(6):
        enter(client, "zhang", "wrong")
    assert enter(client, "li").status_code == 302


def test_a_name_that_does_not_exist_is_locked_alike(client: Client, person: User, locks: None) -> None:
    answers = [[enter(Client(), name, "wrong").status_code for _ in range(6)] for name in ("zhang", "nobody")]
    assert answers[0] == answers[1] == [200, 200, 200, 200, 429, 429]


def test_success_clears_the_count(client: Client, person: User, locks: None) -> None:
    for _ in range(3):
        for _ in range(4):
            enter(client, "zhang", "wrong")
        assert enter(Client(), "zhang").status_code == 302
    assert AccessAttempt.objects.count() == 0


def guess_from_many(count: int, name: str = "zhang") -> list[int]:
    return [enter(Client(), name, "wrong", address=f"198.51.100.{10 + number // 4}").status_code for number in range(count)]


@pytest.mark.parametrize("name", ["zhang", "nobody"])
def test_guessing_from_many_addresses_closes_the_name_to_unknown_ones(
    client: Client, person: User, locks: None, name: str
) -> None:
    assert enter(Client(), "zhang", address=HOME).status_code == 302  # where its owner is known
    assert guess_from_many(20, name) == [200] * 20
    fresh = enter(Client(), name, address="192.0.2.1")
    assert fresh.status_code == 429
    assert "分钟后再试" in fresh.content.decode()
    assert enter(Client(), "zhang", address=HOME).status_code == 302


def test_known_addresses_are_forgotten_after_a_month(client: Client, person: User, locks: None) -> None:
    with time_machine.travel(make.NOW, tick=False) as clock:
        enter(Client(), "zhang", address=HOME)
        clock.shift(dt.timedelta(days=31))
        guess_from_many(20)
        assert enter(Client(), "zhang", address=HOME).status_code == 429


def test_a_program_gets_data_and_not_a_page(client: Client, person: User, locks: None) -> None:
    for _ in range(6):
        answer = client.post(
            "/login/", {"username": "zhang", "password": "wrong"}, REMOTE_ADDR=HOME, HTTP_ACCEPT="application/json"
        )
    assert (answer.status_code, answer.json()) == (429, {"detail": "登录失败次数过多，请 15 分钟后再试"})


def test_passwords_are_not_kept_with_failures(client: Client, person: User, locks: None) -> None:
    enter(client, "zhang", "my-other-password")
    kept = AccessAttempt.objects.get()
    assert "my-other-password" not in kept.post_data + kept.get_data
    assert kept.ip_address == HOME


def test_old_failures_and_sign_ins_are_purged_daily(client: Client, person: User, locks: None) -> None:
    with time_machine.travel(make.NOW, tick=False) as clock:
        enter(Client(), "zhang")
        enter(client, "nobody", "wrong")
        clock.shift(dt.timedelta(days=2))
        enter(client, "other", "wrong")
        kind = jobs.kinds()["office.purge_signin"]
        assert kind.daily_at is not None
        AccessAttempt.objects.create(username="old", attempt_time=make.NOW, failures_since_start=1)
        AccessAttempt.objects.filter(username="old").update(attempt_time=make.NOW)
        done = kind.handler({}, make.NOW + dt.timedelta(days=2))
        assert done == {"attempts": 1, "sign_ins": 0, "sessions": 1}
        assert kind.handler({}, make.NOW + dt.timedelta(days=31))["sign_ins"] == 1
    assert not AccessLog.objects.exists()


# -- where a request comes from


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "found"),
    [
        ("203.0.113.7", "", [], "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", [], "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", ["10.0.0.0/8"], "203.0.113.7"),
        ("10.0.0.5", "198.51.100.1", ["10.0.0.0/8"], "198.51.100.1"),
        ("10.0.0.5", "1.2.3.4, 198.51.100.1", ["10.0.0.0/8"], "198.51.100.1"),
        ("10.0.0.5", "198.51.100.1, 10.0.0.6", ["10.0.0.0/8"], "198.51.100.1"),
        ("10.0.0.5", "nonsense", ["10.0.0.0/8"], "10.0.0.5"),
        ("10.0.0.5", "198.51.100.1, nonsense", ["10.0.0.0/8"], "10.0.0.5"),
        ("10.0.0.5", "", ["10.0.0.0/8"], "10.0.0.5"),
        ("::1", "2001:db8::7", ["::1"], "2001:db8::7"),
        ("", "198.51.100.1", ["10.0.0.0/8"], "0.0.0.0"),
    ],
)
def test_the_callers_address(peer: str, forwarded: str, proxies: list[str], found: str) -> None:
    assert caller(peer=peer, forwarded=forwarded, proxies=proxies) == found


def test_a_header_does_not_dodge_the_lock(client: Client, person: User, locks: None) -> None:
    for number in range(6):
        data = {"username": "zhang", "password": "wrong"}
        answer = client.post("/login/", data, REMOTE_ADDR=HOME, HTTP_X_FORWARDED_FOR=f"10.0.0.{number}")
    assert answer.status_code == 429


def test_behind_a_proxy_the_header_tells_people_apart(client: Client, person: User, locks: None, settings: Any) -> None:
    settings.TRUSTED_PROXIES = [HOME]
    for _ in range(6):
        client.post("/login/", {"username": "zhang", "password": "wrong"}, REMOTE_ADDR=HOME, HTTP_X_FORWARDED_FOR=ELSEWHERE)
    answer = client.post(
        "/login/", {"username": "zhang", "password": PASSWORD}, REMOTE_ADDR=HOME, HTTP_X_FORWARDED_FOR="192.0.2.44"
    )
    assert answer.status_code == 302
