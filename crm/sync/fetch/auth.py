"""Who we are to a source. Secrets come from the environment by the names in the connector, and go nowhere else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from crm.sync.fetch.errors import SourceRefused
from office.http import NextStep

_EARLY = 60.0  # a token is renewed this many seconds before it ends


@dataclass(slots=True)
class Outgoing:
    """A call about to be made. `path` is what signatures sign; `fields` go into the query, the form or the JSON body."""

    method: str
    url: str
    path: str
    body: str = "none"
    query: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def put(self, place: str, name: str, value: str) -> None:
        {"query": self.query, "form": self.fields, "header": self.headers}[place][name] = value

    def content(self) -> bytes | None:
        """The body; sets its content type."""
        if self.body == "none":
            self.query.update(self.fields)
            self.fields = {}
            return None
        if self.body == "form":
            self.headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
            return urlencode(self.fields).encode()
        self.headers.setdefault("Content-Type", "application/json")
        return json.dumps(self.fields, ensure_ascii=False).encode()


FetchToken = Callable[[Outgoing], dict[str, Any]]


@dataclass(slots=True)
class Authority:
    """`wall` is the time of day in seconds (signatures), `ticks` a clock that only goes forward (end of a token)."""

    auth: Mapping[str, Any]
    environ: Mapping[str, str]
    wall: Callable[[], float]
    ticks: Callable[[], float]
    _token: str = field(default="", init=False, repr=False)
    _until: float = field(default=0.0, init=False)

    def secret(self, name: str) -> str:
        value = self.environ.get(name, "")
        if not value:
            raise SourceRefused(f"没有设置环境变量 {name}", next_step=NextStep.FIX_SETTINGS)
        if any(mark in value for mark in "\r\n\0"):
            raise SourceRefused(f"环境变量 {name} 含有换行", next_step=NextStep.FIX_SETTINGS)
        return value

    def apply(self, call: Outgoing, fetch_token: FetchToken) -> None:
        kind = self.auth["kind"]
        if kind == "api_key":
            call.put(self.auth["place"], self.auth["name"], self.auth.get("prefix", "") + self.secret(self.auth["secret"]))
        elif kind == "basic":
            pair = f"{self.secret(self.auth['username'])}:{self.secret(self.auth['password'])}"
            call.headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        elif kind == "bearer":
            call.headers["Authorization"] = "Bearer " + self.secret(self.auth["secret"])
        elif kind == "signed":
            self._sign(call)
        elif kind == "oauth2":
            call.headers["Authorization"] = "Bearer " + self._current_token(fetch_token)

    def _sign(self, call: Outgoing) -> None:
        auth = self.auth
        words = {"secret": self.secret(auth["secret"]), "key": self.secret(auth["key"]) if "key" in auth else "",
                 "path": call.path, "method": call.method, "nonce": secrets.token_hex(8), "timestamp": ""}
        if "timestamp" in auth:
            unit = {"s": 1, "ms": 1000}[auth["timestamp"]["unit"]]
            words["timestamp"] = str(int(self.wall() * unit))
            call.put(auth["timestamp"]["place"], auth["timestamp"]["name"], words["timestamp"])
        for word in ("key", "nonce"):
            if f"{word}_at" in auth:
                call.put(auth[f"{word}_at"]["place"], auth[f"{word}_at"]["name"], words[word])
        everything = sorted((call.query | call.fields).items())
        words["params"] = "&".join(f"{name}={value}" for name, value in everything)
        text = fill(auth["template"], words)
        signature = digest(auth["hash"], text, words["secret"])
        signature = signature.upper() if auth.get("case") == "upper" else signature
        call.put(auth["signature"]["place"], auth["signature"]["name"], signature)

    def _current_token(self, fetch_token: FetchToken) -> str:
        if not self._token or self.ticks() >= self._until:
            call = Outgoing("POST", self.auth["token"], "", body="form")
            call.fields = {"grant_type": "client_credentials", "client_id": self.secret(self.auth["client_id"]),
                           "client_secret": self.secret(self.auth["client_secret"])}
            if "scope" in self.auth:
                call.fields["scope"] = self.auth["scope"]
            answer = fetch_token(call)
            token, lasts = answer.get("access_token"), answer.get("expires_in", 300)
            if not isinstance(token, str) or not token.isprintable() or not isinstance(lasts, int | float):
                raise SourceRefused("认证接口没有给出令牌", next_step=NextStep.FIX_SETTINGS)
            self._token, self._until = token, self.ticks() + max(1.0, float(lasts) - _EARLY)
        return self._token


def digest(name: str, text: str, secret: str) -> str:
    """The signature in lower-case hexadecimal."""
    if name == "hmac_sha256":
        return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    try:
        return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()
    except ValueError:
        raise SourceRefused(f"本机的 OpenSSL 没有 {name} 算法", next_step=NextStep.FIX_SETTINGS) from None


def fill(template: str, words: Mapping[str, str]) -> str:
    """The template with its {words}; every other brace stays as written."""
    for word in words:
        if word in _WORDS:
            template = template.replace("{" + word + "}", _MARK + word + _MARK)
    parts = template.split(_MARK)
    return "".join(words[part] if index % 2 else part for index, part in enumerate(parts))


_MARK = "\x00"  # a value that happens to contain a {word} is not filled in a second time
_WORDS = frozenset({"secret", "key", "path", "method", "nonce", "timestamp", "params"})
