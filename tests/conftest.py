"""Every test run states which server it talks to before it writes a row (SYS-0)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings

from tests.office.peer import Peer, Script

settings.register_profile(
    "default", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("default")


# Few tests that take long: xdist would keep these files for last, and one worker would wait for the other.
LONG_FILES = (
    "tests/startup/test_main_job.py", "tests/office/test_queue.py", "tests/matrix/", "tests/crm/test_dead_server.py",
    "tests/startup/test_startup_testing.py", "tests/crm/test_contacts_scope.py", "tests/api/", "tests/crm/test_killed_sync.py",
    "tests/browser/", "tests/startup/", "tests/chains/test_chain_admin.py", "tests/screens/",
    "tests/crm/test_sync_catalogue.py", "tests/analysis/", "tests/config/",
)
NEEDS_DATABASE = {"db", "transactional_db", "live_server", "own_server"}


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """pytest-cov begins to measure in a worker as if it were alone, then as a worker, and never ends the first."""
    early = Coverage.current()
    if early is not None and hasattr(session.config, "workerinput"):
        early.stop()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers take files in this order (--no-loadscope-reorder): the long ones, then by their number of tests."""
    if hasattr(config, "workerinput"):
        items.sort(key=file_order(Counter(file_of(item) for item in items)))


def file_of(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def file_order(sizes: Counter[str]) -> Callable[[pytest.Item], tuple[int, int, str]]:
    def order(item: pytest.Item) -> tuple[int, int, str]:
        file = file_of(item)
        rank = next((number for number, start in enumerate(LONG_FILES) if file.startswith(start)), len(LONG_FILES))
        return rank, -sizes[file], file

    return order


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """The pure rooms are measured by the tests that need no database: tracing the others doubles what they take.

    A test with a database that is the only one to reach a pure line says `measured`. Fixtures are left out too, which
    pytest-cov's own marker `no_cover` would not do.
    """
    measuring = Coverage.current() if uses_database(item) and not item.get_closest_marker("measured") else None
    if measuring is not None:
        measuring.stop()
    try:
        return (yield)
    finally:
        if measuring is not None:
            measuring.start()


def uses_database(item: pytest.Item) -> bool:
    return item.get_closest_marker("django_db") is not None or not NEEDS_DATABASE.isdisjoint(getattr(item, "fixturenames", ()))


class WrongServer(RuntimeError):
    """The server that answers is not the one that ./test started: nothing may be written to it."""


def check_server(connection: Any, *, directory: str, marker: str) -> None:
    """Raise WrongServer unless the server's data directory and marker are those that ./test announced."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('data_directory')")
        found = cursor.fetchone()[0]
        if not directory or found != directory:
            raise WrongServer(f"数据目录是 {found}，应为 {directory or '（未给出）'}：请用 ./test 运行测试")
        cursor.execute("SELECT marker FROM public.server_marker")
        if (cursor.fetchone() or ("",))[0] != marker:
            raise WrongServer("服务器标记不符：请用 ./test 运行测试")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Runs before the test database is made, and looks at the server itself."""
    import psycopg
    from django.conf import settings as django_settings
    from django.db import connections

    entry = django_settings.DATABASES["default"]
    assert entry["NAME"], connections
    dsn = {"host": entry["HOST"], "user": entry["USER"], "password": entry["PASSWORD"], "dbname": entry["NAME"]}
    with psycopg.connect(**dsn) as connection:
        check_server(
            connection, directory=os.environ.get("TEST_DATA_DIRECTORY", ""),
            marker=os.environ.get("TEST_SERVER_MARKER", ""),
        )


@pytest.fixture
def empty_audit(django_db_setup: None) -> None:
    """The audit outlives the tests that commit: whoever counts entries begins with none."""
    from tests.office.audit_trail import lend_backdate, wipe

    wipe()
    lend_backdate()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The roles stand in the test database from the start: making them anew for every person took most of the time."""
    from office.roles import ensure_roles

    with django_db_blocker.unblock():
        ensure_roles()


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    """Makes servers on loopback that answer by a script."""
    made: list[Peer] = []

    def make(*scripts: Script) -> Peer:
        made.append(Peer(*scripts))
        return made[-1]

    yield make
    for one in made:
        one.server.shutdown()
        one.server.server_close()
