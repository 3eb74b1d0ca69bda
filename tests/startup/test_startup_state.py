"""servers.json as settings read it, and the promise that start-up needs nothing installed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from config.startup.signals import Interrupted, Interrupts
from config.startup.state import ServerState, read_state, remove_state, write_state
from tests.startup.harness import ROOT


@pytest.fixture
def state(tmp_path: Path) -> ServerState:
    (tmp_path / "run").mkdir()
    return ServerState(
        database_url=f"postgresql://app:pw@/app?host={tmp_path}", redis_url=f"unix://{tmp_path}/valkey.sock?db=0",
        pid=os.getpid(), data_directory="/data", marker="m",
    )


def _dead_pid() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_state_of_a_living_launcher(tmp_path: Path, state: ServerState) -> None:
    assert read_state(tmp_path) is None
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    remove_state(tmp_path)
    assert read_state(tmp_path) is None


def test_state_of_a_dead_launcher_counts_while_a_socket_is_there(
    tmp_path: Path, state: ServerState, monkeypatch: pytest.MonkeyPatch,
) -> None:
    orphaned = replace(state, pid=_dead_pid())
    write_state(tmp_path, orphaned)
    assert read_state(tmp_path) is None
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("valkey.sock")
        assert read_state(tmp_path) == orphaned


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"database_url": "x", "pid": "y"}'])
def test_damaged_state_is_no_state(tmp_path: Path, text: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "servers.json").write_text(text)
    assert read_state(tmp_path) is None


def test_start_up_imports_the_standard_library_alone() -> None:
    script = (
        "import pkgutil, sys, importlib, config.startup\n"
        "for module in pkgutil.iter_modules(config.startup.__path__, 'config.startup.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
        "roots = {name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names\n"
        "print(sorted(roots - {'config', '__main__'}))"
    )
    result = subprocess.run(
        [sys.executable, "-S", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False,
    )
    assert (result.stdout.strip(), result.stderr) == ("[]", "")


def test_first_signal_interrupts_once(capfd: pytest.CaptureFixture[str]) -> None:
    interrupts = Interrupts()
    with pytest.raises(Interrupted):
        interrupts._handle(signal.SIGTERM, None)
    interrupts._handle(signal.SIGINT, None)
    assert "正在停止" in capfd.readouterr().err


def test_signal_waits_for_the_end_of_a_held_block() -> None:
    interrupts = Interrupts()
    done = []

    def spawn() -> None:
        with interrupts.held():
            interrupts._handle(signal.SIGTERM, None)
            done.append("noted")

    with pytest.raises(Interrupted):
        spawn()
    assert done == ["noted"]


def test_signal_during_the_stopping_interrupts_nothing() -> None:
    interrupts = Interrupts()
    interrupts.disarm()
    interrupts._handle(signal.SIGTERM, None)
    with interrupts.held():
        interrupts._handle(signal.SIGTERM, None)
