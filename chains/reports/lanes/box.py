"""One node's box, the same marks in the wide and the tall form: colour, border and shape each tell the status alone."""

from __future__ import annotations

from dataclasses import dataclass

from chains.reports.build import ACTION_WORDS, STATUS_WORDS, TIER_WORDS
from chains.reports.lanes.geometry import Box
from chains.reports.lanes.markup import Markup, element, ems, text, wrap
from chains.reports.lanes.model import SERVICES, LaneNode

INK, MUTED, HALO = "#1d2733", "#5b6875", "#0b5cad"
STATUS_INK = {"strong": "#1a7f4b", "weak": "#9a5b00", "missing": "#b3261e"}
STATUS_FILL = {"strong": "#e2f3ea", "weak": "#fdf0d8", "missing": "#ffffff"}
BORDER_DASH = {"strong": None, "weak": "1.5 2.5", "missing": "7 4"}
ACTION_FILL = {"fill": "#b3261e", "strengthen": "#8a5200", "extend": "#5b3f9e"}
SERVICES_WORD = "配套服务"
TAG = 19.0


@dataclass(frozen=True)
class Form:
    """Sizes of a box's text, and the height of its foot, which only the tall form has."""

    name_size: float
    line_height: float
    foot: float


WIDE = Form(name_size=15, line_height=18, foot=0)
TALL = Form(name_size=13, line_height=16, foot=19)
NAME_LEFT, MOST_EMS = 25.0, 9.0
SCORE_WIDTH = 33.0


def group_word(node: LaneNode) -> str:
    return SERVICES_WORD if node.lane == SERVICES else TIER_WORDS[node.tier]


def draw_box(node: LaneNode, box: Box, form: Form, needs: str = "") -> Markup:
    """The box as a link. `needs` is the small line at the foot of the tall form."""
    head = box.height - form.foot
    parts = [element("title", {}, in_words(node)), *_frame(node, box)]
    parts += _marks(node, box, head)
    parts += _name(node, box, head, form)
    parts += _figures(node, box, head, form)
    if needs:
        parts.append(text(box.x + 7, box.bottom - 8, 11, MUTED, needs))
    label = {"href": node.href, "class": f"node {node.status}", "aria_label": in_words(node)}
    return element("a", dict(label), *parts)


def in_words(node: LaneNode) -> str:
    """Everything that the box shows, as one sentence for the tooltip and for those who listen."""
    parts = [f"{group_word(node)}环节", STATUS_WORDS[node.status]]
    if node.single_point:
        parts.append("单点（只靠一家企业）")
    if node.action in ACTION_FILL:
        parts.append(f"应{ACTION_WORDS[node.action]}")
    parts.append(f"缺口 {node.gap:.1f} 分")
    if node.coming:
        parts.append(f"{node.coming} 个项目在来")
    if node.is_output:
        parts.append("终端产出")
    return f"{node.name}：{'，'.join(parts)}"


def _frame(node: LaneNode, box: Box) -> list[Markup]:
    parts = []
    if node.coming:
        parts.append(_rect(box, 3.5, 9, fill="none", stroke=HALO, stroke_width=2, stroke_opacity=0.55))
    parts.append(_rect(
        box, 0, 6, class_="box", fill=STATUS_FILL[node.status], stroke=STATUS_INK[node.status],
        stroke_width=3 if node.is_output else 1.4, stroke_dasharray=BORDER_DASH[node.status],
    ))
    return parts


def _rect(box: Box, outset: float, radius: float, *, class_: str | None = None, **more: object) -> Markup:
    size = {"width": box.width + 2 * outset, "height": box.height + 2 * outset}
    return element("rect", {"class": class_, "x": box.x - outset, "y": box.y - outset, **size, "rx": radius, **more})


def _marks(node: LaneNode, box: Box, head: float) -> list[Markup]:
    """● ◐ ○ and ▲ as shapes, so that no font has to have them."""
    x, y = box.x + 14, box.y + (head / 2 if not node.single_point else head / 2 - 9)
    ink = STATUS_INK[node.status]
    ring = {"cx": x, "cy": y, "r": 5.5, "stroke": ink, "stroke_width": 1.6}
    marks = [element("circle", {**ring, "fill": ink if node.status == "strong" else "#ffffff"})]
    if node.status == "weak":
        marks.append(element("path", {"d": f"M{x:.1f} {y - 5.5:.1f}a5.5 5.5 0 0 0 0 11z", "fill": ink}))
    if node.single_point:
        marks.append(element("path", {"class": "single", "d": f"M{x:.1f} {y + 11:.1f}l6 10.5h-12z", "fill": INK}))
    return marks


def _name(node: LaneNode, box: Box, head: float, form: Form) -> list[Markup]:
    room = (box.width - NAME_LEFT - _figures_width(node, form)) / form.name_size
    lines = wrap(node.name, min(MOST_EMS, room))
    first = box.y + head / 2 - (len(lines) - 1) * form.line_height / 2 + form.name_size * 0.36
    return [
        text(box.x + NAME_LEFT, first + index * form.line_height, form.name_size, INK, line, font_weight=600)
        for index, line in enumerate(lines)
    ]


def _coming(node: LaneNode) -> tuple[str, float]:
    """＋n and its width at 13 units; nothing when nobody comes."""
    words = f"＋{node.coming}" if node.coming else ""
    return words, ems(words) * 13 + 2 if words else 0.0


def _figures_width(node: LaneNode, form: Form) -> float:
    tag, coming = (TAG if node.action in ACTION_FILL else 0.0), _coming(node)[1]
    return 8 + (max(tag, coming) if form.foot else max(SCORE_WIDTH, tag + coming))


def _figures(node: LaneNode, box: Box, head: float, form: Form) -> list[Markup]:
    """On the right: what to do, how many come, the score. The tall form is narrow and sets them one below the other."""
    right, top = box.right - 6, box.y + head / 2 - 20
    coming, width = _coming(node)
    parts = []
    if node.action in ACTION_FILL:
        parts += _tag(node.action, right - TAG - (0 if form.foot else width), top)
    if coming:
        level = top + (35 if form.foot else 14)
        parts.append(text(right, level, 13, HALO, coming, text_anchor="end", font_weight=700))
    level = box.bottom - 8 if form.foot else top + 35
    parts.append(text(right, level, 12.5, MUTED, f"{node.gap:.1f}", text_anchor="end"))
    return parts


def _tag(action: str, x: float, y: float) -> list[Markup]:
    place = {"x": x, "y": y, "width": TAG, "height": TAG, "rx": 3, "fill": ACTION_FILL[action]}
    letter = text(x + TAG / 2, y + 14, 13, "#ffffff", ACTION_WORDS[action][0], text_anchor="middle", font_weight=700)
    return [element("rect", place), letter]
