"""Where every box, band and gap of the wide picture lies, in user units of the SVG (about one CSS pixel)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chains.reports.lanes.columns import Column, service_columns, tier_columns
from chains.reports.lanes.model import TIERS, LaneLink, LaneNode, Tier

BOX_WIDTH, BOX_HEIGHT, GAP = 200.0, 46.0, 12.0
PITCH = BOX_HEIGHT + GAP
STRETCH = 1.5  # how far a short column may spread beside a tall one
LEAST_WIDTH, OUTER_GUTTER, LEAST_GUTTER = 1100.0, 46.0, 58.0
HEAD, FOOT, BAND_SIDE = 44.0, 14.0, 14.0
TRACK, MOST_CORRIDOR = 5.0, 70.0


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float = BOX_WIDTH
    height: float = BOX_HEIGHT

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True)
class Seat:
    """Where a node sits: its column, its row in it, and whether in the services lane below."""

    column: int
    row: int
    service: bool


@dataclass(frozen=True)
class Plan:
    """The wide picture laid out. `gutters[i]` is the space left of column i as (x, x); the last one is on the right."""

    width: float
    height: float
    boxes: dict[str, Box]
    seats: dict[str, Seat]
    bands: dict[Tier, Box]
    services: Box | None
    gutters: list[tuple[float, float]]
    corridor: tuple[float, float]
    columns: list[tuple[str, ...]]
    reading_order: list[str]


def lay_out(nodes: Sequence[LaneNode], links: Sequence[LaneLink]) -> Plan:
    columns = tier_columns(nodes, links)
    services = service_columns(nodes, links, columns)
    seats = {code: Seat(i, row, False) for i, column in enumerate(columns) for row, code in enumerate(column.codes)}
    seats |= {code: Seat(i, row, True) for i, column in enumerate(services) for row, code in enumerate(column)}
    lefts, width = _lefts(len(columns))
    rows = max(1, *(len(column.codes) for column in columns))
    depth = rows * PITCH - GAP
    boxes = {
        code: Box(lefts[index], y) for index, column in enumerate(columns)
        for code, y in zip(column.codes, _spread(len(column.codes), depth), strict=True)
    }
    floor = HEAD + depth + FOOT
    around = {link.source for link in links if goes_around(seats[link.source], seats[link.target])}
    ceiling = floor + (min(MOST_CORRIDOR, 14 + TRACK * len(around)) if around else GAP)
    boxes |= {
        code: Box(lefts[index], ceiling + HEAD - 8 + row * PITCH)
        for index, column in enumerate(services) for row, code in enumerate(column)
    }
    height, band = floor, None
    if any(services):
        height = max(boxes[code].bottom for column in services for code in column) + FOOT
        band = Box(0, ceiling, width, height - ceiling)
    elif around:
        height = ceiling
    return Plan(
        width=width, height=height, boxes=boxes, seats=seats, bands=_bands(columns, lefts, floor), services=band,
        gutters=[*zip([0.0, *(x + BOX_WIDTH for x in lefts)], [*lefts, width], strict=True)],
        corridor=(floor, ceiling), columns=[column.codes for column in columns],
        reading_order=[code for column in [*(c.codes for c in columns), *services] for code in column],
    )


def goes_around(source: Seat, target: Seat) -> bool:
    """Backward lines, and those between the services lane and the tiers. Within a column a short arc does."""
    if source.service and target.service:
        return source.column != target.column and not _next_door(source, target)
    return source.service != target.service or source.column > target.column


def _next_door(source: Seat, target: Seat) -> bool:
    return target.column == source.column + 1 and target.row == source.row


def _lefts(count: int) -> tuple[list[float], float]:
    """The x of each column, and the width of the whole."""
    free = LEAST_WIDTH - 2 * OUTER_GUTTER - count * BOX_WIDTH
    step = BOX_WIDTH + max(LEAST_GUTTER, free / (count - 1))
    lefts = [OUTER_GUTTER + index * step for index in range(count)]
    return lefts, lefts[-1] + BOX_WIDTH + OUTER_GUTTER


def _spread(count: int, depth: float) -> list[float]:
    """Tops of `count` boxes, centred in the depth and a little stretched."""
    if not count:
        return []
    room = (depth - count * BOX_HEIGHT) / max(1, count - 1)
    pitch = BOX_HEIGHT + min(room, PITCH * STRETCH - BOX_HEIGHT)
    top = HEAD + (depth - (count - 1) * pitch - BOX_HEIGHT) / 2
    return [top + row * pitch for row in range(count)]


def _bands(columns: Sequence[Column], lefts: Sequence[float], floor: float) -> dict[Tier, Box]:
    bands: dict[Tier, Box] = {}
    for tier in TIERS:
        own = [left for column, left in zip(columns, lefts, strict=True) if column.tier == tier]
        bands[tier] = Box(own[0] - BAND_SIDE, 0, own[-1] - own[0] + BOX_WIDTH + 2 * BAND_SIDE, floor)
    return bands
