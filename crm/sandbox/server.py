"""The sandbox enterprise database as an HTTP server of its own: standard library only, loopback only, no Django.

Answers as Chinese data vendors do: HTTP 200 with an envelope, success is `code == 0`. See docs/sandbox-api.md.
"""

from __future__ import annotations

import hmac
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from crm.sandbox.generate import World, make_world

LOOPBACK = "127.0.0.1"
DEMO_KEY = "sandbox-demo-key"  # opens invented data on this machine only
KEY_HEADER = "X-Api-Key"
MAX_SIZE = 1_000
MAX_ADVANCE = 500

OK, BAD_KEY, NO_SUCH_PATH, BAD_PAGING = 0, 401, 404, 30002
_TEXT = {OK: "ok", BAD_KEY: "密钥无效", NO_SUCH_PATH: "接口不存在", BAD_PAGING: "分页参数不正确"}


class Refused(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(_TEXT[code])
        self.code = code


@dataclass
class Api:
    """What the server answers, without HTTP: the world under one lock."""

    world: World
    key: str = DEMO_KEY
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, target: str, key: str | None) -> dict[str, Any]:
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        try:
            return {"code": OK, "message": _TEXT[OK], "data": self._route(method, parts.path, query, key)}
        except Refused as refusal:
            return {"code": refusal.code, "message": str(refusal), "data": None}

    def _route(self, method: str, path: str, query: dict[str, str], key: str | None) -> dict[str, Any]:
        if (method, path) == ("GET", "/v1/health"):
            return {"status": "up", "seq": self.world.seq, "companies": len(self.world.records)}
        if not hmac.compare_digest((key or "").encode(), self.key.encode()):
            raise Refused(BAD_KEY)
        handlers = {("GET", "/v1/companies"): self.companies, ("GET", "/v1/changes"): self.changes,
                    ("POST", "/v1/_advance"): self.advance}
        handler = handlers.get((method, path))
        if handler is None:
            raise Refused(NO_SUCH_PATH)
        with self.lock:
            return handler(query)

    def companies(self, query: dict[str, str]) -> dict[str, Any]:
        page, size = _number(query, "page", 1, 1, 10**6), _number(query, "size", 100, 1, MAX_SIZE)
        keys = sorted(self.world.records)
        wanted = keys[(page - 1) * size : page * size]
        items = [self.world.records[key] for key in wanted]
        return {"total": len(keys), "page": page, "size": size, "seq": self.world.seq, "items": items}

    def changes(self, query: dict[str, str]) -> dict[str, Any]:
        since, limit = _number(query, "since", 0, 0, 10**12), _number(query, "limit", 100, 1, MAX_SIZE)
        log = self.world.log
        found = log[min(since, len(log)) : min(since, len(log)) + limit]  # seq is the position in the log, from 1
        items = [{"seq": seq, "op": op, "id": key, "company": record} for seq, op, key, record in found]
        return {"items": items, "next_since": found[-1][0] if found else since, "seq": self.world.seq}

    def advance(self, query: dict[str, str]) -> dict[str, Any]:
        happened = self.world.advance(_number(query, "k", 20, 1, MAX_ADVANCE))
        return {"changed": happened, "seq": self.world.seq}


def _number(query: dict[str, str], name: str, default: int, low: int, high: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 14 and low <= int(text) <= high):  # noqa: PLR2004
        raise Refused(BAD_PAGING)
    return int(text)


class Handler(BaseHTTPRequestHandler):
    api: Api
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        self._send()

    def do_POST(self) -> None:
        self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 65_536))
        self._send()

    def _send(self) -> None:
        body = json.dumps(self.api.answer(self.command, self.path, self.headers.get(KEY_HEADER)), ensure_ascii=False)
        data = body.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Silent: a line per request would drown the start-up output."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    disable_nagle_algorithm = True


def make_server(api: Api, port: int = 0) -> Server:
    """A bound, listening server on loopback; port 0 takes a free one (`server.server_address[1]`)."""
    return Server((LOOPBACK, port), type("BoundHandler", (Handler,), {"api": api}))


def serve(*, port: int, port_file: Path | None, seed: int, companies: int, key: str) -> None:
    """Serve until interrupted. The port file appears, whole, only when the server listens."""
    server = make_server(Api(make_world(seed, companies), key), port)
    if port_file is not None:
        draft = port_file.with_suffix(".part")
        draft.write_text(f"{server.server_address[1]}\n")
        draft.replace(port_file)
    try:
        server.serve_forever()
    finally:
        server.server_close()
