"""Ctrl-C, SIGTERM and SIGHUP end the program once, in order, and never between a fork and its bookkeeping."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A stop was asked for. BaseException, so that no `except Exception` swallows it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


class Interrupts:
    """Turns the first signal into one Interrupted; later ones only get an answer."""

    def __init__(self) -> None:
        self.ready = False  # everything was up: being stopped is then no failure
        self._received: int | None = None
        self._raised = False
        self._disarmed = False
        self._held = 0

    def install(self) -> None:
        for signum in WATCHED:
            if signum == signal.SIGHUP and signal.getsignal(signum) == signal.SIG_IGN:
                continue  # nohup ./run: a closed terminal is meant to be survived
            signal.signal(signum, self._handle)

    def disarm(self) -> None:
        """From here on a signal interrupts nothing: what runs is the stopping itself."""
        self._disarmed = True

    def _handle(self, signum: int, _frame: FrameType | None) -> None:
        if self._raised or self._disarmed:
            os.write(2, "正在停止，请稍候……\n".encode())  # print() may not be entered twice
            return
        self._received = signum
        if self._held == 0:
            self._raise()

    def _raise(self) -> None:
        assert self._received is not None  # noqa: S101  (for the type checker)
        self._raised = True
        raise Interrupted(self._received)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Put a signal off until the block has ended."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self._held == 0 and self._received is not None and not self._raised and not self._disarmed:
            self._raise()


interrupts = Interrupts()
