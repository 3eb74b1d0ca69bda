"""The venv: installed when the lock changed or an install was killed, never otherwise; faults told in one line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from config.startup import cli, environment
from config.startup.console import Exit, Failure
from config.startup.environment import (
    FIRST_INSTALL_BYTES,
    GIB,
    MIB,
    UNFINISHED,
    Stamp,
    disk_line,
    inspect,
    is_current,
    prepare_environment,
    read_stamp,
)
from config.startup.layout import Layout
from tests.startup.harness import ROOT, borrowed_venv

WANTED = Stamp(python="3.12", runtime="a", dev="")
UNREACHABLE = "not-to-be-found==1.0 --hash=sha256:" + "0" * 64 + "\n"


@pytest.mark.parametrize(("stamp", "wanted", "current"), [
    (None, WANTED, False),
    (Stamp("3.12", "a", ""), WANTED, True),
    (Stamp("3.12", "a", "d"), WANTED, True),  # ./test before ./run
    (Stamp("3.12", "old", "d"), WANTED, False),
    (Stamp("3.11", "a", ""), WANTED, False),
    (Stamp("3.12", "a", ""), Stamp("3.12", "a", "d"), False),  # ./run before ./test
    (Stamp("3.12", "a", "old"), Stamp("3.12", "a", "d"), False),
    (Stamp("3.12", "a", "d"), Stamp("3.12", "a", "d"), True),
])
def test_which_stamp_will_do(stamp: Stamp | None, wanted: Stamp, current: bool) -> None:
    assert is_current(stamp, wanted) is current


def _pins(name: str) -> set[str]:
    return set(re.findall(r"^([\w.-]+==\S+)", (ROOT / name).read_text(), re.MULTILINE))


def test_the_set_for_tests_contains_the_set_for_running() -> None:
    """Else a venv stamped by ./test would not do for ./run."""
    assert len(_pins("requirements.txt")) > 20
    assert _pins("requirements.txt") <= _pins("requirements-dev.txt")


def test_disk_thresholds() -> None:
    here = Path("/somewhere")
    assert disk_line(FIRST_INSTALL_BYTES, first_install=True, where=here) is None
    assert "2048 MB" in (disk_line(2 * GIB - 1, first_install=True, where=here) or "")
    assert disk_line(500 * MIB, first_install=False, where=here) is None
    line = disk_line(499 * MIB, first_install=False, where=here) or ""
    assert "499 MB" in line
    assert "\n" not in line


def test_low_disk_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda _: usage(1, 1, 20 * MIB))
    monkeypatch.setattr(cli.interrupts, "install", lambda: None)
    monkeypatch.setattr(cli.interrupts, "disarm", lambda: None)
    monkeypatch.setenv("APP_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("APP_VENV", sys.prefix)
    assert cli.main(["servers", "--no-install"]) == Exit.DISK
    heard = capsys.readouterr()
    assert heard.out == ""
    assert len(heard.err.splitlines()) == 1
    assert "20 MB" in heard.err
    assert not (tmp_path / "var" / "postgres").exists()


def _layout(root: Path, requirements: str) -> Layout:
    for name in ("requirements.txt", "requirements-dev.txt"):
        (root / name).write_text(requirements)
    layout = Layout(root=root, var=root / "var", venv=root / ".venv")
    layout.create()
    return layout


def test_no_network_then_repeat_then_skip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_USER", "1")  # a caller's setting that would break an install into a venv
    layout = _layout(tmp_path, UNREACHABLE)
    borrowed_venv(layout.venv)
    with pytest.raises(Failure) as caught:
        prepare_environment(layout, for_tests=False)
    assert caught.value.code == Exit.ENVIRONMENT
    assert "网络" in caught.value.line
    assert "\n" not in caught.value.line
    assert (layout.venv / UNFINISHED).exists()
    assert read_stamp(layout.venv) is None

    # What an unfinished install left is not trusted: the next one begins anew.
    planted = layout.venv / "half-a-package"
    planted.touch()
    layout = _layout(tmp_path, "# nothing to install\n")
    venv = prepare_environment(layout, for_tests=True)
    assert not planted.exists()
    assert not (layout.venv / UNFINISHED).exists()
    assert venv == inspect(layout.venv)

    monkeypatch.setattr(environment, "run_command", _must_not_run)
    assert prepare_environment(layout, for_tests=True) == venv
    assert prepare_environment(layout, for_tests=False) == venv
    (tmp_path / "requirements.txt").write_text("# changed\n")
    with pytest.raises(AssertionError, match="ran"):
        prepare_environment(layout, for_tests=False)
    assert "Traceback" not in capsys.readouterr().err


def _must_not_run(*_words: object, **_how: object) -> int:
    raise AssertionError("ran")


@pytest.mark.parametrize(("text", "code", "sign"), [
    ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", Exit.ENVIRONMENT, "校验值"),
    ("x\nERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", Exit.DISK, "磁盘"),
    ("Temporary failure in name resolution", Exit.ENVIRONMENT, "网络"),
    ("error: something else", Exit.ENVIRONMENT, "something else"),
])
def test_what_pip_says_in_our_words(text: str, code: Exit, sign: str) -> None:
    with pytest.raises(Failure) as caught:
        environment._explain_pip(text, Path("/log"))
    assert (caught.value.code, sign in caught.value.line) == (code, True)


def test_broken_venv_is_no_venv(tmp_path: Path) -> None:
    assert inspect(tmp_path) is None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to("/nonexistent/python3")
    assert inspect(tmp_path) is None


def test_missing_lock_is_told(tmp_path: Path) -> None:
    layout = _layout(tmp_path, "")
    (tmp_path / "requirements.txt").unlink()
    with pytest.raises(Failure, match=r"requirements\.txt"):
        prepare_environment(layout, for_tests=False)


@pytest.mark.parametrize("program", ["run", "test"])
def test_no_fitting_python_is_one_line(program: str, tmp_path: Path) -> None:
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    shutil.copy(ROOT / program, tmp_path / program)
    result = subprocess.run(
        [tmp_path / program], env={"PYTHON": str(old), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
        check=False,
    )
    assert result.returncode == Exit.ENVIRONMENT
    assert len(result.stderr.splitlines()) == 1
    assert str(old) in result.stderr
    nothing = subprocess.run(
        ["/bin/sh", f"./{program}"], cwd=tmp_path, env={"PATH": str(tmp_path)}, capture_output=True, text=True,
        check=False,
    )
    assert nothing.returncode == Exit.ENVIRONMENT
    assert "3.11" in nothing.stderr
