"""Real starts in folders of their own, for the tests of start-up."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from config.startup.environment import FIRST_INSTALL_BYTES, STAMP, digest
from config.startup.layout import Layout
from config.startup.processes import PROC, start_token

ROOT = Path(__file__).resolve().parent.parent.parent
FOREIGN = ("DATABASE_URL", "REDIS_URL", "ENTERPRISE_DB_URL", "APP_VAR", "DJANGO_SETTINGS_MODULE", "PYTHON")
PATIENCE = 60.0


def wait_for(condition: Callable[[], object], what: str, *, patience: float = PATIENCE) -> None:
    """A liberal upper bound that only a hang reaches."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.03)


def environment(var: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    env = {key: value for key, value in os.environ.items() if key not in FOREIGN}
    return env | {"APP_VAR": str(var), "APP_VENV": sys.prefix} | dict(extra or {})


def processes_of(var: Path) -> list[int]:
    """Every living process that names this data folder in its command line, environment or working directory."""
    assert PROC is not None
    needle = os.fsencode(str(var))
    found = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid() or start_token(int(entry.name)) is None:
            continue
        try:
            told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            told += os.fsencode(os.readlink(entry / "cwd"))
        except OSError:
            continue
        if needle in told:
            found.append(int(entry.name))
    return found


def _fast_disk() -> Path | None:
    """Memory where there is enough: initdb waits for the disk, and these tests make many clusters."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < 2 * FIRST_INSTALL_BYTES:
        return None
    trial = subprocess.run(["cp", "/bin/true", memory / f"exec-{os.getpid()}"], check=False)
    try:
        may_execute = subprocess.run([memory / f"exec-{os.getpid()}"], check=False).returncode == 0
    except OSError:
        may_execute = False
    (memory / f"exec-{os.getpid()}").unlink(missing_ok=True)
    return memory if trial.returncode == 0 and may_execute else None


@contextmanager
def data_folder(prefix: str = "startup-") -> Iterator[Path]:
    """A folder that everyone may enter, unlike pytest's own; whatever still runs there at the end is ended."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=_fast_disk()))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for pid in processes_of(folder):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for logs in folder.rglob("log"):
            short = Layout(root=ROOT, var=logs.parent, venv=ROOT).short_name
            shutil.rmtree(Path(tempfile.gettempdir()) / short, ignore_errors=True)
        for note in folder.rglob("server-home"):
            shutil.rmtree(note.read_text().strip(), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _usual_signals() -> None:
    """Whoever runs the tests under nohup or in the background ignores signals, and a child would inherit that."""
    for signum in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(signum, signal.SIG_DFL)


@dataclass
class Start:
    """One start of the program, as a user would make it."""

    argv: list[str]
    var: Path
    cwd: Path = ROOT
    extra: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the object)
        self.process = subprocess.Popen(
            self.argv, cwd=self.cwd, env=environment(self.var, self.extra), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=self.errors, bufsize=0,  # select() sees no line that Python has read ahead
            preexec_fn=_usual_signals,
        )

    def line(self, patience: float = PATIENCE) -> str:
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], patience)
        line = self.process.stdout.readline().decode() if readable else ""
        assert line, f"no line on stdout; stderr: {self.stderr()}"
        return line

    def state(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.line())
        return found

    def stderr(self) -> str:
        self.errors.seek(0)
        return self.errors.read().decode()

    def send(self, signum: int) -> None:
        self.process.send_signal(signum)

    def end(self, signum: int | None = None, patience: float = PATIENCE) -> tuple[int, str, str]:
        """Exit code, rest of stdout, stderr."""
        if signum is not None:
            self.send(signum)
        out, _ = self.process.communicate(timeout=patience)
        return self.process.returncode, out.decode(), self.stderr()


def hold(var: Path, *, extra: Mapping[str, str] | None = None) -> Start:
    """Servers alone, from this checkout."""
    argv = [sys.executable, "-m", "config.startup", "servers", "--hold", "--no-install"]
    return Start(argv, var, extra=extra or {})


FAKE_MANAGE = '''
import http.server, os, pathlib, sys, time
var = pathlib.Path(os.environ["APP_VAR"])
command = sys.argv[1]
with (var / "calls.txt").open("a") as calls:
    print(command, os.environ.get("ENTERPRISE_DB_URL", "-"), *sys.argv[2:], file=calls)
if command == "prepare":
    (var / "run" / "demo_users.txt").write_text("demo-user")
    if os.environ.get("FAKE_PREPARE") == "fail":
        sys.exit("no such table: nothing")
elif command == "sandbox_enterprise_db":
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(404); self.end_headers()
    server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[3])), Answer)
    pathlib.Path(sys.argv[5]).write_text(str(server.server_port))
    server.serve_forever()
elif command == "first_journey":
    print("noise", file=sys.stderr)
    if "--summary" in sys.argv:
        print("the summary")
    sys.exit(int(os.environ.get("FAKE_JOURNEY", "0")))
'''
FAKE_WSGI = '''
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
'''
FAKE_CELERY = '''
import pathlib, os
os.environ.pop("DJANGO_SETTINGS_MODULE")  # else Celery would set Django up
from celery import Celery
from config.startup.state import read_state
state = read_state(pathlib.Path(os.environ["APP_VAR"]))
app = Celery("fake", broker=state.redis_url.replace("unix://", "redis+socket://", 1))
app.conf.broker_connection_retry_on_startup = True
'''


def fake_checkout(folder: Path) -> Path:
    """A checkout with the real start-up, stand-ins for the rest, and a venv that borrows our packages."""
    for name in ("run", "test", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "config" / "startup", folder / "config" / "startup")
    (folder / "office" / "audit").mkdir(parents=True)
    shutil.copy(ROOT / "office" / "audit" / "schema.sql", folder / "office" / "audit")
    for name, text in (("__init__", ""), ("wsgi", FAKE_WSGI), ("celery", FAKE_CELERY)):
        (folder / "config" / f"{name}.py").write_text(text)
    (folder / "manage.py").write_text(FAKE_MANAGE)
    venv = borrowed_venv(folder / ".venv")
    stamp = {
        "python": ".".join(map(str, sys.version_info[:2])), "runtime": digest(folder / "requirements.txt"),
        "dev": digest(folder / "requirements-dev.txt"),
    }
    (venv / STAMP).write_text(json.dumps(stamp))
    return folder


def borrowed_venv(venv: Path) -> Path:
    """A venv of its own, without a stamp, whose packages are those that run these tests."""
    packages = Path(sysconfig.get_path("purelib"))
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    (venv / packages.relative_to(sys.prefix)).parent.mkdir(parents=True)
    (venv / packages.relative_to(sys.prefix)).symlink_to(packages)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", venv / "pyvenv.cfg")
    return venv


def start_in(checkout: Path, *words: str, program: str = "./run", extra: Mapping[str, str] | None = None) -> Start:
    env = {"APP_VENV": "", "PYTHON": sys.executable} | dict(extra or {})
    return Start([program, *words], checkout / "var", cwd=checkout, extra=env)
