"""The installed packages: one venv, filled from the hash-locked requirements, and only when they changed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from config.startup.console import DISK_FULL, Exit, Failure, fail_from_log, is_disk_full, say, text_since
from config.startup.files import write_private
from config.startup.layout import Layout, checkout_locked
from config.startup.processes import run_command

GIB = 1024**3
MIB = 1024**2
FIRST_INSTALL_BYTES = 2 * GIB
LATER_BYTES = 500 * MIB
STAMP = "installed.json"
UNFINISHED = "installing"
# Settings of the caller's shell that would make pip or Python look elsewhere.
MISLEADING = (
    "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV", "PIP_DRY_RUN", "PYTHONHOME",
    "PYTHONPATH", "PYTHONSAFEPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__",
)
NETWORK_SIGNS = (
    "NewConnectionError", "Failed to establish a new connection", "Temporary failure in name resolution",
    "Name or service not known", "ConnectTimeoutError", "ReadTimeoutError", "Read timed out", "ProxyError",
    "Connection refused", "Connection reset", "Network is unreachable", "RemoteDisconnected", "SSLError",
    "No matching distribution found", "Could not find a version",
)


@dataclass(frozen=True)
class Stamp:
    """What a finished install left: digests of the lock files, and the Python it was made for."""

    python: str
    runtime: str
    dev: str  # empty: the tools of ./test are not installed


@dataclass(frozen=True)
class Venv:
    python: Path
    packages: Path
    version: str


def disk_line(free: int, *, first_install: bool, where: Path) -> str | None:
    """The line to fail with when so many free bytes will not do, else None."""
    needed = FIRST_INSTALL_BYTES if first_install else LATER_BYTES
    if free >= needed:
        return None
    purpose = "首次安装" if first_install else "运行"
    return f"{DISK_FULL}：{where} 仅剩 {free // MIB} MB，{purpose}需要 {needed // MIB} MB。请清理磁盘后重试"


def check_disk(layout: Layout, *, first_install: bool) -> None:
    for folder, first in ((layout.root, first_install), (layout.var, False)):
        line = disk_line(shutil.disk_usage(folder).free, first_install=first, where=folder)
        if line:
            raise Failure(Exit.DISK, line)


def digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise Failure(Exit.ENVIRONMENT, f"缺少依赖清单 {path.name}：请重新获取完整的代码") from None


def is_current(stamp: Stamp | None, wanted: Stamp) -> bool:
    """The set for ./test contains the set for ./run, so it serves both; not the other way round."""
    if stamp is None or (stamp.python, stamp.runtime) != (wanted.python, wanted.runtime):
        return False
    return wanted.dev in ("", stamp.dev)


def read_stamp(venv: Path) -> Stamp | None:
    try:
        raw = json.loads((venv / STAMP).read_text(encoding="utf-8"))
        return Stamp(python=str(raw["python"]), runtime=str(raw["runtime"]), dev=str(raw["dev"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def child_environment(layout: Layout, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What every program that start-up runs gets to see."""
    env = {key: value for key, value in os.environ.items() if key not in MISLEADING}
    return env | {"APP_VAR": str(layout.var), "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"} | dict(extra or {})


def inspect(venv: Path) -> Venv | None:
    """The venv as it is, None when it has no working Python of 3.11 or later."""
    python = venv / "bin" / "python"
    question = "import sys, sysconfig; print(*sys.version_info[:2], sep='.'); print(sysconfig.get_path('purelib'))"
    env = {key: value for key, value in os.environ.items() if key not in MISLEADING}
    try:
        answer = subprocess.run(
            [python, "-c", question], capture_output=True, text=True, check=True, env=env, timeout=60,
        ).stdout.splitlines()
        version, packages = answer[0], Path(answer[1])
    except (OSError, subprocess.SubprocessError, IndexError):
        return None
    major, minor = (int(part) for part in version.split("."))
    return Venv(python=python, packages=packages, version=version) if (major, minor) >= (3, 11) else None


def prepare_environment(layout: Layout, *, for_tests: bool) -> Venv:
    """Return a venv that holds exactly what the lock names, installing where needed."""
    with checkout_locked(layout.root):
        unfinished = (layout.venv / UNFINISHED).exists()  # killed half-way: pip cannot tell what is complete
        found = None if unfinished else inspect(layout.venv)
        wanted = Stamp(
            python=found.version if found else "",
            runtime=digest(layout.root / "requirements.txt"),
            dev=digest(layout.root / "requirements-dev.txt") if for_tests else "",
        )
        stamp = read_stamp(layout.venv)
        if found and is_current(stamp, wanted):
            return found
        if found and stamp and stamp.python != found.version:
            found = None
        check_disk(layout, first_install=found is None)
        return _install(layout, found, wanted)


def _install(layout: Layout, found: Venv | None, wanted: Stamp) -> Venv:
    log = layout.log("install")
    started = time.monotonic()
    try:
        if found is None:
            found = _create(layout, log)
        else:
            (layout.venv / UNFINISHED).touch()
        _pip(layout, found, log, "requirements-dev.txt" if wanted.dev else "requirements.txt")
        stamp = Stamp(python=found.version, runtime=wanted.runtime, dev=wanted.dev)
        write_private(layout.venv / STAMP, json.dumps(asdict(stamp)) + "\n")
        (layout.venv / STAMP).chmod(0o644)
        (layout.venv / UNFINISHED).unlink()
    except OSError as error:
        if is_disk_full(error):
            raise
        raise Failure(Exit.ENVIRONMENT, f"无法写入 {layout.venv}：{error.strerror}。请检查权限后重试") from error
    say(f"依赖已就绪（{time.monotonic() - started:.0f} 秒）")
    return found


def _create(layout: Layout, log: Path) -> Venv:
    say("正在建立 Python 环境……")
    shutil.rmtree(layout.venv, ignore_errors=True)
    layout.venv.mkdir(parents=True, exist_ok=True)
    (layout.venv / UNFINISHED).touch()
    before = log.stat().st_size
    code = run_command(
        [sys.executable, "-m", "venv", layout.venv], env=child_environment(layout), cwd=layout.root, output=log,
    )
    found = inspect(layout.venv) if code == 0 else None
    if found is None:
        text = text_since(log, before)
        if "ensurepip" in text:
            package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
            raise Failure(Exit.ENVIRONMENT, f"此 Python 缺少 venv 模块：请安装（如 apt install {package}）后重试")
        fail_from_log(Exit.ENVIRONMENT, "建立 Python 虚拟环境", text, log)
    return found


class _Progress:
    """One line that counts the packages, redrawn on a terminal and written once elsewhere."""

    def __init__(self, log: Path, offset: int, total: int) -> None:
        self._log, self._offset, self._total = log, offset, total
        self._live = sys.stderr.isatty()
        self._text = "正在安装依赖（约 1 分钟，仅首次及依赖变更时）"
        if not self._live:
            say(self._text + "……")

    def tick(self) -> None:
        if self._live:
            text = text_since(self._log, self._offset)
            done = text.count("\nCollecting ") + text.count("Requirement already satisfied: ")
            step = "写入" if "Installing collected packages" in text else f"{min(done, self._total)}/{self._total}"
            print(f"\r{self._text}：{step}   ", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        if self._live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def _pip(layout: Layout, venv: Venv, log: Path, requirements: str) -> None:
    lock = layout.root / requirements
    total = sum("==" in line for line in lock.read_text(encoding="utf-8").splitlines())
    before = log.stat().st_size
    progress = _Progress(log, before, total)
    env = child_environment(layout, {"PIP_USER": "0", "PIP_NO_INPUT": "1", "LC_ALL": "C.UTF-8"})
    try:
        code = run_command(
            [venv.python, "-m", "pip", "install", "--require-hashes", "--progress-bar", "off", "--retries", "2",
             "--disable-pip-version-check", "-r", lock],
            env=env, cwd=layout.root, output=log, death_signal=signal.SIGTERM, tick=progress.tick,
        )
    finally:
        progress.close()
    if code != 0:
        _explain_pip(text_since(log, before), log)


def _explain_pip(text: str, log: Path) -> None:
    if "DO NOT MATCH THE HASHES" in text:
        raise Failure(Exit.ENVIRONMENT, f"下载的软件包与锁定的校验值不符，已拒绝安装：请检查软件源。日志：{log}")
    if any(sign in text for sign in NETWORK_SIGNS) and "No space left on device" not in text:
        raise Failure(
            Exit.ENVIRONMENT,
            f"下载依赖失败：连不上软件源。请检查网络或代理（可设 PIP_INDEX_URL 指向可用镜像）后重试。日志：{log}",
        )
    fail_from_log(Exit.ENVIRONMENT, "安装依赖", text, log)
