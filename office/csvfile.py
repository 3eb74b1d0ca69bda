"""CSV files: reading the fixtures, where a fault is named by file, line and column, and writing what people take away."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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


# A spreadsheet runs a cell that begins with one of these, whether or not the file says that it is text.
FORMULA = tuple("=+-@\t\r\n\x00＝＋－＠")
BLANKS = " \u00a0\u3000\ufeff"  # skipped by spreadsheets before they look


def safe_cell(value: Any) -> str:
    """The cell as text that no spreadsheet takes for a formula: an apostrophe in front of whatever would start one."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip(BLANKS).startswith(FORMULA) else text


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """A CSV file line by line, for streaming; the BOM tells Excel that it is UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    for row in (header, *rows):
        writer.writerow([safe_cell(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
