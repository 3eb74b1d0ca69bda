"""Privileged roles give a second factor; the others may. Nothing opens before it is given."""

from __future__ import annotations

import datetime as dt
import re
from io import StringIO
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from office.models import User
from office.roles import ADMINISTRATOR, OFFICER
from office.signin.adapters import SecondFactorAdapter
from office.signin.views import qr_path
from tests import factories as make
from tests.office.totp import code_at
from tests.screens.english import english_in

pytestmark = pytest.mark.django_db
PASSWORD = "pass-word-1234"
SET_UP, ASK, CODES, OFF = "/account/totp/", "/login/code/", "/account/codes/", "/account/totp/off/"


@pytest.fixture(autouse=True)
def _required(settings: Any) -> None:
    settings.MFA_REQUIRED = True
    cache.clear()


@pytest.fixture
def boss() -> User:
    return make.user("boss", ADMINISTRATOR)


def enter(client: Client, username: str = "boss") -> Any:
    return client.post("/login/", {"username": username, "password": PASSWORD, "next": "/admin/"})


def set_up(client: Client) -> tuple[str, list[str]]:
    """Through the pages, as a person does it: the secret and the recovery codes that were shown."""
    html = client.get(SET_UP).content.decode()
    secret = re.search(r"<br><code>([A-Z2-7 ]+)</code>", html)[1].replace(" ", "")
    answer = client.post(SET_UP, {"code": code_at(secret)})
    assert answer["Location"] == CODES
    return secret, re.findall(r"<code>(\d+)</code>", client.get(CODES).content.decode())


def later(seconds: int = 90) -> Any:
    """A code is good for one use: the next step takes a later one."""
    return time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds))


@pytest.mark.parametrize("path", ["/", "/plan/", "/admin/", "/admin/office/user/", "/account/", CODES, OFF])
def test_without_it_nothing_but_its_set_up_is_shown(client: Client, boss: User, path: str) -> None:
    assert enter(client).status_code == 302
    assert client.get(path)["Location"] == SET_UP
    assert client.post(path)["Location"] == SET_UP
    page = client.get(SET_UP)
    assert page.status_code == 200
    assert "您的角色须启用两步验证" in page.content.decode()
    assert client.get("/healthz").status_code == 200


def test_a_program_is_told_so(client: Client, boss: User) -> None:
    client.force_login(boss)
    answer = client.get("/admin/", HTTP_ACCEPT="application/json")
    assert (answer.status_code, answer.json()) == (403, {"detail": "请先设置两步验证"})


def test_a_superuser_is_privileged_without_a_role(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root", password=PASSWORD))
    assert client.get("/admin/")["Location"] == SET_UP


def test_the_roles_are_a_setting(client: Client, settings: Any) -> None:
    client.force_login(make.user("officer", OFFICER))
    assert client.get("/admin/").status_code == 200
    settings.MFA_REQUIRED_ROLES = [OFFICER]
    assert client.get("/admin/")["Location"] == SET_UP


def test_where_it_is_not_required_everybody_comes_in(client: Client, boss: User, settings: Any) -> None:
    settings.MFA_REQUIRED = False
    enter(client)
    assert client.get("/admin/").status_code == 200


def test_set_up_and_the_next_sign_in(client: Client, boss: User) -> None:
    enter(client)
    secret, codes = set_up(client)
    assert len(set(codes)) == 10
    assert client.get("/admin/").status_code == 200
    again = Client()
    assert enter(again)["Location"] == ASK
    assert again.get("/admin/").status_code == 302  # the password alone opens nothing
    assert "两步验证" in again.get(ASK).content.decode()
    assert "验证码不对" in again.post(ASK, {"code": "000000"}).content.decode()
    with later():
        assert again.post(ASK, {"code": code_at(secret)})["Location"] == "/admin/"
        assert again.get("/admin/").status_code == 200


def test_a_code_is_good_once(client: Client, boss: User) -> None:
    enter(client)
    secret, _codes = set_up(client)
    with later():
        first, second = Client(), Client()
        enter(first)
        enter(second)
        assert first.post(ASK, {"code": code_at(secret)}).status_code == 302
        assert "验证码不对" in second.post(ASK, {"code": code_at(secret)}).content.decode()


def test_an_old_code_is_refused(client: Client, boss: User) -> None:
    enter(client)
    secret, _codes = set_up(client)
    again = Client()
    enter(again)
    assert "验证码不对" in again.post(ASK, {"code": code_at(secret, steps=-10)}).content.decode()


def test_codes_cannot_be_tried_out(client: Client, boss: User) -> None:
    enter(client)
    secret, _codes = set_up(client)
    again = Client()
    enter(again)
    for number in range(5):
        assert "验证码不对" in again.post(ASK, {"code": f"00000{number}"}).content.decode()
    with later():
        page = again.post(ASK, {"code": code_at(secret)})
    assert "请 5 分钟后再试" in page.content.decode()


def test_a_recovery_code_works_once_and_is_shown_once(client: Client, boss: User) -> None:
    enter(client)
    _secret, codes = set_up(client)
    shown_again = client.get(CODES).content.decode()
    assert not any(code in shown_again for code in codes)
    again = Client()
    enter(again)
    assert again.post(ASK, {"code": codes[0]}).status_code == 302
    third = Client()
    enter(third)
    assert "验证码不对" in third.post(ASK, {"code": codes[0]}).content.decode()


def test_another_persons_session_does_not_inherit_it(client: Client, boss: User) -> None:
    enter(client)
    set_up(client)
    client.force_login(make.user("second", ADMINISTRATOR))
    assert client.get("/admin/")["Location"] == SET_UP


def test_a_privileged_person_cannot_switch_it_off(client: Client, boss: User) -> None:
    enter(client)
    set_up(client)
    assert "不能停用" in client.post(OFF).content.decode()
    assert "不能停用" in client.get("/account/").content.decode()
    assert Authenticator.objects.filter(user=boss, type="totp").exists()


def test_others_may_switch_it_on_and_off(client: Client) -> None:
    officer = make.user("officer", OFFICER)
    enter(client, "officer")
    set_up(client)
    assert "已启用" in client.get("/account/").content.decode()
    assert client.post(OFF).status_code == 302
    assert not Authenticator.objects.filter(user=officer).exists()
    assert "未启用" in client.get("/account/").content.decode()


def test_long_after_signing_in_the_password_is_asked_again(client: Client) -> None:
    make.user("officer", OFFICER)
    enter(client, "officer")
    with later(600):
        asked = client.get(SET_UP)
        assert asked["Location"].startswith("/account/password/?next=")
        assert "再次确认" in client.get(asked["Location"]).content.decode()
        data = {"password": "wrong", "next": SET_UP}
        assert "密码不对" in client.post("/account/password/", data).content.decode()
        assert client.post("/account/password/", data | {"password": PASSWORD})["Location"] == SET_UP
        assert client.get(SET_UP).status_code == 200


def test_a_sign_in_before_its_second_step_can_be_given_up(client: Client, boss: User) -> None:
    enter(client)
    set_up(client)
    again = Client()
    enter(again)
    assert again.get("/login/")["Location"] == ASK
    assert again.get("/login/?restart=1")["Location"] == "/login/"
    assert again.get("/login/").status_code == 200


def test_new_recovery_codes_replace_the_old(client: Client, boss: User) -> None:
    enter(client)
    _secret, codes = set_up(client)
    assert client.post("/account/codes/new/")["Location"] == CODES
    fresh = re.findall(r"<code>(\d+)</code>", client.get(CODES).content.decode())
    assert len(fresh) == 10
    assert set(fresh).isdisjoint(codes)


def test_the_secret_is_not_readable_in_the_database(client: Client, boss: User, settings: Any) -> None:
    enter(client)
    secret, _codes = set_up(client)
    kept = Authenticator.objects.get(user=boss, type="totp").data["secret"]
    assert secret not in kept
    adapter = SecondFactorAdapter()
    assert adapter.decrypt(kept) == secret
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "k" * 50
    assert adapter.decrypt(kept) == secret
    settings.SECRET_KEY_FALLBACKS = []
    assert adapter.decrypt(kept) != secret  # codes are then refused; no page of errors is shown


def test_a_lost_one_is_reset_by_command(client: Client, boss: User) -> None:
    enter(client)
    set_up(client)
    out = StringIO()
    call_command("reset_signin", "boss", "--second-factor", "--yes", stdout=out)
    assert "两步验证：清除 2 条" in out.getvalue()
    again = Client()
    enter(again)
    assert again.get("/admin/")["Location"] == SET_UP


@pytest.mark.parametrize(
    ("words", "message"), [(["nobody", "--lock", "--yes"], "没有用户名为 nobody"), (["boss", "--yes"], "请指明要清除什么")]
)
def test_the_command_says_what_it_misses(boss: User, words: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("reset_signin", *words)


def test_the_command_asks_first(boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda prompt: "否")
    with pytest.raises(CommandError, match="已取消"):
        call_command("reset_signin", "boss", "--lock")


def test_the_picture_is_one_path_of_plain_numbers() -> None:
    picture = qr_path("otpauth://totp/x?secret=AAAA")
    assert re.fullmatch(r"(M\d+ \d+h1v1h-1z)+", str(picture["path"]))
    assert int(str(picture["size"])) > 20


def test_every_page_is_chinese(client: Client, boss: User) -> None:
    enter(client)
    pages = [client.get(SET_UP), client.post(SET_UP, {"code": "000000"}), client.post(SET_UP, {"code": ""})]
    set_up(client)
    pages += [client.get(path) for path in (CODES, "/account/", "/account/codes/new/", OFF)]
    again = Client()
    enter(again)
    pages += [again.get(ASK), again.post(ASK, {"code": "000000"}), again.post(ASK, {"code": ""})]
    with later(1000):
        for path in (reverse("account_reauthenticate"), reverse("mfa_reauthenticate")):
            pages += [client.get(path), client.post(path, {"password": "x", "code": "000000"}), client.post(path)]
    for page in pages:
        assert page.status_code == 200
        html = re.sub(r"<code>[A-Z2-7 ]+</code>", "", page.content.decode())
        assert english_in(html, codes={"boss"}) == [], page.request["PATH_INFO"]
