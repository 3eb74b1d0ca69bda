"""Each claim of docs/threat-model.md names a test that exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "threat-model.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)((?:::\w+)*)`")


def missing(text: str) -> list[str]:
    """Tests that the text names and the tree does not have."""
    gone = []
    for file, inner in NAMED.findall(text):
        path = ROOT / file
        body: list[ast.stmt] = ast.parse(path.read_text(encoding="utf-8")).body if path.is_file() else []
        found = path.is_file()
        for name in filter(None, inner.split("::")):
            match = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name]
            found, body = bool(match), match[0].body if match else []
        gone += [] if found else [file + inner]
    return gone


def test_every_claim_names_a_test_that_exists() -> None:
    assert missing(DOCUMENT.read_text(encoding="utf-8")) == []


def test_every_row_of_the_claims_names_one() -> None:
    claims = DOCUMENT.read_text(encoding="utf-8").split("## Boundaries and claims")[1].split("## Out of scope")[0]
    rows = [line for line in claims.splitlines() if line.startswith("| ") and "| test |" not in line]
    assert len(rows) > 25
    assert [line for line in rows if not NAMED.search(line)] == []


@pytest.mark.parametrize("planted", [
    "`tests/office/test_gone.py::test_x`", "`tests/office/test_scope.py::test_not_there`", "`tests/nowhere.py`",
])
def test_canary_a_claim_without_its_test_is_seen(planted: str) -> None:
    assert len(missing(planted)) == 1
