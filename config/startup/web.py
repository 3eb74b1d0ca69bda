"""Asking whether a web server on this machine answers, and whether a port is free."""

from __future__ import annotations

import errno
import http.client
import socket

from config.startup.console import Exit, Failure

HOST = "127.0.0.1"


def check_port(port: int) -> None:
    """Fail before anything slow starts when the port cannot be used."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the web server does: TIME_WAIT is no obstacle
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError as error:
            raise port_failure(port, error) from error


def port_failure(port: int, error: OSError | None = None) -> Failure:
    other = port + 1 if port < 65535 else 8000  # noqa: PLR2004
    if error is not None and error.errno == errno.EACCES:
        return Failure(Exit.PORT_IN_USE, f"没有权限使用端口 {port}：请换一个大于 1023 的端口，例如 ./run --port 8000")
    return Failure(Exit.PORT_IN_USE, f"端口 {port} 已被其他程序占用：请换一个端口，例如 ./run --port {other}")


def status_of(port: int, path: str, *, timeout: float = 5.0) -> int | None:
    """HTTP status of a GET on this machine, past any proxy; None when nothing answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
