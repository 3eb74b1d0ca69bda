"""manage.py without a server: one line for a command that needs one, an answer from a command that does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVERS = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "APP_VAR", "SECRET_KEY", "ALLOWED_HOSTS")


def manage(tmp_path: Path, *words: str, **extra: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if key not in SERVERS}
    env |= {"APP_VAR": str(tmp_path / "var"), **extra}
    command = [sys.executable, str(ROOT / "manage.py"), *words]
    return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", ["showmigrations", "first_journey", "sync_companies"])
def test_a_command_that_needs_a_server_says_so_in_one_line(tmp_path: Path, command: str) -> None:
    result = manage(tmp_path, command, ENTERPRISE_DB_URL="http://127.0.0.1:9")
    assert result.returncode == 1
    assert result.stderr.strip().startswith("数据库没有运行：请先在另一个终端执行 ./run")
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_database_of_ones_own_that_is_down_is_named(tmp_path: Path) -> None:
    result = manage(tmp_path, "showmigrations", DATABASE_URL="postgresql://app@127.0.0.1:9/app", REDIS_URL="redis://127.0.0.1:9")
    assert result.returncode == 1
    assert "连不上 DATABASE_URL" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_analysing_a_chain_needs_no_server(tmp_path: Path) -> None:
    result = manage(tmp_path, "analyse_chain", str(ROOT / "fixtures" / "chains" / "smart-terminal.json"))
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["format"] == "chain-analysis/1"


def test_production_with_nothing_set_does_not_start_and_says_why(tmp_path: Path) -> None:
    result = manage(tmp_path, "check", DJANGO_SETTINGS_MODULE="config.settings.production")
    assert result.returncode == 1
    for word in ("拒绝启动", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS"):
        assert word in result.stderr
    assert "Traceback" not in result.stderr


def test_production_with_everything_set_passes_djangos_own_check(tmp_path: Path) -> None:
    result = manage(
        tmp_path, "check", "--deploy", "--fail-level", "WARNING", DJANGO_SETTINGS_MODULE="config.settings.production",
        DATABASE_URL="postgresql://app@127.0.0.1:9/app", REDIS_URL="redis://127.0.0.1:9", ALLOWED_HOSTS="crm.example.gov.cn",
        SECRET_KEY="k3J9xQ2mZ8vB5nC7wR1tY6uP4sD0fG2hL9aExYz1W7qT8rE5oIu",
    )
    assert result.returncode == 0, result.stderr
