"""The embedded PostgreSQL: made once, started on a unix socket, checked, stopped by SIGINT."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from config.startup.console import Exit, Failure, fail_from_log, say, text_since
from config.startup.environment import child_environment
from config.startup.files import write_private
from config.startup.home import CLUSTER, Home, choose_home, settled_folder, socket_folder
from config.startup.layout import Layout
from config.startup.processes import (
    PROC,
    Steps,
    command_line,
    run_command,
    spawn,
    start_token,
    stop_process,
    working_in,
)
from config.startup.signals import interrupts

SUPERUSER, APP = "postgres", "app"
MARKER_FILE = "server_marker"
FAST: Steps = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))
START_PATIENCE = 300.0  # replaying the log after a crash takes its time
ADVICE = "可设环境变量 DATABASE_URL 改用现有的 PostgreSQL"
# A refused row is quoted in DETAIL and its statement in STATEMENT: both would put telephone numbers into the log.
DISCREET = ("log_error_verbosity=terse", "log_min_error_statement=panic")
FOR_TESTS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=2GB")


@dataclass
class Postgres:
    """A running server."""

    home: Home
    sockets: Path
    process: subprocess.Popen[bytes]
    database_url: str = ""
    data_directory: str = ""
    marker: str = ""

    def stop(self) -> None:
        if not stop_process(self.process.pid, process=self.process, steps=FAST):
            say(f"数据库进程 {self.process.pid} 停不下来，请手工结束")


def start_postgres(layout: Layout, packages: Path, *, for_tests: bool = False) -> Postgres:
    """Make the cluster if there is none, start it, and leave it ready for the role and database `app`."""
    home = choose_home(layout, packages)
    stop_leftover_postgres(layout)
    if for_tests and home.data.exists():
        shutil.rmtree(home.data)  # without fsync a crash may have left anything
    for left in home.folder.glob(f"{CLUSTER}-new-*"):
        shutil.rmtree(left, ignore_errors=True)
    if not home.data.exists():
        _make_cluster(layout, home, for_tests=for_tests)
    _check_version(home)
    server = _launch(layout, home, for_tests=for_tests)
    try:
        _settle(layout, server)
    except BaseException:
        server.stop()
        raise
    return server


# --- what an earlier start left ----------------------------------------------------------------------------------


def stop_leftover_postgres(layout: Layout) -> bool:
    """Stop a server of this data folder that outlived its launcher; never touch another process with its pid."""
    data = settled_folder(layout) / CLUSTER
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        pid = 0
    living = pid > 1 and start_token(pid) is not None
    ours = living and _is_postmaster_of(pid, data)
    if ours:
        say("发现上次遗留的数据库进程，正在停止……")
        stop_process(pid, steps=FAST)
    orphans = working_in(data, "postgres")
    for orphan in orphans:
        _end_orphan(orphan)
    # The server believes its pid file when the pid is a stranger's by now, or a dead process that nobody reaped.
    # Without /proc the orphans are not known, and the server's own look at the file must guard against them.
    if not ours and (living or PROC is not None):
        pid_file.unlink(missing_ok=True)
    return ours or bool(orphans)


def _is_postmaster_of(pid: int, data: Path) -> bool:
    words = command_line(pid)
    return "postgres" in words and str(data) in words


def _end_orphan(pid: int) -> None:
    # A backend that lost its postmaster; the next start replays the log, so force harms nothing.
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    deadline = time.monotonic() + 5
    while start_token(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.02)


# --- making ------------------------------------------------------------------------------------------------------


def _password(home: Home, role: str) -> str:
    path = home.folder / f"{role}-password"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24) + "\n")
    return path.read_text().strip()


def _environment(layout: Layout) -> dict[str, str]:
    return {key: value for key, value in child_environment(layout).items() if not key.startswith("PG")}


def _make_cluster(layout: Layout, home: Home, *, for_tests: bool) -> None:
    """initdb into a draft folder, which becomes the cluster by one rename: a killed initdb leaves no half of one."""
    say("正在建立数据库……")
    draft = Path(tempfile.mkdtemp(dir=home.folder, prefix=f"{CLUSTER}-new-"))
    password_file = draft / "password"
    write_private(password_file, _password(home, SUPERUSER) + "\n")
    if home.user is not None:
        for path in (draft, password_file):
            os.chown(path, home.user.uid, home.user.gid)
    log = layout.log("initdb")
    before = log.stat().st_size
    code = 1
    for locale in ("C.UTF-8", "C"):  # macOS has no C.UTF-8; the built-in provider judges letters either way
        argv: list[str | Path] = [
            home.binaries / "initdb", "-D", draft / "data", "-U", SUPERUSER, "--encoding=UTF8", f"--locale={locale}",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth=scram-sha-256",
            f"--pwfile={password_file}", "--set", "shared_buffers=128MB", "--set", "max_connections=100",
            # /dev/shm is small in containers, and keeps what a killed server left there.
            "--set", "dynamic_shared_memory_type=mmap",
        ]
        code = run_command(
            argv + (["--no-sync"] if for_tests else []), env=_environment(layout), cwd="/", output=log, user=home.user,
        )
        if code == 0 or "invalid locale name" not in text_since(log, before):
            break
    if code != 0:
        shutil.rmtree(draft, ignore_errors=True)
        fail_from_log(Exit.SERVERS, "建立数据库", text_since(log, before), log)
    os.rename(draft / "data", home.data)
    shutil.rmtree(draft, ignore_errors=True)


def _check_version(home: Home) -> None:
    has = (home.data / "PG_VERSION").read_text().strip()
    brings = subprocess.run(
        [home.binaries / "postgres", "--version"], capture_output=True, text=True, check=True, cwd="/",
    ).stdout.split()[-1].partition(".")[0]
    if has != brings:
        raise Failure(
            Exit.SERVERS,
            f"{home.data} 是 PostgreSQL {has} 的数据，现在的程序是 {brings}："
            "请先用旧版本导出（pg_dump），移走该目录，再启动并导入",
        )


# --- starting ----------------------------------------------------------------------------------------------------


def _launch(layout: Layout, home: Home, *, for_tests: bool) -> Postgres:
    sockets = socket_folder(layout, home.user)
    for left in sockets.glob(".s.PGSQL.*"):  # a lock file whose pid was given out again would stop the start
        left.unlink()
    log = layout.log("postgres")
    before = log.stat().st_size
    options = [
        "listen_addresses=", f'unix_socket_directories="{sockets}"', "unix_socket_permissions=0700", "port=5432",
        "logging_collector=off", *DISCREET, *(FOR_TESTS if for_tests else ()),
    ]
    argv: list[str | Path] = [home.binaries / "postgres", "-D", home.data]
    for option in options:
        argv += ["-c", option]
    process: subprocess.Popen[bytes] | None = None
    try:
        with interrupts.held():
            process = spawn(
                argv, env=_environment(layout), cwd="/", output=log, user=home.user, death_signal=signal.SIGINT,
            )
        _wait_until_ready(home, process, log, before)
    except BaseException:
        if process is not None:
            stop_process(process.pid, process=process, steps=FAST)
        raise
    return Postgres(home=home, sockets=sockets, process=process)


def _wait_until_ready(home: Home, process: subprocess.Popen[bytes], log: Path, before: int) -> None:
    started = time.monotonic()
    told = False
    while not _is_ready(home.data, process.pid):
        if process.poll() is not None:
            fail_from_log(Exit.SERVERS, "启动数据库", text_since(log, before), log)
        waited = time.monotonic() - started
        if waited > START_PATIENCE:
            raise Failure(Exit.SERVERS, f"数据库 {START_PATIENCE:.0f} 秒内没有就绪。日志：{log}")
        if waited > 5 and not told:  # noqa: PLR2004
            say("数据库正在恢复上次未写完的内容，请稍候……")
            told = True
        time.sleep(0.03)


def _is_ready(data: Path, pid: int) -> bool:
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"  # noqa: PLR2004


# --- settling: roles, database, checks -----------------------------------------------------------------------------

SETTLE = """
SET client_min_messages = warning;
SELECT 'CREATE ROLE app' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') \\gexec
ALTER ROLE app LOGIN CREATEDB NOSUPERUSER NOCREATEROLE PASSWORD :'app_password';
GRANT pg_read_all_settings TO app;
-- Databases made later, by tests too, are copies of template1; one that is older than the audit gets it by itself.
\\connect template1
{audit}
SELECT 'CREATE DATABASE app OWNER app' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'app') \\gexec
\\connect app
SET client_min_messages = warning;
{audit}
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gist;
BEGIN;
CREATE TABLE IF NOT EXISTS public.server_marker (marker text NOT NULL);
INSERT INTO public.server_marker SELECT :'marker' WHERE NOT EXISTS (SELECT FROM public.server_marker);
GRANT SELECT ON public.server_marker TO app;
COMMIT;
SELECT json_build_object(
    'encoding', current_setting('server_encoding'), 'data_directory', current_setting('data_directory'),
    'marker', (SELECT marker FROM public.server_marker), 'trigrams', cardinality(show_trgm('智能终端')),
    'similarity', similarity('智能终端', '智能终端产业'));
"""


AUDIT = """
SET client_min_messages = warning;
SELECT to_regnamespace('audit') IS NULL AS missing \\gset
\\if :missing
BEGIN;
SET LOCAL audit.writer = 'app';
{schema}
COMMIT;
\\endif
"""


def _audit_sql() -> str:
    """The audit's tables belong to a role that nobody signs in as: here a superuser is at hand to see to it."""
    schema = Path(__file__).resolve().parents[2] / "office" / "audit" / "schema.sql"
    return AUDIT.replace("{schema}", schema.read_text(encoding="utf-8"))


def _settle(layout: Layout, server: Postgres) -> None:
    app_password = _password(server.home, APP)
    variables = f"\\set app_password '{app_password}'\n\\set marker '{uuid.uuid4()}'\n"
    answer = json.loads(_psql(layout, server, variables + SETTLE.replace("{audit}", _audit_sql())).strip().splitlines()[-1])
    fault = text_search_fault(answer)
    if fault:
        raise Failure(Exit.SERVERS, fault)
    server.database_url = f"postgresql://{APP}:{quote(app_password)}@/{APP}?host={quote(str(server.sockets), safe='')}"
    server.data_directory, server.marker = answer["data_directory"], answer["marker"]
    write_private(layout.var / MARKER_FILE, server.marker + "\n")


def text_search_fault(answer: dict[str, object]) -> str | None:
    """Under the wrong locale pg_trgm finds nothing in Chinese and says nothing: the line to fail with, or None."""
    if answer["encoding"] == "UTF8" and answer["trigrams"] and answer["similarity"]:
        return None
    encoding = answer["encoding"]
    return f"数据库字符集为 {encoding}，中文检索无效（pg_trgm 取不出词元）：请移走数据目录后重试以重建，{ADVICE}"


def _psql(layout: Layout, server: Postgres, script: str) -> str:
    env = _environment(layout) | {
        "PGPASSWORD": _password(server.home, SUPERUSER), "PGCLIENTENCODING": "UTF8", "PGCONNECT_TIMEOUT": "30",
    }
    result = subprocess.run(
        [server.home.binaries / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", server.sockets,
         "-p", "5432", "-U", SUPERUSER, "-d", "postgres"],
        input=script, capture_output=True, encoding="utf-8", errors="replace", check=False, env=env, cwd="/",
    )
    if result.returncode != 0:
        log = layout.log("postgres")
        if "password authentication failed" in result.stderr:
            files = server.home.folder / "*-password"
            raise Failure(Exit.SERVERS, f"数据库口令不符：请把 {files} 与数据目录一起恢复，{ADVICE}")
        fail_from_log(Exit.SERVERS, "设置数据库", result.stderr, log)
    return result.stdout
