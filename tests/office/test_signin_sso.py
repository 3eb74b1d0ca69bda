"""Single sign-on against a provider with real signatures: whom it admits, what it refuses, and where it calls."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.cache import cache
from django.test import Client

from office.models import User
from office.roles import ADMINISTRATOR, OFFICER
from office.signin.outbound import guarded_session, policy
from tests import factories as make
from tests.office.identity import CLIENT, SECRET, Identity
from tests.screens.english import english_in

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server() -> Iterator[Identity]:
    identity = Identity()
    yield identity
    identity.close()


@pytest.fixture
def identity(server: Identity, settings: Any) -> Identity:
    server.claims, server.changes, server.sign = {"sub": "u-1", "preferred_username": "zhang"}, {}, {}
    server.discovery, server.userinfo, server.token_status, server.calls = {}, {"sub": "u-1"}, 200, []
    settings.OIDC_ENABLED, settings.OIDC_INTRANET, settings.OIDC_HOSTS = True, True, []
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = server.issuer, CLIENT, SECRET
    cache.clear()
    return server


@pytest.fixture
def person() -> User:
    return make.user("zhang", OFFICER)


def enter(client: Client, identity: Identity, **data: str) -> Any:
    """The whole way: button, provider, callback."""
    there = client.post("/login/sso/", data)
    assert there.status_code == 302, there.content.decode()
    assert there["Location"].startswith(f"{identity.issuer}/authorize?")
    return client.get("/login/sso/callback/", identity.authorize(there["Location"]))


def test_a_known_person_comes_in(client: Client, identity: Identity, person: User) -> None:
    assert enter(client, identity, next="/plan/")["Location"] == "/plan/"
    assert client.get("/plan/").context["user"] == person
    tied = SocialAccount.objects.get()
    assert (tied.user, tied.uid, tied.extra_data) == (person, "u-1", {})
    assert identity.asked["redirect_uri"] == "http://testserver/login/sso/callback/"


def test_later_he_is_known_by_his_subject(client: Client, identity: Identity, person: User) -> None:
    enter(client, identity)
    make.user("li", OFFICER)
    identity.claims = {"sub": "u-1", "preferred_username": "li", "name": "不应保存"}
    again = Client()
    enter(again, identity)
    assert again.get("/plan/").context["user"] == person
    assert "不应保存" not in str(SocialAccount.objects.get().extra_data)


def test_a_name_given_to_somebody_else_does_not_open_the_account(client: Client, identity: Identity, person: User) -> None:
    enter(client, identity)
    identity.claims["sub"] = "u-2"
    assert enter(Client(), identity).status_code == 403
    assert SocialAccount.objects.count() == 1


def test_the_claim_is_a_setting(client: Client, identity: Identity, person: User, settings: Any) -> None:
    settings.OIDC_USERNAME_CLAIM = "employee"
    assert enter(client, identity).status_code == 403
    identity.claims["employee"] = "zhang"
    assert enter(client, identity).status_code == 302


def test_a_claim_that_only_userinfo_has(client: Client, identity: Identity, person: User) -> None:
    identity.claims = {"sub": "u-1"}
    identity.userinfo = {"sub": "u-2", "preferred_username": "zhang"}
    assert enter(client, identity).status_code == 401  # it speaks of somebody else
    identity.userinfo["sub"] = "u-1"
    assert enter(client, identity).status_code == 302


@pytest.mark.parametrize("claims", [
    {"preferred_username": "nobody"}, {"preferred_username": ""}, {"preferred_username": None},
    {"preferred_username": ["zhang"]}, {"preferred_username": "ZHANG"},
    {"email": "zhang@example.gov.cn", "preferred_username": "x"},
])
def test_an_unknown_person_is_refused_and_not_made(
    client: Client, identity: Identity, person: User, claims: dict[str, Any]
) -> None:
    identity.claims |= claims
    answer = enter(client, identity)
    assert answer.status_code == 403
    assert "没有与之对应的可用账号" in answer.content.decode()
    assert english_in(answer.content.decode()) == []
    assert client.get("/plan/").status_code == 302
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 0)


@pytest.mark.parametrize("tied", [False, True])
def test_a_disabled_person_is_refused(client: Client, identity: Identity, person: User, tied: bool) -> None:
    if tied:
        enter(Client(), identity)
    User.objects.update(is_active=False)
    assert enter(client, identity).status_code == 403
    assert client.get("/plan/").status_code == 302


def test_no_right_comes_from_claims(client: Client, identity: Identity, person: User) -> None:
    identity.claims |= {"groups": [ADMINISTRATOR], "roles": [ADMINISTRATOR], "is_superuser": True, "is_staff": True}
    enter(client, identity)
    person.refresh_from_db()
    assert [group.name for group in person.groups.all()] == [OFFICER]
    assert not person.is_superuser
    assert client.get("/admin/office/user/").status_code == 403


HMAC = {"key": "x" * 64, "algorithm": "HS256"}


@pytest.mark.parametrize(("what", "fault"), [
    ("changes", {"iss": "https://evil.example"}),
    ("changes", {"aud": "another-client"}),
    ("changes", {"aud": [CLIENT, "another-client"]}),
    ("changes", {"azp": "another-client"}),
    ("changes", {"exp": 1_600_000_000}),
    ("changes", {"exp": None}),
    ("changes", {"iat": None}),
    ("changes", {"nbf": 9_999_999_999}),
    ("changes", {"nonce": "of-another-browser"}),
    ("changes", {"nonce": None}),
    ("changes", {"nonce": 5}),
    ("changes", {"sub": None}),
    ("sign", {"key": None, "algorithm": "none"}),
    ("sign", HMAC),
    ("sign", {"headers": {"kid": "unknown"}}),
    ("sign", {"headers": {}}),
    ("discovery", {"issuer": "https://evil.example"}),
    ("token_status", 400),
    ("token_status", 500),
])
def test_a_token_that_proves_nothing_is_refused(
    client: Client, identity: Identity, person: User, what: str, fault: Any
) -> None:
    there = client.post("/login/sso/")
    back = identity.authorize(there["Location"])
    setattr(identity, what, fault)
    answer = client.get("/login/sso/callback/", back)
    assert answer.status_code == 401
    assert "单点登录没有成功" in answer.content.decode()
    assert english_in(answer.content.decode()) == []
    assert client.get("/plan/").status_code == 302
    assert not SocialAccount.objects.exists()


def test_a_token_signed_by_another_key_is_refused(client: Client, identity: Identity, person: User) -> None:
    identity.sign = {"key": identity.other}
    assert enter(client, identity).status_code == 401


def test_a_token_that_signs_with_the_public_key_is_refused(
    client: Client, identity: Identity, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HS256 over the published key: what a checker accepts that takes the algorithm from the token."""
    from cryptography.hazmat.primitives import serialization as to

    public = identity.key.public_key().public_bytes(to.Encoding.DER, to.PublicFormat.SubjectPublicKeyInfo)
    monkeypatch.setattr(identity, "sign", {"key": public, "algorithm": "HS256"})
    assert enter(client, identity).status_code == 401


def test_canary_without_the_check_of_the_signature_another_key_would_do(
    client: Client, identity: Identity, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity.sign = {"key": identity.other}
    decode = jwt.decode
    monkeypatch.setattr(jwt, "decode", lambda token, **_: decode(token, options={"verify_signature": False}))
    assert enter(client, identity).status_code == 302


def test_a_callback_needs_the_browser_that_asked(client: Client, identity: Identity, person: User) -> None:
    there = client.post("/login/sso/")
    back = identity.authorize(there["Location"])
    assert Client().get("/login/sso/callback/", back).status_code == 401
    assert client.get("/login/sso/callback/", back).status_code == 302
    client.post("/logout/")
    assert client.get("/login/sso/callback/", back).status_code == 401  # once


def test_giving_up_there_is_told_here(client: Client, identity: Identity) -> None:
    back = identity.authorize(client.post("/login/sso/")["Location"])
    answer = client.get("/login/sso/callback/", {"state": back["state"], "error": "access_denied"})
    assert answer.status_code == 401
    assert "没有成功" in answer.content.decode()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/"])
def test_next_never_leads_elsewhere(client: Client, identity: Identity, person: User, target: str) -> None:
    assert enter(client, identity, next=target)["Location"] == "/"


def test_without_configuration_there_is_no_button_and_no_way(client: Client, settings: Any) -> None:
    assert "login/sso" not in client.get("/login/").content.decode()
    assert client.post("/login/sso/").status_code == 404
    assert client.get("/login/sso/callback/").status_code == 404


def test_with_it_there_is(client: Client, identity: Identity, settings: Any) -> None:
    settings.OIDC_NAME = "区统一身份认证"
    html = client.get("/login/").content.decode()
    assert "用区统一身份认证登录" in html
    assert client.get("/login/sso/").status_code == 405


def test_a_row_in_the_database_opens_no_way(client: Client, settings: Any) -> None:
    from allauth.socialaccount.models import SocialApp

    SocialApp.objects.create(provider="openid_connect", provider_id="sso", client_id="x", secret="x", settings={})
    assert client.post("/login/sso/").status_code == 404


# -- second factor


@pytest.fixture
def boss(settings: Any) -> User:
    settings.MFA_REQUIRED = True
    return make.user("zhang", ADMINISTRATOR)


def test_privileged_people_need_their_second_factor_here(client: Client, identity: Identity, boss: User) -> None:
    enter(client, identity)
    assert client.get("/plan/")["Location"] == "/account/totp/"


@pytest.mark.parametrize(("amr", "target"), [
    (["pwd", "mfa"], None), (["pwd", "otp"], "/account/totp/"), (["pwd"], "/account/totp/"), ([], "/account/totp/"),
    ("mfa", "/account/totp/"),
])
def test_or_have_given_it_there(client: Client, identity: Identity, boss: User, amr: Any, target: str | None) -> None:
    identity.claims["amr"] = amr
    enter(client, identity)
    assert client.get("/plan/").get("Location") == target


def test_who_has_one_here_is_asked_unless_it_was_given_there(client: Client, identity: Identity, boss: User) -> None:
    from allauth.mfa.models import Authenticator

    from office.signin.adapters import SecondFactorAdapter

    Authenticator.objects.create(user=boss, type="totp", data={"secret": SecondFactorAdapter().encrypt("A" * 32)})
    assert enter(client, identity)["Location"] == "/login/code/"
    identity.claims["amr"] = ["mfa"]
    again = Client()
    assert enter(again, identity)["Location"] == "/"
    assert again.get("/admin/").status_code == 200


# -- where it calls


def test_every_call_goes_to_the_provider_by_the_guarded_client(
    client: Client, identity: Identity, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from office.http import GuardedClient

    seen = []
    request = GuardedClient.request
    monkeypatch.setattr(GuardedClient, "request", lambda self, *a, **k: seen.append(a[1]) or request(self, *a, **k))
    enter(client, identity)
    assert [address.removeprefix(identity.issuer) for address in seen] == identity.calls
    assert "/token" in identity.calls


def test_an_endpoint_elsewhere_is_not_called(client: Client, identity: Identity, person: User) -> None:
    elsewhere = Identity()
    identity.discovery = {"token_endpoint": f"{elsewhere.issuer}/token", "jwks_uri": f"{elsewhere.issuer}/keys"}
    assert enter(client, identity).status_code == 401
    assert elsewhere.calls == []
    elsewhere.close()


def test_a_private_address_needs_leave(client: Client, identity: Identity, settings: Any, caplog: Any) -> None:
    settings.OIDC_INTRANET = False
    with caplog.at_level(logging.WARNING):
        answer = client.post("/login/sso/")
    assert answer.status_code == 401
    assert identity.calls == []
    assert "已拒绝连接" in caplog.text


def test_the_list_holds_the_issuer_and_named_hosts_only(settings: Any) -> None:
    settings.OIDC_ISSUER, settings.OIDC_HOSTS = "https://id.example.gov.cn/realms/x", ["token.example.gov.cn:8443"]
    assert policy().hosts == {"id.example.gov.cn:443", "token.example.gov.cn:8443"}
    assert not policy().local


def test_the_session_has_no_other_way_out() -> None:
    import requests

    for address in ("ftp://127.0.0.1/x", "file:///etc/passwd"):
        with pytest.raises(requests.exceptions.InvalidSchema):
            guarded_session().get(address)


def test_the_secret_does_not_reach_the_log(client: Client, identity: Identity, person: User, caplog: Any) -> None:
    identity.token_status = 400
    with caplog.at_level(logging.DEBUG):
        enter(client, identity)
    assert SECRET not in caplog.text
