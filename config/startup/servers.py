"""Both embedded servers as one: started where the environment names none, noted in var/run/servers.json."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.startup.console import say
from config.startup.home import remove_sockets, server_user, socket_folder
from config.startup.layout import Layout
from config.startup.postgres import Postgres, start_postgres, stop_leftover_postgres
from config.startup.processes import stop_leftover
from config.startup.state import ServerState, remove_state, write_state
from config.startup.valkey import Valkey, start_valkey


class Running:
    """What this start has started; stopped in reverse order."""

    def __init__(self) -> None:
        self._stops: list[tuple[str, Callable[[], None]]] = []

    def add(self, name: str, stop: Callable[[], None]) -> None:
        self._stops.append((name, stop))

    def first(self, name: str, stop: Callable[[], None]) -> None:
        """As if it had been started before all others: its stop comes last."""
        self._stops.insert(0, (name, stop))

    def stop_all(self) -> None:
        while self._stops:
            name, stop = self._stops.pop()
            try:
                stop()
            except Exception as error:  # noqa: BLE001  (the others must still be stopped)
                say(f"停止 {name} 时出错：{error}")


@dataclass
class Servers:
    """The embedded servers; None where DATABASE_URL or REDIS_URL names one that is not ours."""

    layout: Layout
    packages: Path
    for_tests: bool = False
    postgres: Postgres | None = None
    valkey: Valkey | None = None

    def start(self, environ: Mapping[str, str], running: Running) -> None:
        running.add("sockets", lambda: remove_sockets(self.layout))
        if not environ.get("DATABASE_URL"):
            running.add("数据库", self._stop_postgres)
            self.start_postgres()
        if not environ.get("REDIS_URL"):
            running.add("Valkey", self._stop_valkey)
            self.start_valkey()
        if self.postgres or self.valkey:
            running.add("servers.json", lambda: remove_state(self.layout.var))
            write_state(self.layout.var, self.state())

    def state(self) -> ServerState:
        postgres = self.postgres
        return ServerState(
            database_url=postgres.database_url if postgres else "",
            redis_url=self.valkey.redis_url if self.valkey else "",
            pid=os.getpid(),
            data_directory=postgres.data_directory if postgres else "",
            marker=postgres.marker if postgres else "",
        )

    def start_postgres(self) -> None:
        self.postgres = start_postgres(self.layout, self.packages, for_tests=self.for_tests)

    def start_valkey(self) -> None:
        sockets = self.postgres.sockets if self.postgres else socket_folder(self.layout, server_user())
        self.valkey = start_valkey(self.layout, self.packages, sockets, for_tests=self.for_tests)

    def restart_postgres(self) -> None:
        self.start_postgres()
        write_state(self.layout.var, self.state())

    def postgres_process(self) -> subprocess.Popen[bytes] | None:
        return self.postgres.process if self.postgres else None

    def valkey_process(self) -> subprocess.Popen[bytes] | None:
        return self.valkey.process if self.valkey else None

    def _stop_postgres(self) -> None:
        if self.postgres:
            self.postgres.stop()

    def _stop_valkey(self) -> None:
        if self.valkey:
            self.valkey.stop()
            (self.layout.run / "valkey.pid").unlink(missing_ok=True)


def stop_leftovers(layout: Layout) -> None:
    """End what an earlier start of this data folder left running, faces first, database last."""
    found = [path.stem for path in sorted(layout.run.glob("*.pid")) if stop_leftover(path)]
    if stop_leftover_postgres(layout):
        found.append("postgres")
    remove_state(layout.var)
    if found:
        say(f"已停止上次遗留的进程：{'、'.join(found)}")

