"""The long files go out first, the rest by size, and a file stays whole and in its own order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import LONG_FILES, file_of, file_order

ROOT = Path(__file__).parents[2]


@dataclass
class Test:
    __test__ = False  # not a test class for pytest

    nodeid: str


def test_long_files_first_then_by_size() -> None:
    given = [
        "tests/a/test_small.py::z", "tests/b/test_big.py::y", "tests/matrix/test_m.py::x", "tests/b/test_big.py::a",
        "tests/a/test_small_too.py::w", "tests/startup/test_main_job.py::v", "tests/startup/test_s.py::u",
    ]
    tests = [Test(nodeid) for nodeid in given]
    tests.sort(key=file_order(Counter(file_of(test) for test in tests)))  # type: ignore[arg-type]
    assert [test.nodeid for test in tests] == [
        given[5], given[2], given[6], given[1], given[3], given[0], given[4],
    ]


def test_every_long_file_is_there() -> None:
    assert [name for name in LONG_FILES if not (ROOT / name).exists()] == []
