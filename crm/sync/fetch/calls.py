"""One call to the source: parameters into their places, who we are, the pace, the answer judged inside its retries."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from crm.sync import strict
from crm.sync.definition import Connector, Request, Stream
from crm.sync.fetch.answers import Judge, Page
from crm.sync.fetch.auth import Authority, Outgoing
from crm.sync.fetch.budgets import Pace
from office.http import Answer, GuardedClient
from office.http import Stream as Streamed

RANGE_LOST = 416


class Caller:
    def __init__(self, connector: Connector, http: GuardedClient, base_url: str, environ: Mapping[str, str], now: dt.datetime,
                 *, wall: Callable[[], float] = time.time, ticks: Callable[[], float] = time.monotonic,
                 pace: Pace | None = None) -> None:
        self.connector, self.http, self.base_url, self.now = connector, http, base_url.rstrip("/"), now
        self.judge = Judge(connector)
        self.authority = Authority(connector.auth, environ, wall, ticks)
        self.pace = pace or Pace(connector.limits.per_second)

    def page(self, stream: Stream, params: Mapping[str, Any], *, url: str = "", request: Request | None = None,
             path: str | None = None, single: bool | None = None, words: Mapping[str, str] | None = None) -> Page:
        """One answer, judged. `url` (a next link) replaces path and parameters."""
        request = request or stream.request
        path = stream.items if path is None else path
        single = stream.single if single is None else single
        found: list[Page] = []

        def check(answer: Answer) -> None:
            found.append(self.judge.page(answer, stream, path, single=single))

        call = self._outgoing(request, params, url, words or {})
        self.authority.apply(call, self._token)
        self.pace.wait()
        body = call.content()
        accept = self.judge.accept | self.connector.gone.statuses.keys()
        self.http.request(call.method, call.url, params=call.query, headers=call.headers, body=body, check=check, accept=accept)
        return found[-1]

    @contextmanager
    def stream(self, request: Request, params: Mapping[str, Any], deadline: float) -> Iterator[Streamed]:
        """The answer piece by piece; 416 comes back as an answer."""
        call = self._outgoing(request, params, "", {})
        self.authority.apply(call, self._token)
        self.pace.wait()
        body = call.content()
        with self.http.stream(call.method, call.url, params=call.query, headers=call.headers, body=body, accept=(RANGE_LOST,),
                              deadline=deadline) as answer:
            yield answer

    def _outgoing(self, request: Request, params: Mapping[str, Any], url: str, words: Mapping[str, str]) -> Outgoing:
        words = {"now": iso(self.now), **words}
        headers = {"Accept": "application/json, */*;q=0.5", **request.headers}
        if url:
            target = urljoin(f"{self.base_url}{request.path}", url)
            return Outgoing(request.method, target, urlsplit(target).path, "none", headers=headers)
        path = _put(request.path, {name: quote(value, safe="") for name, value in words.items()})
        fields = {name: _put(value, words) if isinstance(value, str) else value for name, value in request.params.items()}
        return Outgoing(request.method, self.base_url + path, path, request.body, fields=fields | dict(params), headers=headers)

    def _token(self, call: Outgoing) -> dict[str, Any]:
        call.url = urljoin(f"{self.base_url}/", call.url)
        body = call.content()
        answer = self.http.request("POST", call.url, headers=call.headers, body=body)
        try:
            value = strict.load(answer.body)
        except strict.NotStrict:
            return {}
        return value if isinstance(value, dict) else {}


def _put(text: str, words: Mapping[str, str]) -> str:
    for name, value in words.items():
        if text == "{" + name + "}":
            return value
    for name, value in words.items():
        text = text.replace("{" + name + "}", value)
    return text


def iso(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
