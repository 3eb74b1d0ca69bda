"""Child processes forked from one that has the libraries loaded: starting anew costs three seconds of computing, each time.

A child is a process like any other: a session of its own, its own environment, output and exit code, its own sockets. What
reads no settings is loaded before the fork, Django itself after it, unless a nursery is made for one database only and says
so by the module that it names.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LIBRARIES = (
    "celery.bin.celery", "celery.bin.worker", "celery.bin.beat", "celery.apps.worker", "celery.apps.beat",
    "celery.worker.worker", "celery.concurrency.prefork", "kombu.transport.redis", "networkx", "scipy.sparse.csgraph",
    "pypinyin", "rapidfuzz.process", "psycopg", "httpx", "rich.console", "yaml", "jsonschema", "jmespath", "msgspec",
    "django.db.backends.postgresql.base", "django.contrib.admin", "django.core.serializers.json",
)


class Child:
    """As much of subprocess.Popen as the tests use."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.nursery, self.pid = nursery, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self.nursery.ask(do="poll", pid=self.pid)
        return self.returncode

    def wait(self, timeout: float = 60.0) -> int:
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.005)
        return code

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, 9)


class Nursery:
    def __init__(self, *modules: str, env: Mapping[str, str] | None = None) -> None:
        """Imports the modules after the libraries, in the environment given."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery", *modules], cwd=ROOT, env={**os.environ, **(env or {})}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )

    def ask(self, **question: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(question), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def start(self, module: str, *words: str, env: Mapping[str, str], output: Path) -> Child:
        """python -m MODULE WORDS, its output appended to the file."""
        return Child(self, self.ask(do="start", module=module, words=words, env=dict(env), output=str(output)))

    def close(self) -> None:
        """It ends by itself too, when whoever made it is gone."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def exit_code(pid: int) -> int | None:
    done, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if done else None


def serve() -> dict[str, Any] | None:
    """Answers until nobody asks any more; in a child, returns what the child is to be."""
    for line in sys.stdin:
        question = json.loads(line)
        if question["do"] == "poll":
            print(json.dumps(exit_code(question["pid"])), flush=True)
        elif pid := os.fork():
            print(pid, flush=True)
        else:
            found: dict[str, Any] = question
            return found
    return None


def become(child: Mapping[str, Any]) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(child["env"])
    output = os.open(child["output"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, output), (2, output)):
        os.dup2(source, stream)
    sys.argv = [child["module"], *child["words"]]
    runpy.run_module(child["module"], run_name="__main__", alter_sys=True)


def main() -> None:
    for module in LIBRARIES:
        with contextlib.suppress(ImportError):  # a library that is gone only makes starting slower
            importlib.import_module(module)
    for module in sys.argv[1:]:
        importlib.import_module(module)
    child = serve()
    if child is not None:
        become(child)


if __name__ == "__main__":
    main()
