"""manage.py analyse_chain: one line a good file, each problem of a bad one on standard error, no database."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command

from chains.analysis.analysis import analyse
from chains.analysis.chainfile import parse_chain
from tests.analysis.random_chains import chain, node, placed, seeded

ROOT = Path(__file__).resolve().parents[2]


def write(folder: Path, name: str, content: object) -> str:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


def test_one_line_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents = [seeded(1), seeded(2)]
    files = [write(tmp_path, f"{number}.json", doc) for number, doc in enumerate(documents)]
    call_command("analyse_chain", *files)
    out, err = capsys.readouterr()
    assert [json.loads(line) for line in out.splitlines()] == [analyse(parse_chain(doc)).to_dict() for doc in documents]
    assert ": " not in out.splitlines()[0].split('"name"')[0]  # compact
    assert err == ""


def test_bad_file_is_named_and_the_others_still_analysed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = chain([node("a", target_capacity=-1)], placements=[placed("x", "gone")])
    files = [write(tmp_path, "bad.json", bad), str(tmp_path / "absent.json"), write(tmp_path, "good.json", seeded(3))]
    with pytest.raises(SystemExit) as stopped:
        call_command("analyse_chain", *files)
    out, err = capsys.readouterr()
    assert stopped.value.code == 1
    assert len(out.splitlines()) == 1
    lines = err.splitlines()
    assert lines[0].startswith(f"{files[0]}: nodes[0].target_capacity: ")
    assert lines[1].startswith(f"{files[0]}: placements[0].node: ")
    assert lines[2].startswith(f"{files[1]}: $: ")
    assert len(lines) == 3


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    content = io.BytesIO(json.dumps(seeded(5)).encode())
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=content))
    call_command("analyse_chain", "-")
    assert json.loads(capsys.readouterr().out)["format"] == "chain-analysis/1"


def test_same_bytes_from_two_processes_without_a_database(tmp_path: Path) -> None:
    path = write(tmp_path, "chain.json", seeded(6))
    environment = {**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "PYTHONIOENCODING": "utf-8"}
    runs = []
    for seed in ("1", "2"):
        found = subprocess.run(
            [sys.executable, "manage.py", "analyse_chain", path], cwd=ROOT, capture_output=True, check=True,
            env={**environment, "PYTHONHASHSEED": seed},
        )
        runs.append(found.stdout)
    assert runs[0] == runs[1]
    assert runs[0].count(b"\n") == 1
