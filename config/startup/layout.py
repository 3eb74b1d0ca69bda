"""Where things lie, and who may use them at the same time."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.startup.console import Exit, Failure, say

LOG_LIMIT = 10 * 1024 * 1024


@dataclass(frozen=True)
class Layout:
    """root: the checkout. var: data of this installation. venv: the installed packages."""

    root: Path
    var: Path
    venv: Path

    @classmethod
    def from_environment(cls, root: Path, environ: Mapping[str, str]) -> Layout:
        root = root.resolve()
        var = Path(environ.get("APP_VAR") or root / "var")
        venv = Path(environ.get("APP_VENV") or root / ".venv")
        # The venv is not resolved: its python is a symlink, and so may be the folder.
        return cls(root=root, var=(root / var).resolve(), venv=Path(os.path.abspath(root / venv)))

    @property
    def run(self) -> Path:
        return self.var / "run"

    @property
    def logs(self) -> Path:
        return self.var / "log"

    def log(self, name: str) -> Path:
        """Path of a log, created 0600; a log grown too long makes room for a new one."""
        path = self.logs / f"{name}.log"
        if path.exists() and path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        return path

    def create(self) -> None:
        if not self.var.exists():
            self.var.mkdir(parents=True)
            # A server that gave up root must be able to pass through, not to look around.
            self.var.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for folder in (self.run, self.logs):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)

    @property
    def short_name(self) -> str:
        return "luohu-" + hashlib.sha256(os.fsencode(self.var)).hexdigest()[:8]


class VarLock:
    """One start per data folder; the kernel frees the lock when its holder dies, however it dies."""

    def __init__(self, var: Path) -> None:
        self._fd = os.open(var / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)

    def take(self) -> bool:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        return True

    def holder(self) -> str:
        return os.pread(self._fd, 32, 0).decode("ascii", "replace").strip() or "未知"

    def close(self) -> None:
        os.close(self._fd)


def lock_or_fail(layout: Layout) -> VarLock:
    lock = VarLock(layout.var)
    if not lock.take():
        holder = lock.holder()
        raise Failure(
            Exit.ALREADY_RUNNING,
            f"./run 已在运行（进程号 {holder}）：请直接使用，或先停止它（按 Ctrl-C 或执行 kill {holder}）再重试",
        )
    return lock


@contextmanager
def checkout_locked(root: Path) -> Iterator[None]:
    """./run and ./test share one venv: one installs, the other waits."""
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("另一个 ./run 或 ./test 正在检查依赖，等待其完成……")
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
