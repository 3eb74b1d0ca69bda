"""Between the servers and the first page: prepare the database, start the sandbox source, make the first journey."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.startup.console import Exit, Failure, fail_from_log, last_line, say, text_since
from config.startup.environment import Venv, child_environment
from config.startup.layout import Layout
from config.startup.processes import POLITE, run_command, spawn, stop_process
from config.startup.signals import interrupts
from config.startup.web import HOST, status_of

SANDBOX_PATIENCE = 60.0


@dataclass
class Manage:
    """Runs manage.py commands of this checkout with one common environment."""

    layout: Layout
    venv: Venv
    extra: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        env = child_environment(self.layout, self.extra)
        env.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
        return env

    def argv(self, *words: str | Path) -> list[str | Path]:
        return [self.venv.python, "manage.py", *words]

    def run(self, name: str, *words: str | Path, show_output: bool = False) -> tuple[int, str, Path]:
        """Return exit code, what was written to the log, and the log's path."""
        log = self.layout.log(name)
        before = log.stat().st_size
        with log.open("ab") as errors:
            code = run_command(
                self.argv(*words), env=self.environment(), cwd=self.layout.root,
                output=sys.stdout.fileno() if show_output else log, errors=errors if show_output else None,
                pid_file=self.layout.run / f"{name}.pid",
            )
        return code, text_since(log, before), log


def prepare(manage: Manage) -> None:
    say("正在准备数据（迁移、基础数据、静态文件）……")
    code, text, log = manage.run("prepare", "prepare")
    if code != 0:
        fail_from_log(Exit.PREPARE, "准备数据", text, log)


def first_journey(manage: Manage, *, once: bool) -> int:
    say("正在同步企业数据、归入产业链、生成报告……")
    words: list[str | Path] = ["first_journey"]
    if once:
        words += ["--reports-dir", manage.layout.var / "reports", "--summary"]
        sys.stdout.flush()
    code, text, log = manage.run("first_journey", *words, show_output=once)
    if code != 0:
        say(f"首次同步与报告未完成（退出码 {code}）：{last_line(text)}。日志：{log}")
    return code


@dataclass
class Sandbox:
    """The stand-in for the enterprise database, on a loopback port that the system picks."""

    manage: Manage
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def wanted(environ: Mapping[str, str]) -> bool:
        return not environ.get("ENTERPRISE_DB_URL")

    def start(self) -> None:
        """Start, or start again on the same port."""
        layout = self.manage.layout
        port_file = layout.run / "sandbox.port"
        port_file.unlink(missing_ok=True)
        log = layout.log("sandbox")
        before = log.stat().st_size
        words = ("sandbox_enterprise_db", "--port", str(self.port), "--port-file", port_file)
        with interrupts.held():
            self.process = spawn(
                self.manage.argv(*words), env=self.manage.environment(), cwd=layout.root, output=log,
                pid_file=layout.run / "sandbox.pid",
            )
        deadline = time.monotonic() + SANDBOX_PATIENCE
        while not self._answers(port_file):
            if self.process.poll() is not None:
                fail_from_log(Exit.PREPARE, "启动企业数据库沙箱", text_since(log, before), log)
            if time.monotonic() > deadline:
                raise Failure(Exit.PREPARE, f"企业数据库沙箱 {SANDBOX_PATIENCE:.0f} 秒内没有就绪。日志：{log}")
            time.sleep(0.1)
        self.manage.extra["ENTERPRISE_DB_URL"] = f"http://{HOST}:{self.port}"

    def _answers(self, port_file: Path) -> bool:
        try:
            port = int(port_file.read_text().strip())
        except (OSError, ValueError):
            return False
        if status_of(port, "/") is None:
            return False
        self.port = port
        return True

    def current(self) -> subprocess.Popen[bytes] | None:
        return self.process

    def stop(self) -> None:
        if self.process is not None:
            stop_process(self.process.pid, process=self.process, steps=POLITE)
            (self.manage.layout.run / "sandbox.pid").unlink(missing_ok=True)
