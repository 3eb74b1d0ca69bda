"""A PostgreSQL of a test's own, as ./run starts it (fsync and synchronous commit on), to be killed and restarted.

The test's connection is turned to it for as long as it stands. The server says its data directory and its marker before a
row is written (SYS-0), and neither may be those of the server that the other tests share.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import psutil
from django.core.management import call_command
from django.db import connection

from config.startup.layout import Layout
from config.startup.postgres import Postgres, start_postgres
from config.startup.processes import as_user
from tests.conftest import WrongServer, check_server
from tests.startup.harness import ROOT, data_folder

TEMPLATE = "app"


class OwnServer:
    def __init__(self, folder: Path) -> None:
        self.layout = Layout(root=ROOT, var=folder / "var", venv=Path(sys.prefix))
        self.layout.create()
        self.packages = Path(psutil.__file__).parents[1]
        self.postgres: Postgres = start_postgres(self.layout, self.packages)
        self.directory, self.marker, self.databases = self.postgres.data_directory, self.postgres.marker, 0

    def start(self) -> None:
        self.postgres = start_postgres(self.layout, self.packages)
        connection.close()
        self.check()

    def check(self) -> None:
        """Raise unless the connection stands at this server and nowhere else."""
        if self.directory == os.environ.get("TEST_DATA_DIRECTORY") or self.marker == os.environ.get("TEST_SERVER_MARKER"):
            raise WrongServer("own server and shared server are one")
        check_server(connection, directory=self.directory, marker=self.marker)

    # --- ends

    def kill(self) -> None:
        """kill -9 of the postmaster and all its children."""
        head = psutil.Process(self.postgres.process.pid)
        for process in (head, *head.children(recursive=True)):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self.postgres.process.wait()

    def stop(self, mode: str) -> None:
        """pg_ctl stop -m fast|immediate."""
        home = self.postgres.home
        subprocess.run(
            [home.binaries / "pg_ctl", "stop", "-D", home.data, "-m", mode, "-W"], check=True, cwd="/",
            stdout=subprocess.DEVNULL, **as_user(home.user),
        )
        self.postgres.process.wait(timeout=60)

    # --- databases

    def point(self, name: str) -> None:
        connection.close()
        entry = self.postgres.database_url
        login, _, host = entry.removeprefix("postgresql://").partition("@/")
        connection.settings_dict |= {
            "NAME": name, "USER": "app", "PASSWORD": unquote(login.partition(":")[2]), "PORT": "",
            "HOST": unquote(host.partition("host=")[2]),
        }

    def fresh_database(self) -> str:
        """A copy of the migrated one; the connection stands at it afterwards."""
        self.databases += 1
        name = f"trial_{self.databases}"
        self.point("postgres")
        with connection.cursor() as db:
            db.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        self.point(name)
        self.check()
        return name


@contextmanager
def turned_to_own_server() -> Iterator[OwnServer]:
    before = dict(connection.settings_dict)
    connection.close()
    with data_folder("own-server-") as folder:
        server = OwnServer(folder)
        try:
            server.point(TEMPLATE)
            server.check()
            call_command("migrate", verbosity=0)
            yield server
        finally:
            connection.close()
            connection.settings_dict.clear()
            connection.settings_dict.update(before)
            if server.postgres.process.poll() is None:
                server.postgres.process.send_signal(signal.SIGINT)
                server.postgres.process.wait(timeout=60)
