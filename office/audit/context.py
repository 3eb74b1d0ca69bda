"""Who is at work in this thread. Standard library alone, so that manage.py can use it before Django is set up."""

from __future__ import annotations

import getpass
import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

WEB, ADMIN, API, JOB, COMMAND, IMPORT, SYNC, SQL = "web", "admin", "api", "job", "command", "import", "sync", "sql"


@dataclass(frozen=True)
class Context:
    """`user` is asked only when something is written: a page that only reads must not pay for it."""

    channel: str
    actor: str = ""
    request_id: str = ""
    user: Callable[[], Any] | None = None

    def as_setting(self) -> str:
        """What PostgreSQL is told; see audit.close_block in schema.sql."""
        person = self.user() if self.user else None
        known = person is not None and person.pk is not None
        return json.dumps(
            {"id": person.pk if known else None, "actor": str(person) if known else self.actor, "channel": self.channel,
             "request": self.request_id},
            ensure_ascii=False,
        )


_current: ContextVar[Context | None] = ContextVar("audit_context", default=None)


def current() -> Context | None:
    return _current.get()


def new_request_id() -> str:
    return uuid.uuid4().hex


@contextmanager
def acting(context: Context | None) -> Iterator[None]:
    """Everything written inside is written by this one."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def through(channel: str) -> Iterator[None]:
    """The same person, by another way: an import or a sync that a page, a job or a command started."""
    before = current() or Context(channel, request_id=new_request_id())
    with acting(replace(before, channel=channel)):
        yield


def of_command(argv: list[str]) -> Context:
    """A command is its name and the account that started it; its arguments may hold secrets."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        account = str(os.getuid())
    name = argv[1] if len(argv) > 1 else "help"
    return Context(COMMAND, actor=f"{name} · {account}", request_id=new_request_id())
