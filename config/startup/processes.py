"""Start, recognise and stop processes, on Linux and macOS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from config.startup.files import write_private
from config.startup.signals import interrupts

PROC = Path("/proc") if sys.platform == "linux" and Path("/proc/self/stat").exists() else None
PR_SET_PDEATHSIG = 1
Stream = int | IO[Any] | None
Steps = Sequence[tuple[int, float]]
POLITE: Steps = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))
BRIEF: Steps = ((signal.SIGTERM, 4.0), (signal.SIGKILL, 5.0))  # for what lost its launcher


def _load_prctl() -> Any:
    if sys.platform != "linux":
        return None
    try:
        import ctypes

        return ctypes.CDLL(None, use_errno=True).prctl
    except (ImportError, OSError, AttributeError):
        return None


_prctl = _load_prctl()


@dataclass(frozen=True)
class ServerUser:
    """The unprivileged user that a server runs as when start-up itself runs as root."""

    name: str
    uid: int
    gid: int


def as_user(user: ServerUser | None) -> dict[str, Any]:
    """Keyword arguments for subprocess."""
    return {"user": user.uid, "group": user.gid, "extra_groups": []} if user else {}


def _die_with(parent: int, death_signal: int) -> Callable[[], None] | None:
    if _prctl is None:
        return None

    def before_exec() -> None:
        # Runs after the change of user, which would reset the setting.
        _prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:  # the parent died before the setting was made
            os._exit(127)

    return before_exec


def spawn(
    argv: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path | str, output: Stream | Path = None,
    errors: Stream = None, stdin: Stream = subprocess.DEVNULL, user: ServerUser | None = None,
    death_signal: int = signal.SIGTERM, own_session: bool = True, pid_file: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program that ends with this process. Call it inside interrupts.held() and note what it returns.

    In a session of its own Ctrl-C reaches the launcher alone, which then stops everything in order.
    """
    opened = output.open("ab") if isinstance(output, Path) else None
    stdout = opened if opened is not None else output
    assert not isinstance(stdout, Path)  # noqa: S101  (for the type checker)
    try:
        process = subprocess.Popen(
            [str(word) for word in argv], env=dict(env), cwd=cwd, stdin=stdin, stdout=stdout,
            stderr=subprocess.STDOUT if errors is None and stdout is not None else errors,
            start_new_session=own_session, preexec_fn=_die_with(os.getpid(), death_signal), **as_user(user),
        )
    finally:
        if opened is not None:
            opened.close()
    if pid_file is not None:
        write_pid(pid_file, process.pid)
    return process


def run_command(argv: Sequence[str | Path], *, tick: Callable[[], None] | None = None, **how: Any) -> int:
    """Run a program to its end and return its exit code; when interrupted, end it first."""
    process: subprocess.Popen[bytes] | None = None
    try:
        with interrupts.held():
            process = spawn(argv, **how)
        while True:
            try:
                return process.wait(timeout=0.5 if tick else None)
            except subprocess.TimeoutExpired:
                if tick:
                    tick()
    finally:
        if process is not None:
            stop_process(process.pid, process=process)
            if how.get("pid_file"):
                how["pid_file"].unlink(missing_ok=True)


# --- recognising -------------------------------------------------------------------------------------------------


def _stat(pid: int | str) -> list[str] | None:
    """Fields of /proc/<pid>/stat from the third on, None for a process that is gone or only waits to be reaped."""
    assert PROC is not None  # noqa: S101  (for the type checker)
    try:
        text = (PROC / str(pid) / "stat").read_text("latin-1")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return fields if fields and fields[0] not in "ZX" else None


def _ps(*words: str) -> list[list[str]]:
    # ps stands in for /proc on macOS.
    result = subprocess.run(
        ["ps", *words], capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"},
    )
    return [line.split(None, 2) for line in result.stdout.splitlines() if line.strip()]


def start_token(pid: int) -> str | None:
    """Tells this process from a later one with the same pid; None when no such process runs."""
    if PROC is None:
        rows = _ps("-ww", "-o", "pid=,stat=,lstart=", "-p", str(pid))
        return rows[0][2] if rows and not rows[0][1].startswith("Z") else None
    fields = _stat(pid)
    if fields is None:
        return None
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot = ""
    return f"{boot}:{fields[19]}"


def command_line(pid: int) -> str:
    if PROC is None:
        rows = _ps("-ww", "-o", "pid=,stat=,command=", "-p", str(pid))
        return rows[0][2] if rows else ""
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def _pids() -> Iterator[int]:
    assert PROC is not None  # noqa: S101  (for the type checker)
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def group_members(group: int) -> list[int]:
    """Living processes of a process group; the dead that nobody reaped do not count."""
    if PROC is None:
        rows = _ps("-A", "-o", "pid=,pgid=,stat=")
        return [int(row[0]) for row in rows if int(row[1]) == group and not row[2].startswith("Z")]
    members = []
    for pid in _pids():
        fields = _stat(pid)
        if fields is not None and int(fields[2]) == group:
            members.append(pid)
    return members


def working_in(folder: Path, program: str) -> list[int]:
    """Processes of a program whose working directory is folder (Linux only; elsewhere none is found)."""
    if PROC is None:
        return []
    found = []
    real = os.path.realpath(folder)
    for pid in _pids():
        try:
            here = os.readlink(PROC / str(pid) / "cwd")
            name = (PROC / str(pid) / "comm").read_text().strip()
        except OSError:
            continue
        if here == real and name == program and _stat(pid) is not None:
            found.append(pid)
    return found


# --- pid files ---------------------------------------------------------------------------------------------------


def write_pid(path: Path, pid: int) -> None:
    write_private(path, f"{pid}\n{start_token(pid) or ''}\n")


def read_pid(path: Path) -> tuple[int, str] | None:
    try:
        pid, token = path.read_text().splitlines()[:2]
        return int(pid), token
    except (OSError, ValueError):
        return None


def stop_leftover(path: Path, steps: Steps = BRIEF) -> bool:
    """Stop what an earlier start noted in a pid file, if it still is that very process (or its orphaned group)."""
    noted = read_pid(path)
    stopped = False
    if noted is not None and noted[0] > 1 and noted[1]:
        pid, token = noted
        now = start_token(pid)
        # A pid is not given out again while a process group bears it, so a group without leader is the old one.
        same_boot = (start_token(os.getpid()) or "").partition(":")[0] == token.partition(":")[0]
        orphans = now is None and PROC is not None and same_boot and bool(group_members(pid))
        if now == token or orphans:
            stop_process(pid, steps=((signal.SIGKILL, 5.0),) if orphans else steps)
            stopped = True
    path.unlink(missing_ok=True)
    return stopped


# --- stopping ----------------------------------------------------------------------------------------------------


def _send(pid: int, signum: int) -> None:
    # The leader knows how to end its children; force alone goes to the whole group.
    for send in (os.kill, os.killpg) if signum == signal.SIGKILL else (os.kill,):
        try:
            send(pid, signum)
        except (ProcessLookupError, PermissionError):
            continue


def _gone(pid: int, process: subprocess.Popen[bytes] | None) -> bool:
    if process is None:
        return start_token(pid) is None and not group_members(pid)
    if process.poll() is None:
        return False
    # Reaped, so its pid is free: whoever lives under it now is a stranger. A group without leader is ours.
    return start_token(pid) is not None or not group_members(pid)


def stop_process(pid: int, *, process: subprocess.Popen[bytes] | None = None, steps: Steps = POLITE) -> bool:
    """End a process that leads its own group, and the group: politely first, then for certain."""
    for signum, patience in steps:
        if _gone(pid, process):
            return True
        _send(pid, signum)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if _gone(pid, process):
                return True
            time.sleep(0.03)
    return _gone(pid, process)
