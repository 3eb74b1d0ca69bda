"""./test: own servers, every step, pytest last."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import redis

from config.startup.console import Exit
from config.startup.testing import TestOptions, parse_test, pytest_words, steps, summary
from tests.startup.harness import hold, processes_of, start_in

PROBE = '''
import os
from pathlib import Path
import psycopg

def test_environment():
    var = Path(os.environ["APP_VAR"])
    assert var == Path.cwd() / "var" / os.environ["EXPECTED_SLOT"]
    assert os.environ["DJANGO_SETTINGS_MODULE"] == "config.settings.test"
    assert "ENTERPRISE_DB_URL" not in os.environ
    assert os.environ["REDIS_URL"].startswith("unix://")
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        row = connection.execute(
            "SELECT current_setting('data_directory'), marker, current_setting('fsync') FROM public.server_marker"
        ).fetchone()
    assert row == (os.environ["TEST_DATA_DIRECTORY"], os.environ["TEST_SERVER_MARKER"], "off")

def test_red():
    assert os.environ.get("RED") != "1"
'''
FOREIGN = {
    "DATABASE_URL": "postgresql://u@127.0.0.1:1/production", "REDIS_URL": "redis://127.0.0.1:1/0",
    "ENTERPRISE_DB_URL": "https://example.invalid/", "EXPECTED_SLOT": "test",
}


@pytest.fixture
def probed(checkout: Path) -> Path:
    options = "-p no:django -p no:cacheprovider"
    (checkout / "pytest.ini").write_text(f"[pytest]\nmarkers =\n  slow: slow\naddopts = {options}\n")
    (checkout / "test_probe.py").write_text(PROBE)
    return checkout


def test_own_servers_whatever_the_caller_names(probed: Path) -> None:
    code, out, err = start_in(probed, "--only-tests", program="./test", extra=FOREIGN).end()
    assert code == Exit.OK, out + err
    assert "2 passed" in out.splitlines()[-1]
    assert all(name in err.splitlines()[0] for name in ("DATABASE_URL", "REDIS_URL", "ENTERPRISE_DB_URL"))
    assert err.splitlines()[-1] == "结果：pytest 通过"
    assert processes_of(probed) == []


def test_runs_beside_another_of_itself(probed: Path) -> None:
    other = hold(probed / "var" / "test", extra={"APP_VENV": str(probed / ".venv")})  # takes the first place
    state = other.state()
    extra = FOREIGN | {"EXPECTED_SLOT": "test-2"}
    code, out, err = start_in(probed, "--only-tests", "test_probe.py", program="./test", extra=extra).end()
    assert code == Exit.OK, out + err
    assert redis.from_url(state["redis_url"]).ping()
    assert other.end(signal.SIGTERM)[0] == Exit.OK


def test_every_step_runs_and_one_failure_is_enough(probed: Path) -> None:
    (probed / "wrong.py").write_text("import os\n")  # ruff: unused import
    code, out, err = start_in(probed, "-k", "red", program="./test", extra=FOREIGN | {"RED": "1"}).end()
    assert code == Exit.FAILED
    assert "1 failed, 1 deselected" in out.splitlines()[-1]
    last = err.splitlines()[-1]
    assert all(f"{name} 未通过" in last for name in ("ruff", "lint-imports", "mypy", "pytest"))
    assert processes_of(probed) == []


def test_pytest_gets_what_is_not_ours() -> None:
    options = parse_test(["--slow", "tests/crm", "-x", "--only-tests"])
    assert options == TestOptions(slow=True, only_tests=True, pytest=("tests/crm", "-x"))
    assert pytest_words(options) == ["-m", "slow or not slow", "tests/crm", "-x"]
    assert pytest_words(parse_test([]))[:3] == ["-m", "not slow", "--cov"]
    assert pytest_words(parse_test([]))[-3:] == ["--no-loadscope-reorder", "--dist", "loadfile"]
    assert pytest_words(parse_test(["-m", "browser"])) == ["-m", "browser"]


def test_order_of_steps() -> None:
    python = Path("/venv/bin/python")
    assert [name for name, _ in steps(python, parse_test([]))] == ["ruff", "lint-imports", "mypy", "pytest"]
    assert [name for name, _ in steps(python, parse_test(["--only-tests"]))] == ["pytest"]


def test_summary() -> None:
    assert summary([("ruff", 0), ("pytest", 1)]) == "结果：ruff 通过 · pytest 未通过（1）"
