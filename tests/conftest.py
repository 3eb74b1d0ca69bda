"""Every test run states which server it talks to before it writes a row (SYS-0)."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("default")


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
