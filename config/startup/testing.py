"""./test: own servers, then every check, pytest last."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from config.startup.console import Exit, Failure, say
from config.startup.environment import Venv, check_disk, child_environment, prepare_environment
from config.startup.home import forget_folder
from config.startup.layout import Layout, VarLock
from config.startup.processes import Steps, spawn, stop_process
from config.startup.servers import Running, Servers, stop_leftovers
from config.startup.signals import interrupts

FOREIGN = ("DATABASE_URL", "REDIS_URL", "ENTERPRISE_DB_URL")
SLOTS = 8
WORKERS = min(os.cpu_count() or 1, 4)
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"


@dataclass(frozen=True)
class TestOptions:
    __test__ = False  # not a test class for pytest

    slow: bool
    only_tests: bool
    pytest: tuple[str, ...]


def parse_test(words: Sequence[str]) -> TestOptions:
    """Our own two options are taken out; everything else is pytest's."""
    rest = tuple(word for word in words if word not in ("--slow", "--only-tests"))
    return TestOptions(slow="--slow" in words, only_tests="--only-tests" in words, pytest=rest)


def pytest_words(options: TestOptions) -> list[str]:
    chosen = any(word == "-m" or (word.startswith("-m") and not word.startswith("--")) for word in options.pytest)
    if chosen:
        return list(options.pytest)
    # The bound on pure code means nothing for a part of the tests. All of them share out by file, a database to each worker.
    whole = [] if options.pytest else ["--cov", "-n", str(WORKERS), "--no-loadscope-reorder", "--dist", "loadfile"]
    return ["-m", "slow or not slow" if options.slow else "not slow", *whole, *options.pytest]


def steps(python: Path, options: TestOptions) -> list[tuple[str, list[str]]]:
    run = str(python)
    linters = [
        ("ruff", [run, "-m", "ruff", "check", "."]),
        ("lint-imports", [run, "-c", LINT_IMPORTS]),
        ("mypy", [run, "-m", "mypy"]),
    ]
    return ([] if options.only_tests else linters) + [("pytest", [run, "-m", "pytest", *pytest_words(options)])]


def summary(results: Sequence[tuple[str, int]]) -> str:
    return "结果：" + " · ".join(f"{name} {'通过' if code == 0 else f'未通过（{code}）'}" for name, code in results)


def _take_slot(layout: Layout) -> tuple[Layout, VarLock]:
    """var/test, or var/test-2 and so on while other runs hold the earlier ones."""
    layout.create()
    for number in range(1, SLOTS + 1):
        slot = replace(layout, var=layout.var / ("test" if number == 1 else f"test-{number}"))
        slot.create()
        lock = VarLock(slot.var)
        if lock.take():
            return slot, lock
        lock.close()
    raise Failure(Exit.ALREADY_RUNNING, f"已有 {SLOTS} 个 ./test 在运行：请等其中一个结束后重试")


def run_tests(root: Path, words: Sequence[str], running: Running) -> int:
    options = parse_test(words)
    ignored = [name for name in FOREIGN if os.environ.get(name)]
    if ignored:
        say(f"已忽略环境变量 {'、'.join(ignored)}：./test 只写入自己启动的服务器")
    slot, lock = _take_slot(Layout.from_environment(root, os.environ))
    running.add("lock", lock.close)
    stop_leftovers(slot)
    forget_folder(slot)
    check_disk(slot, first_install=False)
    venv = prepare_environment(slot, for_tests=True)
    servers = Servers(slot, venv.packages, for_tests=True)
    running.add("test data", lambda: forget_folder(slot))  # a clone that is thrown away leaves nothing elsewhere
    servers.start({}, running)
    return _run_steps(slot, venv, servers, options)


def test_environment(slot: Layout, servers: Servers) -> dict[str, str]:
    state = servers.state()
    env = {key: value for key, value in child_environment(slot).items() if key not in FOREIGN}
    return env | {
        "DATABASE_URL": state.database_url, "REDIS_URL": state.redis_url, "TEST_SERVER_MARKER": state.marker,
        "TEST_DATA_DIRECTORY": state.data_directory, "DJANGO_SETTINGS_MODULE": "config.settings.test",
    }


def _run_steps(slot: Layout, venv: Venv, servers: Servers, options: TestOptions) -> int:
    env = test_environment(slot, servers)
    results = []
    for name, argv in steps(venv.python, options):
        if not options.only_tests:
            say(f"── {name}")
        results.append((name, _step(argv, env, slot.root)))
    say(summary(results))
    return Exit.OK if all(code == 0 for _, code in results) else Exit.FAILED


def _step(argv: Sequence[str], env: dict[str, str], root: Path) -> int:
    """In the terminal's own group, so that pdb works and Ctrl-C reaches the tests; they get time to say where."""
    process: subprocess.Popen[bytes] | None = None
    patience: Steps = ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0))
    try:
        with interrupts.held():
            process = spawn(argv, env=env, cwd=root, own_session=False, stdin=None)
        return process.wait()
    except BaseException:
        if process is not None and sys.stdin is not None and sys.stdin.isatty():
            patience = ((0, 15.0), *patience)  # it got the Ctrl-C itself
        raise
    finally:
        if process is not None:
            stop_process(process.pid, process=process, steps=patience)
