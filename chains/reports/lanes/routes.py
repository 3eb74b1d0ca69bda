"""The course of every supply line: forward lines as curves through the gaps, backward and service lines around."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from chains.reports.lanes.geometry import GAP, Box, Plan, goes_around
from chains.reports.lanes.model import LaneLink

Point = tuple[float, float]
CORNER = 8.0
HEAD_LENGTH, HEAD_SPREAD = 6.0, 3.5
LANE_IN_GAP = (0.0, 3.0, -3.0)  # neighbours in one gap run side by side


def routes(plan: Plan, links: Sequence[LaneLink]) -> list[str]:
    """The `d` of one SVG path per link, in the order of the links."""
    around = [link for link in links if goes_around(plan.seats[link.source], plan.seats[link.target])]
    tracks = _tracks(plan, around)
    used: dict[tuple[int, int], int] = defaultdict(int)
    drawn = []
    for link in links:
        source, target = plan.seats[link.source], plan.seats[link.target]
        if goes_around(source, target):
            drawn.append(_around(plan, link, tracks))
        elif source.column == target.column:
            drawn.append(_arc(plan, link))
        else:
            drawn.append(_forward(plan, link, used))
    return drawn


def _forward(plan: Plan, link: LaneLink, used: dict[tuple[int, int], int]) -> str:
    """From right edge to left edge; across every column between, through the gap nearest to the straight line."""
    start, end = plan.boxes[link.source], plan.boxes[link.target]
    x, y = start.right, start.middle
    path = [f"M{_n(x)} {_n(y)}"]
    for index in range(plan.seats[link.source].column + 1, plan.seats[link.target].column):
        left, right = plan.gutters[index][1], plan.gutters[index + 1][0]
        straight = y + (end.middle - y) * ((left + right) / 2 - x) / (end.x - x)
        gap, level = _nearest_gap([plan.boxes[code] for code in plan.columns[index]], straight)
        level += LANE_IN_GAP[used[index, gap] % len(LANE_IN_GAP)]
        used[index, gap] += 1
        path.append(f"{_curve((x, y), (left, level))}H{_n(right)}")
        x, y = right, level
    path.append(_curve((x, y), (end.x, end.middle)))
    return "".join(path)


def _nearest_gap(boxes: Sequence[Box], level: float) -> tuple[int, float]:
    """Number and height of the gap between (or above, or below) the boxes of a column that is nearest to the level."""
    if not boxes:
        return 0, level
    gaps = [boxes[0].y - GAP / 2]
    gaps += [(upper.bottom + lower.y) / 2 for upper, lower in zip(boxes, boxes[1:], strict=False)]
    gaps.append(boxes[-1].bottom + GAP / 2)
    number = min(range(len(gaps)), key=lambda index: abs(gaps[index] - level))
    return number, gaps[number]


def _arc(plan: Plan, link: LaneLink) -> str:
    """Within one column: out of the right edge and back into it. A node that supplies itself gets a small ear."""
    start, end = plan.boxes[link.source], plan.boxes[link.target]
    from_y, to_y = start.middle, end.middle
    if link.source == link.target:
        from_y, to_y = start.middle - 8, start.middle + 8
    gutter = plan.gutters[plan.seats[link.source].column + 1]
    bulge = min(16 + 0.14 * abs(to_y - from_y), 1.2 * (gutter[1] - gutter[0]) - 10)
    x = start.right
    curve = f"M{_n(x)} {_n(from_y)}C{_n(x + bulge)} {_n(from_y)} {_n(x + bulge)} {_n(to_y)} {_n(x + 1)} {_n(to_y)}"
    return curve + _head((x + 1, to_y), -1)


def _tracks(plan: Plan, links: Sequence[LaneLink]) -> dict[tuple[str, int], float]:
    """A course of its own for every source: y in the corridor (key -1) and x in each gutter that it passes."""
    sources = list(dict.fromkeys(link.source for link in links))
    sources.sort(key=lambda code: (plan.seats[code].service, plan.seats[code].column, plan.seats[code].row))
    top, bottom = plan.corridor
    tracks = {
        (code, -1): top + (bottom - top) * (index + 1) / (len(sources) + 1) for index, code in enumerate(sources)
    }
    passing: dict[int, list[str]] = defaultdict(list)
    for link in links:
        for gutter in {plan.seats[link.source].column + 1, plan.seats[link.target].column}:
            if link.source not in passing[gutter]:
                passing[gutter].append(link.source)
    for gutter, codes in passing.items():
        left, right = plan.gutters[gutter]
        ordered = [code for code in sources if code in codes]
        step = min(7.0, (right - left - 28) / len(ordered))
        for index, code in enumerate(ordered):
            tracks[code, gutter] = right - 16 - step * (len(ordered) - 1 - index)
    return tracks


def _around(plan: Plan, link: LaneLink, tracks: dict[tuple[str, int], float]) -> str:
    """Right edge → gutter → corridor under the tiers → gutter → left edge; one gutter suffices when both share it."""
    start, end = plan.boxes[link.source], plan.boxes[link.target]
    out, into = plan.seats[link.source].column + 1, plan.seats[link.target].column
    points = [(start.right, start.middle), (tracks[link.source, out], start.middle)]
    if out != into:
        level = tracks[link.source, -1]
        points += [(tracks[link.source, out], level), (tracks[link.source, into], level)]
    points += [(tracks[link.source, into], end.middle), (end.x - 1, end.middle)]
    return _rounded(points) + _head(points[-1], 1)


def _rounded(points: Sequence[Point]) -> str:
    """A line of right angles with soft corners."""
    path = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        enter, leave = _towards(corner, before), _towards(corner, after)
        path.append(f"L{_n(enter[0])} {_n(enter[1])}Q{_n(corner[0])} {_n(corner[1])} {_n(leave[0])} {_n(leave[1])}")
    path.append(f"L{_n(points[-1][0])} {_n(points[-1][1])}")
    return "".join(path)


def _towards(corner: Point, other: Point) -> Point:
    """The point a corner's radius away from the corner, at most half the way to the other."""
    across, down = other[0] - corner[0], other[1] - corner[1]
    length = abs(across) + abs(down)  # the lines are level or upright
    share = min(CORNER / length, 0.5) if length else 0.0
    return corner[0] + across * share, corner[1] + down * share


def _curve(start: Point, end: Point) -> str:
    middle = _n((start[0] + end[0]) / 2)
    return f"C{middle} {_n(start[1])} {middle} {_n(end[1])} {_n(end[0])} {_n(end[1])}"


def _head(tip: Point, direction: int) -> str:
    """An open arrow head, for the lines whose direction the reading direction does not give."""
    back = _n(tip[0] - direction * HEAD_LENGTH)
    return f"M{back} {_n(tip[1] - HEAD_SPREAD)}L{_n(tip[0])} {_n(tip[1])}L{back} {_n(tip[1] + HEAD_SPREAD)}"


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
