"""Which node stands in which column, and in which order: few columns, few crossings, always the same answer."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from chains.reports.lanes.model import TIERS, LaneLink, LaneNode, Tier

TALLEST = 14  # boxes in one column before a tier is split into two
FEWEST_INNER_LINKS = 4  # supply inside one tier that is worth a column of its own
FEWEST_TO_SPLIT = 4
SWEEPS = 8


@dataclass(frozen=True)
class Column:
    """A column of boxes from the top down; a split tier has two columns, suppliers before those they supply."""

    tier: Tier
    codes: tuple[str, ...]


def tier_columns(nodes: Sequence[LaneNode], links: Sequence[LaneLink]) -> list[Column]:
    """The tier columns from left to right (services excluded), ordered to cross as few lines as the sweeps can find."""
    tiers = {tier: [node.code for node in nodes if node.tier == tier and node.lane is None] for tier in TIERS}
    place = {code: tier for tier, codes in tiers.items() for code in codes}
    inner = Counter(place[link.source] for link in links if _inside(link, place))
    wanted = {tier for tier in TIERS if len(tiers[tier]) > TALLEST}
    if not wanted and inner:
        busiest = max(TIERS, key=lambda tier: inner[tier])
        if inner[busiest] >= FEWEST_INNER_LINKS and len(tiers[busiest]) >= FEWEST_TO_SPLIT:
            wanted = {busiest}
    columns = []
    for tier in TIERS:
        parts = _halves(tiers[tier], links) if tier in wanted else [tiers[tier]]
        columns += [(tier, part) for part in parts]
    ordered = _uncross([part for _, part in columns], links)
    return [Column(tier, tuple(codes)) for (tier, _), codes in zip(columns, ordered, strict=True)]


def _inside(link: LaneLink, place: dict[str, Tier]) -> bool:
    return link.source in place and link.source != link.target and place[link.source] == place.get(link.target)


def _halves(codes: list[str], links: Sequence[LaneLink]) -> list[list[str]]:
    """Two columns of equal height, cut in the order of supply so that lines run from the first to the second."""
    depth = _depths(codes, links)
    ordered = sorted(codes, key=lambda code: depth[code])
    middle = (len(ordered) + 1) // 2
    return [ordered[:middle], ordered[middle:]]


def _depths(codes: list[str], links: Sequence[LaneLink]) -> dict[str, int]:
    """Longest supply path inside the tier. A cycle is opened at its node that stands first in the given order."""
    own = set(codes)
    suppliers: dict[str, set[str]] = defaultdict(set)
    for link in links:
        if link.source in own and link.target in own and link.source != link.target:
            suppliers[link.target].add(link.source)
    depth: dict[str, int] = {}
    waiting = list(codes)
    while waiting:
        code = next((code for code in waiting if suppliers[code] <= depth.keys()), waiting[0])
        depth[code] = 1 + max((depth[source] for source in suppliers[code] if source in depth), default=-1)
        waiting.remove(code)
    return depth


def _uncross(columns: list[list[str]], links: Sequence[LaneLink]) -> list[list[str]]:
    """Barycentre sweeps to and fro; the order with the fewest crossings wins, the earliest among equals."""
    home = {code: index for index, column in enumerate(columns) for code in column}
    across = [
        (link.source, link.target) for link in links
        if link.source in home and link.target in home and home[link.source] != home[link.target]
    ]
    neighbours: dict[str, list[str]] = defaultdict(list)
    for source, target in across:
        neighbours[source].append(target)
        neighbours[target].append(source)
    best, fewest = [list(column) for column in columns], crossings(columns, across)
    current = [list(column) for column in columns]
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for index in range(len(current)) if forward else reversed(range(len(current))):
            _settle(current, index, neighbours, home, forward)
        count = crossings(current, across)
        if count < fewest:
            best, fewest = [list(column) for column in current], count
    return best


def _settle(
    columns: list[list[str]], index: int, neighbours: dict[str, list[str]], home: dict[str, int], forward: bool
) -> None:
    """Sorts one column by the mean height of its neighbours on the side that the sweep comes from."""
    height = {code: (row + 0.5) / len(column) for column in columns for row, code in enumerate(column)}

    def mean(code: str) -> float:
        seen = [height[other] for other in neighbours[code] if (home[other] < index) == forward]
        return sum(seen) / len(seen) if seen else height[code]

    columns[index].sort(key=mean)


def crossings(columns: Sequence[Sequence[str]], across: Sequence[tuple[str, str]]) -> int:
    """Pairs of lines between the same two columns that cross."""
    at = {code: (index, row) for index, column in enumerate(columns) for row, code in enumerate(column)}
    pairs: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for source, target in across:
        (left, left_row), (right, right_row) = sorted((at[source], at[target]))
        pairs[left, right].append((left_row, right_row))
    total = 0
    for lines in pairs.values():
        lines.sort()
        seen: list[int] = []
        for _, row in lines:
            total += len(seen) - bisect_right(seen, row)
            insort(seen, row)
    return total


def service_columns(nodes: Sequence[LaneNode], links: Sequence[LaneLink], columns: Sequence[Column]) -> list[list[str]]:
    """The services spread evenly under the tier columns, each near those that it serves."""
    services = [node.code for node in nodes if node.lane is not None]
    home = {code: index for index, column in enumerate(columns) for code in column.codes}
    reach: dict[str, list[int]] = defaultdict(list)
    for link in links:
        for one, other in ((link.source, link.target), (link.target, link.source)):
            if other in home:
                reach[one].append(home[other])
    middle = (len(columns) - 1) / 2
    services.sort(key=lambda code: sum(reach[code]) / len(reach[code]) if reach[code] else middle)
    cuts = [round(len(services) * index / len(columns)) for index in range(len(columns) + 1)]
    return [services[start:end] for start, end in pairwise(cuts)]
