"""Recognising and stopping processes: never the wrong one, and nothing left of the right one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.startup.processes import (
    group_members,
    read_pid,
    run_command,
    spawn,
    start_token,
    stop_leftover,
    stop_process,
    working_in,
    write_pid,
)
from tests.startup.harness import wait_for

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable, "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(600)",
]
FAMILY = [
    sys.executable, "-c",
    "import os, time\nif os.fork(): print(flush=True)\ntime.sleep(600)",
]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(SLEEPER, start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_pid_file_names_one_process_only(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    path = tmp_path / "web.pid"
    path.write_text(f"{sleeper.pid}\nsome-other-start\n")
    assert stop_leftover(path) is False
    assert sleeper.poll() is None
    assert not path.exists()


def test_canary_a_true_pid_file_does_stop(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    path = tmp_path / "web.pid"
    write_pid(path, sleeper.pid)
    # Reaped meanwhile, as init does with what an earlier start left.
    assert read_pid(path) == (sleeper.pid, start_token(sleeper.pid))
    assert stop_leftover(path) is True
    assert sleeper.wait() == -signal.SIGTERM


@pytest.mark.parametrize("text", ["", "abc\nx\n", "-1\nx\n", "0\nx\n", "1\nx\n", "12\n", "99999999\nx\n"])
def test_damaged_pid_files_stop_nothing(text: str, tmp_path: Path) -> None:
    path = tmp_path / "web.pid"
    path.write_text(text)
    assert stop_leftover(path) is False
    assert not path.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are found through /proc")
def test_orphans_of_a_killed_leader_are_stopped(tmp_path: Path) -> None:
    leader = subprocess.Popen(FAMILY, start_new_session=True, stdout=subprocess.PIPE)
    assert leader.stdout is not None
    leader.stdout.readline()
    path = tmp_path / "worker.pid"
    write_pid(path, leader.pid)
    os.kill(leader.pid, signal.SIGKILL)
    leader.wait()
    assert len(group_members(leader.pid)) == 1
    assert stop_leftover(path) is True
    assert group_members(leader.pid) == []


def test_stubborn_process_is_stopped_by_force() -> None:
    process = subprocess.Popen(STUBBORN, start_new_session=True, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    assert stop_process(process.pid, process=process, steps=((signal.SIGTERM, 0.3), (signal.SIGKILL, 10)))
    assert process.returncode == -signal.SIGKILL


def test_unreaped_dead_process_counts_as_gone() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    wait_for(lambda: start_token(process.pid) is None, "a zombie is no process")
    assert process.wait() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_child_ends_with_its_parent() -> None:
    script = (
        "import os, sys; from config.startup.processes import spawn\n"
        "child = spawn([sys.executable, '-c', 'import time; time.sleep(600)'], env=os.environ, cwd='/')\n"
        "print(child.pid, flush=True)\nos.kill(os.getpid(), 9)"
    )
    parent = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert parent.returncode == -signal.SIGKILL
    wait_for(lambda: start_token(int(parent.stdout)) is None, "the child ends")


def test_canary_a_plain_child_does_not_end_with_its_parent() -> None:
    script = (
        "import os, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], stdout=subprocess.DEVNULL)\n"
        "print(child.pid, flush=True)\nos.kill(os.getpid(), 9)"
    )
    parent = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False)
    child = int(parent.stdout)
    assert start_token(child) is not None
    os.kill(child, signal.SIGKILL)


def test_working_directory_tells_whose_process_it_is(tmp_path: Path) -> None:
    process = spawn(["sleep", "600"], env={"PATH": "/usr/bin:/bin"}, cwd=tmp_path)
    try:
        wait_for(lambda: working_in(tmp_path, "sleep") == [process.pid], "found by folder and name")
        assert working_in(tmp_path, "postgres") == []
        assert working_in(tmp_path.parent, "sleep") == []
    finally:
        stop_process(process.pid, process=process)


def test_run_command_removes_its_pid_file_and_returns_the_code(tmp_path: Path) -> None:
    path = tmp_path / "prepare.pid"
    script = f"import pathlib, sys; sys.exit(5 if pathlib.Path({str(path)!r}).exists() else 6)"
    argv = [sys.executable, "-c", f"import time; time.sleep(0.3); {script}"]
    code = run_command(argv, env={}, cwd="/", pid_file=path)
    assert code == 5
    assert not path.exists()
