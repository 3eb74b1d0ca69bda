"""Web, worker and beat: started, watched, started again when they die, stopped in reverse order."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.startup.console import Exit, Failure, last_line, say, text_since
from config.startup.journey import Manage, Sandbox
from config.startup.layout import Layout
from config.startup.processes import Steps, spawn, stop_process
from config.startup.servers import Running, Servers
from config.startup.signals import interrupts
from config.startup.web import HOST, port_failure, status_of

HEALTH_PATIENCE = 90.0
POLL = 0.5
# Gunicorn's own line without the query string and the referrer: people search for telephone numbers.
ACCESS_LINE = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(b)s %(D)sus'


class RestartBudget:
    """How long to wait before the next restart: doubling, and None once there were too many of late."""

    def __init__(self, *, limit: int = 5, window: float = 60.0, first: float = 0.5) -> None:
        self._limit, self._window, self._first = limit, window, first
        self._deaths: deque[float] = deque()

    def delay(self, now: float) -> float | None:
        while self._deaths and now - self._deaths[0] > self._window:
            self._deaths.popleft()
        self._deaths.append(now)
        if len(self._deaths) > self._limit:
            return None
        return self._first * 2.0 ** (len(self._deaths) - 1)


@dataclass
class Watched:
    """Something that must keep running. process tells the current one, restart makes a new one."""

    label: str
    log: Path
    process: Callable[[], subprocess.Popen[bytes] | None]
    restart: Callable[[], None]
    budget: RestartBudget = field(default_factory=RestartBudget)
    due: float | None = None

    def look(self, now: float) -> None:
        if self.due is not None:
            if now >= self.due:
                self.due = None
                self._restart(now)
            return
        process = self.process()
        if process is None or process.poll() is not None:
            self._died(now, f"退出码 {process.returncode}" if process else "未启动")

    def _restart(self, now: float) -> None:
        try:
            self.restart()
        except Failure as failure:
            if failure.code == Exit.DISK:
                raise
            self._died(now, failure.line)

    def _died(self, now: float, why: str) -> None:
        delay = self.budget.delay(now)
        if delay is None:
            raise Failure(Exit.SERVICES, f"{self.label}一分钟内多次意外退出（{why}），已全部停止。日志：{self.log}")
        say(f"{self.label}意外退出（{why}），{delay:g} 秒后重启。日志：{self.log}")
        self.due = now + delay


@dataclass
class Service:
    """A program of ours that serves."""

    name: str
    label: str
    argv: Sequence[str | Path]
    manage: Manage
    patience: float
    process: subprocess.Popen[bytes] | None = None

    def log(self) -> Path:
        return self.manage.layout.logs / f"{self.name}.log"

    def start(self) -> None:
        layout = self.manage.layout
        if self.process is not None:
            stop_process(self.process.pid, process=self.process)  # what is left of its group
        with interrupts.held():
            self.process = spawn(
                self.argv, env=self.manage.environment(), cwd=layout.root, output=layout.log(self.name),
                pid_file=layout.run / f"{self.name}.pid",
            )

    def current(self) -> subprocess.Popen[bytes] | None:
        return self.process

    def stop(self) -> None:
        steps: Steps = ((signal.SIGTERM, self.patience), (signal.SIGKILL, 5.0))
        if self.process is not None:
            stop_process(self.process.pid, process=self.process, steps=steps)
            (self.manage.layout.run / f"{self.name}.pid").unlink(missing_ok=True)


def services(manage: Manage, port: int) -> list[Service]:
    python, layout = manage.venv.python, manage.layout
    beat_folder = layout.var / "beat"
    beat_folder.mkdir(exist_ok=True)
    web: list[str | Path] = [
        python, "-m", "gunicorn", "config.wsgi", "--worker-class", "gthread", "--workers", "2", "--threads", "8",
        "--bind", f"{HOST}:{port}", "--timeout", "60", "--graceful-timeout", "10", "--access-logfile", "-",
        "--access-logformat", ACCESS_LINE, "--no-control-socket",
    ]
    celery: list[str | Path] = [python, "-m", "celery", "-A", "config.celery"]
    worker = [*celery, "worker", "--concurrency", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    beat = [*celery, "beat", "--loglevel", "INFO", "--schedule", beat_folder / "schedule"]
    return [
        Service("web", "网站", web, manage, patience=15),
        Service("worker", "后台任务", worker, manage, patience=10),
        Service("beat", "定时器", beat, manage, patience=5),
    ]


def start_services(manage: Manage, port: int, running: Running) -> list[Service]:
    started = services(manage, port)
    for service in started:
        running.add(service.label, service.stop)
        offset = service.log().stat().st_size if service.log().exists() else 0
        service.start()
        if service.name == "web":
            _wait_until_healthy(service, port, offset)
    return started


def _wait_until_healthy(web: Service, port: int, offset: int) -> None:
    deadline = time.monotonic() + HEALTH_PATIENCE
    status = None
    while time.monotonic() < deadline:
        assert web.process is not None  # noqa: S101  (for the type checker)
        if web.process.poll() is not None:
            text = text_since(web.log(), offset)
            if "Address already in use" in text or "already in use" in text:
                raise port_failure(port)
            raise Failure(Exit.SERVICES, f"网站启动失败：{last_line(text)}。日志：{web.log()}")
        status = status_of(port, "/healthz")
        if status == 200:  # noqa: PLR2004
            return
        time.sleep(0.2)
    answer = "没有应答" if status is None else f"应答 {status}"
    raise Failure(Exit.SERVICES, f"网站 {HEALTH_PATIENCE:.0f} 秒内没有就绪（/healthz {answer}）。日志：{web.log()}")


def watched(servers: Servers, sandbox: Sandbox | None, started: Sequence[Service], layout: Layout) -> list[Watched]:
    """In the order in which they depend on each other."""
    logs = layout.logs
    found = []
    if servers.postgres:
        found.append(Watched("数据库", logs / "postgres.log", servers.postgres_process, servers.restart_postgres))
    if servers.valkey:
        found.append(Watched("Valkey", logs / "valkey.log", servers.valkey_process, servers.start_valkey))
    if sandbox is not None:
        found.append(Watched("企业数据库沙箱", logs / "sandbox.log", sandbox.current, sandbox.start))
    return found + [Watched(service.label, service.log(), service.current, service.start) for service in started]


def watch_forever(things: Sequence[Watched]) -> None:
    """Returns never: ends by Interrupted or Failure."""
    while True:
        for thing in things:
            thing.look(time.monotonic())
        time.sleep(POLL)
