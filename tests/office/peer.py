"""A scripted HTTP server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Script = Callable[[BaseHTTPRequestHandler], None]


class Peer:
    """A scripted server: answers with the next script (the last one again and again) and counts the requests."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts, self.seen = list(scripts), 0
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                script = peer.scripts[min(peer.seen, len(peer.scripts) - 1)]
                peer.seen += 1
                script(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.port = self.server.server_address[1]
        self.origin = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.origin}/x"


def reply(status: int = 200, body: bytes = b"{}", **headers: str) -> Script:
    def script(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return script
