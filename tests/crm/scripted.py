"""A source on loopback that answers by a function, and a reader onto it."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from crm.sync.connector import Connector, parse_connector
from crm.sync.fetch import Batch, Reader, open_reader, policy_for
from office.http import GuardedClient

NOW = dt.datetime(2026, 11, 24, 8, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Told:
    """One request as the source saw it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(self.body.decode()).items()}


@dataclass(frozen=True, slots=True)
class Reply:
    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json; charset=utf-8"

    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body, ensure_ascii=False).encode()


class Scripted:
    """Counts and keeps what it was asked. An answer may be a Reply, or a list of pieces sent without a length."""

    def __init__(self, answer: Callable[[Told], Reply | list[bytes]]) -> None:
        self.asked: list[Told] = []
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
                told = Told(self.command, parts.path, query, {n.lower(): v for n, v in self.headers.items()}, body)
                source.asked.append(told)
                reply = answer(told)
                try:
                    self._send(reply)
                except OSError:
                    return  # the client had enough

            do_POST = do_GET

            def _send(self, reply: Reply | list[bytes]) -> None:
                if isinstance(reply, list):
                    self.send_response(200)
                    self.end_headers()
                    for piece in reply:
                        self.wfile.write(piece)
                    return
                data = reply.data()
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.kind)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


FIELDS = {
    "uscc": {"from": "code"},
    "name": {"from": "name", "required": True},
    "status": {"from": "state", "required": True},
}


def described(**parts: Any) -> Connector:
    """A connector of three fields on this machine, with the given parts."""
    raw: dict[str, Any] = {
        "code": "odd",
        "name": "测试源",
        "local": True,
        "auth": {"kind": "none"},
        "key": "id",
        "fields": FIELDS,
        "limits": {"backoff_seconds": 0.001, "attempts": 2},
        "listing": {"request": {"path": "/list"}, "items": "rows", "paging": {"kind": "none"}},
    }
    return parse_connector(raw | parts)


def reader_on(
    connector: Connector,
    url: str,
    *,
    environ: dict[str, str] | None = None,
    keys: Callable[[], Iterable[str]] | None = None,
    **policy: Any,
) -> Reader:
    changes = {"wait_initial": 0.001, "wait_max": 0.002} | policy
    http = GuardedClient(policy_for(connector, url, **changes))
    return open_reader(connector, http, base_url=url, environ=environ or {}, keys=keys, now=NOW)


def read_all(
    reader: Reader,
    cursor: dict[str, Any] | None = None,
    *,
    full: bool = False,
    position: dict[str, Any] | None = None,
) -> list[Batch]:
    cursor = cursor or {}
    return list(reader.read(reader.mode(cursor, full), cursor, position or {}))
