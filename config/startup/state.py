"""var/run/servers.json: where the servers are that ./run started. Settings read it; standard library alone."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from config.startup.files import write_private

FILE_NAME = "servers.json"


@dataclass(frozen=True)
class ServerState:
    """Addresses are empty where the environment names the server and nothing was started."""

    database_url: str
    redis_url: str
    pid: int
    data_directory: str
    marker: str

    def sockets(self) -> list[Path]:
        found = []
        if self.database_url:
            query = parse_qs(urlsplit(self.database_url).query)
            found += [Path(host) / ".s.PGSQL.5432" for host in query.get("host", [])[-1:]]
        if self.redis_url:
            found.append(Path(unquote(urlsplit(self.redis_url).path)))
        return found


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def read_state(var: Path) -> ServerState | None:
    """The servers of this data folder, None when none were started or both they and their launcher are gone."""
    try:
        raw = json.loads((var / "run" / FILE_NAME).read_text(encoding="utf-8"))
        state = ServerState(
            database_url=str(raw["database_url"]), redis_url=str(raw["redis_url"]), pid=int(raw["pid"]),
            data_directory=str(raw["data_directory"]), marker=str(raw["marker"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if _alive(state.pid) or any(path.exists() for path in state.sockets()):
        return state
    return None


def write_state(var: Path, state: ServerState) -> None:
    write_private(var / "run" / FILE_NAME, json.dumps(asdict(state), ensure_ascii=False, indent=2) + "\n")


def remove_state(var: Path) -> None:
    (var / "run" / FILE_NAME).unlink(missing_ok=True)
