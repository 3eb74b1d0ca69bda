"""The supply lines as they look: quiet, unless they touch a node that is missing or hangs on one company."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chains.reports.lanes.box import MUTED
from chains.reports.lanes.geometry import OUTER_GUTTER, Plan, goes_around
from chains.reports.lanes.markup import Markup, element, text
from chains.reports.lanes.model import LaneLink, LaneNode
from chains.reports.lanes.routes import routes

LINE_KEYS = 30.0  # height of the legend of lines
AROUND = 0.75  # the long lines around the tiers stand back a little
THIN, THICK = 0.8, 2.4


@dataclass(frozen=True)
class Look:
    kind: str
    word: str
    stroke: str
    opacity: float
    dash: str | None = None

    def attributes(self, width: float, share: float = 1.0) -> dict[str, object]:
        return {
            "stroke": self.stroke, "stroke_opacity": self.opacity * share, "stroke_width": width,
            "stroke_dasharray": self.dash,
        }


# From the quietest, drawn first, to the loudest, which lies on top.
LOOKS = (
    Look("quiet", "供应", "#7d8b99", 0.3),
    Look("taker", "通向空白或单点环节", "#4a5d73", 0.48),
    Look("absent", "供方空白", "#c8453c", 0.5, "5 4"),
    Look("single", "供方单点", "#a05f00", 0.7),
)
QUIET, TAKER, ABSENT, SINGLE = range(4)


def draw_lines(plan: Plan, by_code: Mapping[str, LaneNode], links: Sequence[LaneLink]) -> Markup:
    drawn = []
    for link, course in zip(links, routes(plan, links), strict=True):
        loudness = _loudness(link, by_code)
        share = AROUND if goes_around(plan.seats[link.source], plan.seats[link.target]) else 1.0
        width = THIN + (THICK - THIN) * min(1.0, max(0.0, link.importance))
        look = LOOKS[loudness]
        attributes = {"class": f"line {look.kind}", "d": course, **look.attributes(width, share)}
        drawn.append((loudness, element("path", attributes, element("title", {}, _in_words(link, by_code)))))
    drawn.sort(key=lambda item: item[0])
    return element("g", {"class": "lines", "fill": "none", "aria_hidden": "true"}, *(line for _, line in drawn))


def _loudness(link: LaneLink, by_code: Mapping[str, LaneNode]) -> int:
    source, target = by_code[link.source], by_code[link.target]
    if not link.present:
        return ABSENT
    if source.single_point:
        return SINGLE
    return TAKER if target.status == "missing" or target.single_point else QUIET


def _in_words(link: LaneLink, by_code: Mapping[str, LaneNode]) -> str:
    ends = f"{by_code[link.source].name} → {by_code[link.target].name}"
    return f"{ends}（重要性 {link.importance:.0%}，替代质量 {link.substitution:.0%}）"


def draw_line_keys(top: float) -> list[Markup]:
    """The legend of the lines, below the picture that ends at `top`."""
    parts, x, y = [], OUTER_GUTTER, top + LINE_KEYS - 11
    for look in LOOKS:
        parts.append(element("path", {"d": f"M{x:.0f} {y:.0f}h34", "fill": "none", **look.attributes(THICK)}))
        parts.append(text(x + 41, y + 4.5, 13, MUTED, look.word))
        x += 41 + 13 * len(look.word) + 28
    parts.append(text(x, y + 4.5, 13, MUTED, "线越粗越重要"))
    return parts
