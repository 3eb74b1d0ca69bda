"""Django's PostgreSQL backend, which also tells the server who is writing (setting `audit.context`).

The setting lives as long as the transaction (`set_config(…, true)`), so that nothing of it can be left on a
connection for the next person. It is sent before the first statement that may write, and again when the context has
changed or a savepoint was rolled back; reading costs nothing. A write outside a transaction gets one of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from django.db.backends.postgresql import base as django_base
from psycopg.pq import TransactionStatus

from office.audit import context

_READS = re.compile(r"\s*(?:SELECT|SET|SHOW|BEGIN|SAVEPOINT|RELEASE|FETCH|CLOSE|VALUES|DECLARE)\b", re.IGNORECASE)
_WRITES = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|MERGE|TRUNCATE|WITH|COPY)\b", re.IGNORECASE)
_ENDS = re.compile(r"\s*(?:COMMIT|ROLLBACK)\b", re.IGNORECASE)
_BACK = re.compile(r"\s*ROLLBACK\s+TO\b", re.IGNORECASE)
_TELL = "SELECT set_config('audit.context', %s, true)"


class _Told:
    """What a connection's present transaction was told last; None when nothing holds any more."""

    def __init__(self) -> None:
        self.value: str | None = None
        self.busy = False


class Cursor(django_base.Cursor):
    """Below Django's own wrappers, so that COPY and plain psycopg use of the connection pass here too."""

    def _told(self) -> _Told:
        return self.connection.__dict__.setdefault("_audit_told", _Told())

    def _text(self, query: Any) -> str:
        if isinstance(query, bytes):
            return query.decode(errors="replace")
        return query if isinstance(query, str) else query.as_string(self.connection)

    @contextmanager
    def _announced(self, query: Any) -> Iterator[None]:
        told = self._told()
        if told.busy:  # the statement that asks who it is
            yield
            return
        text = self._text(query)
        if self._status() == TransactionStatus.IDLE:
            told.value = None
        with self._transaction(text):
            if self._status() == TransactionStatus.INTRANS or not self.connection.autocommit:
                self._announce(told, text)
            yield
        if _BACK.match(text):
            told.value = None

    def _status(self) -> TransactionStatus:
        return self.connection.info.transaction_status

    def _transaction(self, text: str) -> AbstractContextManager[Any]:
        """A setting for one transaction needs one: in autocommit a write is put into its own."""
        idle = self._status() == TransactionStatus.IDLE
        alone = idle and self.connection.autocommit and context.current() is not None and _WRITES.match(text)
        return self.connection.transaction() if alone else nullcontext()

    def _announce(self, told: _Told, text: str) -> None:
        now = context.current()
        nothing_to_say = told.value is None and (now is None or _READS.match(text))
        if nothing_to_say or _ENDS.match(text) or self._status() == TransactionStatus.INERROR:
            return
        told.busy = True
        try:
            value = now.as_setting() if now else ""
        finally:
            told.busy = False
        if value != told.value:
            super().execute(_TELL, [value])
            told.value = value

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        with self._announced(query):
            return super().execute(query, params, **options)

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        with self._announced(query):
            super().executemany(query, params_seq, **options)

    @contextmanager
    def copy(self, statement: Any, params: Any = None, **options: Any) -> Iterator[Any]:
        with self._announced(statement), super().copy(statement, params, **options) as copy:
            yield copy


class DatabaseWrapper(django_base.DatabaseWrapper):
    def get_connection_params(self) -> dict[str, Any]:
        return {**super().get_connection_params(), "cursor_factory": Cursor}
