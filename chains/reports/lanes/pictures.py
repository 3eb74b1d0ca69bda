"""The two forms of the picture: wide with supply lines for desk and paper, tall without them for the telephone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from chains.reports.build import STATUS_WORDS, TIER_WORDS
from chains.reports.lanes.box import INK, MUTED, SERVICES_WORD, TALL, WIDE, draw_box
from chains.reports.lanes.geometry import BAND_SIDE, OUTER_GUTTER, Box, lay_out
from chains.reports.lanes.lines import LINE_KEYS, draw_line_keys, draw_lines
from chains.reports.lanes.markup import FONTS, Markup, element, text
from chains.reports.lanes.model import SERVICES, STATUSES, TIERS, LaneLink, LaneNode

BAND_FILL = {"upstream": "#eef3f8", "midstream": "#f3f1f8", "downstream": "#eef5f4", SERVICES: "#f6f4ef"}
MOST_COLUMNS = 4  # that a desk screen shows whole; with more the picture scrolls sideways
TALL_WIDTH, TALL_BOX, TALL_GAP, TALL_SIDE, TALL_TITLE = 340.0, 64.0, 10.0, 7.0, 34.0


def empty_picture(form: str) -> Markup:
    words = text(170, 34, 14, MUTED, "这条链还没有环节", text_anchor="middle")
    return _svg(form, 340, 60, "产业链图：没有环节", "没有环节", [words])


def wide_picture(nodes: Sequence[LaneNode], links: Sequence[LaneLink]) -> Markup:
    plan = lay_out(nodes, links)
    by_code = {node.code: node for node in nodes}
    bands = [_band(nodes, tier, plan.bands[tier], plan.bands[tier].x + BAND_SIDE) for tier in TIERS]
    if plan.services:
        bands.append(_band(nodes, SERVICES, plan.services, OUTER_GUTTER))
    boxes = [draw_box(by_code[code], plan.boxes[code], WIDE) for code in plan.reading_order]
    keys = draw_line_keys(plan.height) if links else []
    height = plan.height + (LINE_KEYS if links else 0)
    form = "wide crowded" if len(plan.columns) > MOST_COLUMNS else "wide"
    parts = [*bands, draw_lines(plan, by_code, links), *boxes, *keys]
    return _svg(form, plan.width, height, _label(nodes, links), _description(nodes), parts)


def tall_picture(nodes: Sequence[LaneNode], links: Sequence[LaneLink]) -> Markup:
    needs = _needs(links)
    parts: list[Markup] = []
    top = 0.0
    for key in (*TIERS, SERVICES):
        own = [node for node in nodes if _lane_of(node) == key]
        if not own:
            continue
        rows = (len(own) + 1) // 2
        height = TALL_TITLE + rows * (TALL_BOX + TALL_GAP)
        parts.append(_band(nodes, key, Box(0, top, TALL_WIDTH, height), TALL_SIDE + 3))
        width = (TALL_WIDTH - 2 * TALL_SIDE - TALL_GAP) / 2
        for index, node in enumerate(own):
            x = TALL_SIDE + (index % 2) * (width + TALL_GAP)
            y = top + TALL_TITLE + (index // 2) * (TALL_BOX + TALL_GAP)
            parts.append(draw_box(node, Box(x, y, width, TALL_BOX), TALL, needs.get(node.code, "")))
        top += height + 8
    return _svg("tall", TALL_WIDTH, top - 8, _label(nodes, links), _description(nodes), parts)


def _svg(form: str, width: float, height: float, label: str, description: str, parts: Sequence[Markup]) -> Markup:
    attributes: dict[str, object] = {
        "xmlns": "http://www.w3.org/2000/svg", "class": form, "viewBox": f"0 0 {width:.0f} {height:.0f}",
        "role": "img", "aria_label": label, "font_family": FONTS,
    }
    return element("svg", attributes, element("desc", {}, description), *parts)


def _lane_of(node: LaneNode) -> str:
    return node.lane or node.tier


def _label(nodes: Sequence[LaneNode], links: Sequence[LaneLink]) -> str:
    return f"产业链图：{len(nodes)} 个环节，{len(links)} 条供应关系"


def _description(nodes: Sequence[LaneNode]) -> str:
    counts = Counter(node.status for node in nodes)
    words = "，".join(f"{STATUS_WORDS[status]} {counts[status]} 个" for status in STATUSES)
    single = "、".join(node.name for node in nodes if node.single_point)
    missing = "、".join(node.name for node in nodes if node.status == "missing")
    return f"{words}。空白：{missing or '无'}。单点：{single or '无'}。"


def _band(nodes: Sequence[LaneNode], key: str, box: Box, x: float) -> Markup:
    """The soft ground of a tier with its title, which begins at `x`, and counts."""
    own = [node for node in nodes if _lane_of(node) == key]
    missing = sum(node.status == "missing" for node in own)
    name = SERVICES_WORD if key == SERVICES else TIER_WORDS[key]
    count = f"{len(own)} 个环节" + (f"，空白 {missing}" if missing else "")
    ground = {"x": box.x, "y": box.y, "width": box.width, "height": box.height, "rx": 8, "fill": BAND_FILL[key]}
    return element(
        "g", {"class": "band"}, element("rect", ground), text(x, box.y + 23, 16, INK, name, font_weight=700),
        text(x + 16 * len(name) + 10, box.y + 23, 13, MUTED, count),
    )


def _needs(links: Sequence[LaneLink]) -> dict[str, str]:
    total: dict[str, int] = defaultdict(int)
    absent: dict[str, int] = defaultdict(int)
    for link in links:
        total[link.target] += 1
        absent[link.target] += not link.present
    return {
        code: f"← 需要{count}项" + (f"（缺{absent[code]}）" if absent[code] else "") for code, count in total.items()
    }
