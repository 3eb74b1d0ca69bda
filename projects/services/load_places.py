"""Zones and carriers from the plan's fixture files; safe to repeat."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar

from django.db import models, transaction

from office.csvfile import Line, read_lines
from plans.models import Clause
from projects.models import Carrier, Zone

ZONE_COLUMNS = ["code", "name", "kind", "parent", "boundary", "area_sqkm", "focus", "clause"]
CARRIER_COLUMNS = ["code", "name", "kind", "zone", "area_sqm", "industries", "clause", "note"]
Place = TypeVar("Place", Zone, Carrier)


@dataclass(frozen=True)
class PlacesResult:
    zones: int
    carriers: int
    changed: int

    def __str__(self) -> str:
        return f"{self.zones} 个片区、{self.carriers} 个载体（本次变动 {self.changed}）"


def load_places(*, folder: Path) -> PlacesResult:
    """Bring zones and carriers into line with `zones.csv` and `carriers.csv`; raises FixtureError naming a bad cell."""
    with transaction.atomic():
        clauses = {clause.anchor: clause for clause in Clause.objects.all()}
        zones: dict[str, Zone] = {}
        changed = 0
        lines = list(read_lines(folder / "zones.csv", ZONE_COLUMNS))
        for line in sorted(lines, key=lambda line: bool(line["parent"])):
            zones[line["code"]], fresh = _zone(line, zones, clauses)
            changed += fresh
        carriers = 0
        for line in read_lines(folder / "carriers.csv", CARRIER_COLUMNS):
            changed += _carrier(line, zones, clauses)
            carriers += 1
    return PlacesResult(len(zones), carriers, changed)


def _zone(line: Line, zones: dict[str, Zone], clauses: dict[str, Clause]) -> tuple[Zone, bool]:
    area = _number(line, "area_sqkm")
    if line["parent"] and line["parent"] not in zones:
        raise line.error("parent", f"没有代码为“{line['parent']}”的片区")
    values = {
        "name": line["name"], "kind": _choice(line, Zone.Kind), "parent": zones.get(line["parent"]), "focus": line["focus"],
        "boundary": line["boundary"], "area_sqm": area * 1_000_000 if area is not None else None,
        "clause": _clause(line, clauses),
    }
    return _save(Zone, line["code"], values)


def _carrier(line: Line, zones: dict[str, Zone], clauses: dict[str, Clause]) -> bool:
    if line["zone"] and line["zone"] not in zones:
        raise line.error("zone", f"没有代码为“{line['zone']}”的片区")
    values = {
        "name": line["name"], "kind": _choice(line, Carrier.Kind), "zone": zones.get(line["zone"]),
        "area_sqm": _number(line, "area_sqm"), "industries": [code for code in line["industries"].split(";") if code],
        "clause": _clause(line, clauses), "note": line["note"],
    }
    return _save(Carrier, line["code"], values)[1]


def _save(model: type[Place], code: str, values: dict[str, object]) -> tuple[Place, bool]:
    """Create or change the row with this code; the flag says whether anything was written."""
    row = model._default_manager.filter(code=code).first()
    if row is not None and all(getattr(row, name) == value for name, value in values.items()):
        return row, False
    return model._default_manager.update_or_create(code=code, defaults=values)[0], True


def _choice(line: Line, kinds: type[models.TextChoices]) -> str:
    if line["kind"] not in kinds.values:
        raise line.error("kind", f"“{line['kind']}”不是可用的类别（{'、'.join(kinds.values)}）")
    return line["kind"]


def _number(line: Line, column: str) -> Decimal | None:
    if not line[column]:
        return None
    try:
        number = Decimal(line[column])
    except InvalidOperation:
        raise line.error(column, f"“{line[column]}”不是数字") from None
    if not number.is_finite() or number <= 0:
        raise line.error(column, "面积须大于 0；不详请留空")
    return number


def _clause(line: Line, clauses: dict[str, Clause]) -> Clause:
    if line["clause"] not in clauses:
        raise line.error("clause", f"规划中没有条款“{line['clause']}”")
    return clauses[line["clause"]]
