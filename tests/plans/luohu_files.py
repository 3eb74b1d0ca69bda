"""Where the fixtures of the Luohu plan are, and how the tests read them."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

from plans.records import COLUMNS

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "luohu"
LOADED_ELSEWHERE = ("zones.csv", "carriers.csv", "lead_firms.csv")
ALL_FILES = (*COLUMNS, *LOADED_ELSEWHERE)


def rows(file: str) -> list[dict[str, str]]:
    with (FOLDER / file).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def files() -> dict[str, bytes]:
    return {file: (FOLDER / file).read_bytes() for file in COLUMNS}


def column(file: str, key: str, value: str) -> dict[str, Decimal]:
    return {row[key]: Decimal(row[value]) for row in rows(file)}
