"""Who we are to a source: every kind, with the secret coming from the environment and standing nowhere else."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest

from crm.sync.fetch import SourceRefused
from crm.sync.fetch.auth import Authority, Outgoing, digest, fill
from tests.crm.scripted import Reply, Scripted, Told, described, read_all, reader_on

ENVIRON = {"THE_KEY": "key", "THE_SECRET": "s3cret"}


def call_with(auth: dict[str, Any], *, body: str = "none", **fields: Any) -> Outgoing:
    call = Outgoing("GET", "https://db.example/a", "/a", body, fields=dict(fields))
    Authority(auth, ENVIRON, lambda: 1_700_000_000.123, lambda: 0.0).apply(call, lambda _: {})
    return call


def test_keys_in_their_places() -> None:
    plain = {"kind": "api_key", "name": "k", "secret": "THE_KEY"}
    assert call_with(plain | {"place": "query"}).query == {"k": "key"}
    assert call_with(plain | {"place": "header", "prefix": "Token "}).headers == {"k": "Token key"}
    form = call_with(plain | {"place": "form"}, body="form", a=1)
    assert form.content() == b"a=1&k=key"
    assert call_with({"kind": "bearer", "secret": "THE_KEY"}).headers == {"Authorization": "Bearer key"}
    basic = call_with({"kind": "basic", "username": "THE_KEY", "password": "THE_SECRET"}).headers["Authorization"]
    assert base64.b64decode(basic.split()[1]) == b"key:s3cret"
    assert call_with({"kind": "none"}).headers == {}


def test_json_bodies_keep_numbers() -> None:
    call = Outgoing("POST", "https://db.example/a", "/a", "json", fields={"page": 1})
    assert (call.content(), call.headers["Content-Type"]) == (b'{"page": 1}', "application/json")


SIGNED = {
    "kind": "signed",
    "template": "{key}{timestamp}{secret}",
    "secret": "THE_SECRET",
    "key": "THE_KEY",
    "signature": {"place": "header", "name": "Token"},
}


@pytest.mark.parametrize(
    ("name", "unit", "stamp"),
    [("md5", "s", "1700000000"), ("sha256", "ms", "1700000000123"), ("sm3", "s", "1700000000")],
)
@pytest.mark.parametrize("case", ["upper", "lower"])
def test_signatures(name: str, unit: str, stamp: str, case: str) -> None:
    if name not in hashlib.algorithms_available:
        pytest.skip(f"this OpenSSL has no {name}")
    call = call_with(
        SIGNED | {"hash": name, "case": case, "timestamp": {"unit": unit, "place": "query", "name": "t"}}
    )
    wanted = hashlib.new(name, f"key{stamp}s3cret".encode()).hexdigest()
    assert call.headers["Token"] == (wanted.upper() if case == "upper" else wanted)
    assert call.query == {"t": stamp}


def test_hmac_and_every_word_of_a_template() -> None:
    call = call_with(
        SIGNED
        | {
            "hash": "hmac_sha256",
            "template": "{method} {path}?{params}#{nonce}{other}",
            "nonce_at": {"place": "query", "name": "n"},
        },
        b=2,
        a=1,
    )
    nonce = call.query["n"]
    text = f"GET /a?a=1&b=2&n={nonce}#{nonce}{{other}}"
    assert call.headers["Token"] == hmac.new(b"s3cret", text.encode(), hashlib.sha256).hexdigest()


def test_a_value_that_looks_like_a_word_is_not_filled_in_again() -> None:
    assert fill("{key}-{secret}", {"key": "{secret}", "secret": "x"}) == "{secret}-x"


def test_an_unknown_hash_is_told() -> None:
    with pytest.raises(SourceRefused, match="OpenSSL.*改设置"):
        digest("sm33", "x", "y")


@pytest.mark.parametrize("value", ["", "a\r\nX-Evil: 1"])
def test_a_missing_or_forged_secret_is_refused(value: str) -> None:
    with pytest.raises(SourceRefused, match="THE_KEY.*改设置"):
        Authority({"kind": "bearer", "secret": "THE_KEY"}, {"THE_KEY": value}, lambda: 0, lambda: 0).apply(
            Outgoing("GET", "https://db.example", "/"), lambda _: {}
        )


OAUTH = {"kind": "oauth2", "token": "/token", "client_id": "THE_KEY", "client_secret": "THE_SECRET", "scope": "read"}


def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    now, fetched = [0.0], []

    def fetch(call: Outgoing) -> dict[str, Any]:
        fetched.append(call.fields)
        return {"access_token": f"t{len(fetched)}", "expires_in": 600}

    authority = Authority(OAUTH, ENVIRON, lambda: 0, lambda: now[0])
    used = []
    for at in (0, 500, 539, 541, 1_000):
        now[0] = at
        call = Outgoing("GET", "https://db.example", "/")
        authority.apply(call, fetch)
        used.append(call.headers["Authorization"])
    assert used == ["Bearer t1"] * 3 + ["Bearer t2"] * 2
    assert fetched[0] == {
        "grant_type": "client_credentials",
        "client_id": "key",
        "client_secret": "s3cret",
        "scope": "read",
    }


@pytest.mark.parametrize(
    "answer", [{}, {"access_token": 5}, {"access_token": "a\nb"}, {"access_token": "a", "expires_in": "x"}]
)
def test_no_token_is_told(answer: dict[str, Any]) -> None:
    with pytest.raises(SourceRefused, match="令牌"):
        Authority(OAUTH, ENVIRON, lambda: 0, lambda: 0).apply(
            Outgoing("GET", "https://db.example", "/"), lambda _: answer
        )


def test_oauth_over_the_wire() -> None:
    def answer(told: Told) -> Reply:
        if told.path == "/token":
            return Reply(
                {"access_token": "abc", "expires_in": 3600} if told.form["client_secret"] == "s3cret" else {}
            )
        return Reply({"rows": [{"id": told.headers["authorization"]}]})

    source = Scripted(answer)
    try:
        [batch] = read_all(reader_on(described(auth=OAUTH), source.url, environ=ENVIRON))
    finally:
        source.close()
    assert batch.keys == ["Bearer abc"]
    assert [told.path for told in source.asked] == ["/token", "/list"]
