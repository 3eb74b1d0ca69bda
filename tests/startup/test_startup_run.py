"""./run from end to end, with stand-ins for manage.py, the site and the tasks."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from config.startup.cli import RunOptions, UsageError, parse_run
from config.startup.console import Exit, Failure
from config.startup.processes import group_members, read_pid, start_token
from config.startup.serve import RestartBudget, Watched
from config.startup.web import check_port
from tests.startup.harness import processes_of, start_in, wait_for


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().read() == b"ok"
    except OSError:
        return False
    finally:
        connection.close()


def _noted(checkout: Path, name: str) -> int:
    noted = read_pid(checkout / "var" / "run" / f"{name}.pid")
    return noted[0] if noted else 0


def test_once_prints_the_summary_alone_and_leaves_nothing(checkout: Path) -> None:
    start = start_in(checkout, "--once", extra={"FAKE_JOURNEY": "7"})
    code, out, err = start.end()
    assert (code, out) == (7, "the summary\n"), err
    assert "noise" in err  # the journey failed: its last word is told
    calls = (checkout / "var" / "calls.txt").read_text().splitlines()
    assert [call.split()[0] for call in calls] == ["prepare", "sandbox_enterprise_db", "first_journey"]
    assert calls[2].split()[1].startswith("http://127.0.0.1:")
    assert calls[2].split()[2:] == ["--reports-dir", str(checkout / "var" / "reports"), "--summary"]
    assert processes_of(checkout) == []
    assert list((checkout / "var" / "run").glob("*.pid")) == []


def test_once_with_servers_and_source_of_ones_own_starts_none(checkout: Path) -> None:
    own = {
        "DATABASE_URL": "postgresql://u@127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1/0",
        "ENTERPRISE_DB_URL": "https://example.invalid/",
    }
    code, out, err = start_in(checkout, "--once", extra=own).end()
    assert (code, out) == (0, "the summary\n"), err
    assert not (checkout / "var" / "postgres").exists()
    assert not (checkout / "var" / "valkey").exists()
    calls = (checkout / "var" / "calls.txt").read_text().splitlines()
    assert [call.split()[:2] for call in calls] == [
        ["prepare", "https://example.invalid/"], ["first_journey", "https://example.invalid/"],
    ]


def test_failed_preparation_is_one_line_with_its_reason(checkout: Path) -> None:
    own = {"FAKE_PREPARE": "fail", "DATABASE_URL": "postgresql://u@127.0.0.1:1/x"}
    code, out, err = start_in(checkout, "--once", extra=own).end()
    assert (code, out) == (Exit.PREPARE, "")
    assert "no such table: nothing" in err.splitlines()[-1]
    assert "prepare.log" in err.splitlines()[-1]
    assert processes_of(checkout) == []


def test_port_in_use_is_found_before_anything_starts(checkout: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, out, err = start_in(checkout, "--port", str(port)).end()
    assert (code, out) == (Exit.PORT_IN_USE, "")
    assert len(err.splitlines()) == 1
    assert str(port) in err
    assert "--port" in err
    assert not (checkout / "var" / "postgres").exists()


def test_serving_survives_its_deaths_and_ends_clean(checkout: Path) -> None:
    port = _free_port()
    start = start_in(checkout, f"--port={port}")
    while f"http://127.0.0.1:{port}" not in start.line():
        pass
    assert start.line().strip() == "demo-user"
    assert _healthy(port)
    names = ("web", "worker", "beat", "sandbox", "valkey")
    before = {name: _noted(checkout, name) for name in names}
    assert all(start_token(pid) for pid in before.values())
    postmaster = int((checkout / "var" / "postgres" / "postmaster.pid").read_text().split()[0])
    wait_for(lambda: len(group_members(before["worker"])) == 3, "the worker has forked its two children")

    for pid in (postmaster, before["web"], before["worker"], before["valkey"], before["sandbox"]):
        os.kill(pid, signal.SIGKILL)
    for name in ("web", "worker", "valkey", "sandbox"):
        wait_for(lambda name=name: _noted(checkout, name) not in (0, before[name]), f"{name} starts again")
        assert group_members(before[name]) == []
    wait_for(lambda: _healthy(port), "the site answers again")
    database = checkout / "var" / "postgres" / "postmaster.pid"
    wait_for(lambda: database.exists() and database.read_text().split()[0] != str(postmaster), "the database is back")
    calls = [call.split() for call in (checkout / "var" / "calls.txt").read_text().splitlines()]
    sandboxes = [call for call in calls if call[0] == "sandbox_enterprise_db"]
    assert sandboxes[0][3] == "0"
    assert f"http://127.0.0.1:{sandboxes[1][3]}" == [call for call in calls if call[0] == "first_journey"][0][1]

    code, _, err = start.end(signal.SIGHUP)
    assert code == Exit.OK, err
    assert err.count("意外退出") == 5
    assert processes_of(checkout) == []
    assert list((checkout / "var" / "run").glob("*.pid")) == []


def test_killed_while_serving_leaves_nothing_and_the_next_start_works(checkout: Path) -> None:
    port = _free_port()
    start = start_in(checkout, "--port", str(port))
    while f"http://127.0.0.1:{port}" not in start.line():
        pass
    # A web server that cannot hear the parent-death signal stands for a system without it.
    os.kill(_noted(checkout, "web"), signal.SIGSTOP)
    start.end(signal.SIGKILL)
    again = start_in(checkout, "--port", str(port))
    while f"http://127.0.0.1:{port}" not in again.line():
        pass
    assert _healthy(port)
    assert again.end(signal.SIGTERM)[0] == Exit.OK
    assert processes_of(checkout) == []


def test_stop_in_the_middle_of_preparation(checkout: Path) -> None:
    (checkout / "manage.py").write_text("import time\ntime.sleep(600)\n")
    start = start_in(checkout, "--once")
    wait_for(lambda: _noted(checkout, "prepare"), "preparation runs")
    assert start.end(signal.SIGINT)[0] == 128 + signal.SIGINT
    assert processes_of(checkout) == []


@pytest.mark.parametrize(("words", "options"), [
    ([], RunOptions()),
    (["--once"], RunOptions(once=True)),
    (["--port", "8001"], RunOptions(port=8001)),
    (["--port=8001", "--no-install"], RunOptions(port=8001, install=False)),
    (["--servers-only"], RunOptions(servers_only=True)),
])
def test_options(words: list[str], options: RunOptions) -> None:
    assert parse_run(words) == options


@pytest.mark.parametrize("words", [
    ["--prot"], ["x"], ["--port"], ["--port", "0"], ["--port", "65536"], ["--port", "八千"], ["--port", "-1"],
    ["--port", "８０"], ["--once", "--servers-only"],
])
def test_wrong_options(words: list[str]) -> None:
    with pytest.raises(UsageError):
        parse_run(words)


@pytest.mark.parametrize("program", ["./run", "./test"])
def test_help_is_chinese_and_starts_nothing(checkout: Path, program: str) -> None:
    code, out, err = start_in(checkout, "--help", program=program).end()
    assert (code, err) == (0, "")
    assert out.startswith("用法")
    assert not (checkout / "var").exists()


def test_a_terminal_without_chinese_does_not_crash(checkout: Path) -> None:
    extra = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    code, _, err = start_in(checkout, "--prot", extra=extra).end()
    assert code == Exit.USAGE
    assert "Traceback" not in err


def test_port_of_a_server_on_every_address_counts_as_used() -> None:
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        with pytest.raises(Failure):
            check_port(other.getsockname()[1])
    check_port(_free_port())


def test_restart_budget_doubles_then_gives_up_then_forgets() -> None:
    budget = RestartBudget(limit=3, window=60, first=1)
    assert [budget.delay(now) for now in (0, 1, 2, 3)] == [1, 2, 4, None]
    assert budget.delay(200) == 1


def test_what_keeps_dying_stops_everything() -> None:
    starts = []
    dead = subprocess.Popen(["false"])
    dead.wait()
    thing = Watched("网站", Path("/web.log"), lambda: dead, lambda: starts.append(1))

    def watch() -> None:
        for second in range(120):
            thing.look(float(second))

    with pytest.raises(Failure) as caught:
        watch()
    assert caught.value.code == Exit.SERVICES
    assert "/web.log" in caught.value.line
    assert len(starts) == 5


def test_a_restart_that_fails_is_tried_again() -> None:
    dead = subprocess.Popen(["false"])
    dead.wait()

    def restart() -> None:
        raise Failure(Exit.SERVERS, "again")

    thing = Watched("数据库", Path("/pg.log"), lambda: dead, restart)
    thing.look(0)
    thing.look(10)
    assert thing.due == 11
