from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from crm.sandbox.generate import World, make_world
from crm.sandbox.server import Api, Server, make_server
from crm.services.sync_companies import SyncResult, sync_companies
from tests.crm.scripted import Scripted, Told

AS_OF = dt.date(2026, 11, 23)


@dataclass
class Sandbox:
    """A sandbox on a real loopback port, and its world to plant faults in."""

    api: Api
    server: Server

    @property
    def world(self) -> World:
        return self.api.world

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def sync(self, slot: str, **options: Any) -> SyncResult:
        return sync_companies(source_code="sandbox", base_url=self.url, slot=slot, as_of=AS_OF, **options)

    def edit(self, key: str, **changes: Any) -> None:
        """Write a new version of a record, as the source would."""
        self.world.put({**self.world.records[key], **changes})

    def keys(self) -> list[str]:
        return sorted(self.world.records)


@pytest.fixture
def start_sandbox() -> Iterator[Callable[..., Sandbox]]:
    servers: list[Server] = []

    def start(companies: int = 60, seed: int = 7, api: Api | None = None) -> Sandbox:
        api = api or Api(make_world(seed, companies))
        server = make_server(api)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return Sandbox(api, server)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def sandbox(start_sandbox: Callable[..., Sandbox]) -> Sandbox:
    return start_sandbox()


@pytest.fixture
def source() -> Iterator[Callable[..., Scripted]]:
    """Makes sources on loopback that answer by a function."""
    made: list[Scripted] = []

    def make(answer: Callable[[Told], Any]) -> Scripted:
        made.append(Scripted(answer))
        return made[-1]

    yield make
    for one in made:
        one.close()
