"""The import contracts hold, and each of them goes red when its law is broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ["chains", "projects", "crm", "plans", "office", "config"]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def test_contracts_hold() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("office/jobs.py", "import crm.models"),
        ("crm/apps.py", "import config.urls"),
        ("chains/analysis/graph.py", "import django.db"),
        ("projects/lifecycle.py", "from crm import models"),
        ("crm/sync/records.py", "import httpx"),
        ("plans/parsing.py", "import psycopg"),
        ("chains/services/publish.py", "import chains.admin"),
    ],
)
def test_canary_a_planted_import_is_seen(tmp_path: Path, place: str, line: str) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "static", "locale"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    victim = tmp_path / place
    victim.write_text(victim.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    result = lint(tmp_path)
    assert result.returncode != 0, result.stdout
    assert "BROKEN" in result.stdout
