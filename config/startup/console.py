"""What start-up says, and with which exit codes it ends."""

from __future__ import annotations

import errno
import os
import sys
from enum import IntEnum
from pathlib import Path
from typing import NoReturn

DISK_FULL = "磁盘空间不足：请清理后重试"


class Exit(IntEnum):
    """Exit codes of ./run and ./test; the help text lists them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    ALREADY_RUNNING = 3
    PORT_IN_USE = 4
    ENVIRONMENT = 5
    DISK = 6
    SERVERS = 7
    PREPARE = 8
    SERVICES = 9


class Failure(Exception):
    """Start-up cannot go on: one line that says why and what to do, and the exit code."""

    def __init__(self, code: Exit, line: str) -> None:
        super().__init__(line)
        self.code = code
        self.line = line


def say(line: str) -> None:
    """One line of progress, on stderr so that stdout carries results alone."""
    print(line, file=sys.stderr, flush=True)


def prefer_replacement_to_crash() -> None:
    """A terminal that cannot show Chinese gets question marks instead of a UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def is_disk_full(error: OSError) -> bool:
    # shutil's own error has no number, only the texts of those that it collected.
    return error.errno in (errno.ENOSPC, errno.EDQUOT) or os.strerror(errno.ENOSPC) in str(error)


def text_since(log: Path, offset: int) -> str:
    """What was written to a log after offset bytes (from its start when it was rotated meanwhile)."""
    try:
        with log.open("rb") as handle:
            handle.seek(offset if log.stat().st_size >= offset else 0)
            return handle.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "没有输出"


def fail_from_log(code: Exit, what: str, text: str, log: Path) -> NoReturn:
    """Raise the Failure that a failed program's output explains."""
    if "No space left on device" in text or "Disk quota exceeded" in text:
        raise Failure(Exit.DISK, f"{DISK_FULL}（{what}时写满）。日志：{log}")
    raise Failure(code, f"{what}失败：{last_line(text)}。日志：{log}")
