"""Reading the fixtures' CSV files: a missing column or a bad cell is named by file, line and column."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


class FixtureError(ValueError):
    """A fixture file cannot be used as it is; the message says where and what to do."""


@dataclass(frozen=True)
class Line:
    """One row with the place that it came from."""

    path: Path
    number: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def error(self, column: str, reason: str) -> FixtureError:
        return FixtureError(f"{self.path.name} 第 {self.number} 行 {column} 列：{reason}")


def read_lines(path: Path, columns: Sequence[str]) -> Iterator[Line]:
    """Yield the rows of a CSV file with a header, values stripped; raises FixtureError for a missing file or column."""
    try:
        handle = path.open(encoding="utf-8-sig", newline="")
    except FileNotFoundError as error:
        raise FixtureError(f"缺少文件 {path.name}：请从代码库恢复 fixtures 目录") from error
    with handle:
        reader = csv.DictReader(handle)
        if missing := set(columns) - set(reader.fieldnames or []):
            raise FixtureError(f"{path.name} 缺少列：{'、'.join(sorted(missing))}")
        for row in reader:
            yield Line(path, reader.line_num, {key: (value or "").strip() for key, value in row.items() if key})
