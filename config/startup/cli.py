"""The commands behind ./run and ./test."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from config.startup.console import DISK_FULL, Exit, Failure, is_disk_full, prefer_replacement_to_crash, say
from config.startup.environment import Venv, check_disk, inspect, prepare_environment
from config.startup.journey import Manage, Sandbox, first_journey, prepare
from config.startup.layout import Layout, lock_or_fail
from config.startup.serve import start_services, watch_forever, watched
from config.startup.servers import Running, Servers, stop_leftovers
from config.startup.signals import Interrupted, interrupts
from config.startup.testing import run_tests
from config.startup.web import HOST, check_port

ROOT = Path(__file__).resolve().parent.parent.parent

RUN_HELP = """用法：./run [选项]

启动整套系统：首次会自动安装依赖，并启动内嵌的 PostgreSQL 与 Valkey，然后打印网址。按 Ctrl-C 停止。

  --port N         网站端口，默认 8000（只监听本机 127.0.0.1）
  --once           只做一遍：同步企业数据、归链、出报告，打印一屏摘要后退出（报告在 var/reports）
  --servers-only   只启动数据库与 Valkey，供开发时另开终端执行 .venv/bin/python manage.py …
  --no-install     不检查、不安装依赖，直接用现有的 .venv
  -h, --help       显示本说明

环境变量
  DATABASE_URL       使用现有的 PostgreSQL，不启动内嵌数据库（postgresql://用户:口令@主机:端口/库）
  REDIS_URL          使用现有的 Redis/Valkey（redis://主机:端口/0）
  ENTERPRISE_DB_URL  真实企业数据库的地址；未设时启动自带的沙箱
  APP_VAR            数据目录，默认 ./var     APP_VENV  依赖目录，默认 ./.venv     PYTHON  指定解释器

退出码
  0 正常　1 失败（--once 时为同步与报告的退出码）　2 用法有误　3 已在运行　4 端口不可用　5 依赖安装失败
  6 磁盘空间不足　7 数据库或 Valkey 启动失败　8 数据准备失败　9 服务反复退出　128+N 就绪前收到信号 N
"""

TEST_HELP = """用法：./test [选项] [pytest 参数]

自动安装测试依赖，启动专用的 PostgreSQL 与 Valkey（数据在 var/test，与 ./run 互不影响），
依次执行 ruff、lint-imports、mypy、pytest；任何一步未通过，退出码为 1。

  --slow         连同标记为 slow 的测试
  --only-tests   只执行 pytest
  -h, --help     显示本说明

例：./test tests/crm -k 去重　　　./test --only-tests -x
"""


class UsageError(Exception):
    pass


@dataclass(frozen=True)
class RunOptions:
    port: int = 8000
    once: bool = False
    servers_only: bool = False
    install: bool = True


def parse_run(words: Sequence[str]) -> RunOptions:
    port, flags, rest = 8000, set(), list(words)
    while rest:
        word = rest.pop(0)
        if word == "--port" or word.startswith("--port="):
            value = word.partition("=")[2] if "=" in word else (rest.pop(0) if rest else "")
            port = _port(value)
        elif word in ("--once", "--servers-only", "--no-install"):
            flags.add(word)
        else:
            raise UsageError(f"不认识的参数 {word}：请看 ./run --help")
    if {"--once", "--servers-only"} <= flags:
        raise UsageError("--once 与 --servers-only 不能同用：请看 ./run --help")
    return RunOptions(
        port=port, once="--once" in flags, servers_only="--servers-only" in flags, install="--no-install" not in flags,
    )


def _port(value: str) -> int:
    if value.isascii() and value.isdigit() and 0 < int(value) < 65536:  # noqa: PLR2004
        return int(value)
    raise UsageError(f"端口应为 1 至 65535 的整数，现为 {value or '空'}：例如 ./run --port 8001")


def find_environment(layout: Layout, *, install: bool) -> Venv:
    if install:
        return prepare_environment(layout, for_tests=False)
    found = inspect(layout.venv)
    if found is None:
        raise Failure(Exit.ENVIRONMENT, f"{layout.venv} 中没有可用的 Python：请去掉 --no-install 重试")
    return found


def run(root: Path, options: RunOptions, running: Running) -> int:
    layout = Layout.from_environment(root, os.environ)
    layout.create()
    lock = lock_or_fail(layout)
    running.add("lock", lock.close)
    stop_leftovers(layout)
    if not (options.once or options.servers_only):
        check_port(options.port)
    venv = find_environment(layout, install=options.install)
    check_disk(layout, first_install=False)
    servers = Servers(layout, venv.packages)
    servers.start(os.environ, running)
    if options.servers_only:
        return hold(layout, servers)
    manage = Manage(layout, venv)
    prepare(manage)
    sandbox = None
    if Sandbox.wanted(os.environ):
        sandbox = Sandbox(manage)
        running.add("企业数据库沙箱", sandbox.stop)
        sandbox.start()
    code = first_journey(manage, once=options.once)
    if options.once:
        return code
    started = start_services(manage, options.port, running)
    announce(layout, options.port)
    interrupts.ready = True
    watch_forever(watched(servers, sandbox, started, layout))
    return Exit.OK


def announce(layout: Layout, port: int) -> None:
    print(f"\n已启动：http://{HOST}:{port}/　（按 Ctrl-C 停止）", flush=True)
    with suppress(FileNotFoundError):
        print((layout.run / "demo_users.txt").read_text(encoding="utf-8").strip(), flush=True)


def hold(layout: Layout, servers: Servers) -> int:
    """Keep the servers until a signal comes; print where they are."""
    print(json.dumps(asdict(servers.state()), ensure_ascii=False), flush=True)
    say(f"数据库与 Valkey 已就绪（地址见 {layout.run / 'servers.json'}）。按 Ctrl-C 停止")
    interrupts.ready = True
    watch_forever(watched(servers, None, [], layout))
    return Exit.OK


def main(words: Sequence[str], root: Path = ROOT) -> int:
    """Dispatch, turn failures into one line and an exit code, and stop whatever was started."""
    prefer_replacement_to_crash()
    command, rest = (words[0], list(words[1:])) if words else ("", [])
    if command not in ("run", "servers", "test"):
        say("用法：python -m config.startup run|servers|test ……")
        return Exit.USAGE
    if {"-h", "--help"} & set(rest):
        print(TEST_HELP if command == "test" else RUN_HELP)
        return Exit.OK
    if command == "servers":
        rest = ["--servers-only", *(word for word in rest if word != "--hold")]
    interrupts.install()
    running = Running()
    try:
        return _guarded(command, rest, root, running)
    finally:
        running.stop_all()


def _guarded(command: str, rest: list[str], root: Path, running: Running) -> int:
    try:
        try:
            return run_tests(root, rest, running) if command == "test" else run(root, parse_run(rest), running)
        finally:
            interrupts.disarm()
    except UsageError as error:
        say(str(error))
        return Exit.USAGE
    except Failure as failure:
        say(failure.line)
        return failure.code
    except Interrupted as interrupted:
        say("正在停止……")
        running.first("", lambda: say("已停止"))
        return Exit.OK if interrupts.ready else 128 + interrupted.signum
    except OSError as error:
        say(DISK_FULL if is_disk_full(error) else f"启动失败：{error}")
        return Exit.DISK if is_disk_full(error) else Exit.FAILED
