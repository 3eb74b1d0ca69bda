"""The chain's picture: laws of the layout, what each box tells, and that nothing a user wrote becomes markup."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.reports.lanes import LaneLink, LaneNode, draw
from chains.reports.lanes import markup as markup_module
from chains.reports.lanes.columns import TALLEST, crossings, tier_columns
from chains.reports.lanes.geometry import lay_out
from chains.reports.lanes.markup import ems, wrap
from chains.reports.lanes.routes import routes

TIERS = ("upstream", "midstream", "downstream")
SVG = "{http://www.w3.org/2000/svg}"
Rect = tuple[float, float, float, float]


def node(code: str, tier: str = "midstream", **more: object) -> LaneNode:
    known: dict[str, object] = {
        "name": f"环节{code}", "lane": None, "status": "strong", "fragile": False, "action": "none", "gap": 12.5,
        "coming": 0, "is_output": False, "href": f"/n/{code}/",
    }
    return LaneNode(code=code, tier=tier, **(known | more))  # type: ignore[arg-type]


def link(source: str, target: str, *, importance: float = 1.0, present: bool = True) -> LaneLink:
    return LaneLink(source, target, importance, 1.0, present)


@st.composite
def chains(draw_from: st.DrawFn, most: int = 24) -> tuple[list[LaneNode], list[LaneLink]]:
    """Any chain at all: services anywhere, backward links, cycles, self-supply, doubled links, names of any length."""
    count = draw_from(st.integers(1, most))
    nodes = [
        node(
            f"n{index}", draw_from(st.sampled_from(TIERS)),
            name=draw_from(st.text("链与AIm（）、 8", min_size=1, max_size=30)),
            lane=draw_from(st.sampled_from([None, None, None, "services"])),
            status=draw_from(st.sampled_from(["strong", "weak", "missing"])), fragile=draw_from(st.booleans()),
            action=draw_from(st.sampled_from(["fill", "strengthen", "extend", "none"])),
            gap=draw_from(st.floats(0, 100)), coming=draw_from(st.sampled_from([0, 0, 1, 12])),
        )
        for index in range(count)
    ]
    code = st.integers(0, count - 1).map(lambda index: f"n{index}")
    any_link = st.builds(LaneLink, code, code, st.floats(0, 1), st.floats(0, 1), st.booleans())
    links = draw_from(st.lists(any_link, max_size=40))
    return nodes, links


def large_chain(count: int = 150) -> tuple[list[LaneNode], list[LaneLink]]:
    nodes = [
        node(f"n{index}", TIERS[index * 3 // count], lane="services" if index % 9 == 4 else None, coming=index % 7 == 0)
        for index in range(count)
    ]
    links = [link(f"n{index}", f"n{(index * 7 + 31) % count}") for index in range(count)]
    return nodes, links + [link(f"n{index}", f"n{(index + 50) % count}") for index in range(count)]


def forms(picture: str) -> tuple[ElementTree.Element, ElementTree.Element]:
    block = ElementTree.fromstring(picture)  # noqa: S314 - our own output
    assert block.tag == "div"
    assert block.get("class") == "picture"
    wide, tall = block
    return wide, tall


def anchors(form: ElementTree.Element) -> list[ElementTree.Element]:
    return form.findall(f"{SVG}a")


def box_of(anchor: ElementTree.Element) -> Rect:
    rect = anchor.find(f"{SVG}rect[@class='box']")
    assert rect is not None
    x, y, width, height = (float(rect.get(name, "")) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def words_of(element: ElementTree.Element) -> str:
    return " ".join("".join(text.itertext()) for text in element.iter(f"{SVG}text"))


def overlaps(boxes: Sequence[Rect]) -> list[tuple[Rect, Rect]]:
    return [
        (one, other) for one, other in combinations(boxes, 2)
        if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    ]


def outside(boxes: Sequence[Rect], form: ElementTree.Element) -> list[Rect]:
    _, _, width, height = (float(part) for part in form.get("viewBox", "").split())
    return [box for box in boxes if box[0] < 0 or box[1] < 0 or box[2] > width or box[3] > height]


def check_layout(nodes: Sequence[LaneNode], picture: str) -> None:
    for form in forms(picture):
        boxes = [box_of(anchor) for anchor in anchors(form)]
        assert Counter(anchor.get("href") for anchor in anchors(form)) == Counter(item.href for item in nodes)
        assert not overlaps(boxes)
        assert not outside(boxes, form)


# Layout laws


@given(chains())
def test_every_node_stands_once_in_each_form_apart_from_the_others_and_inside(
    chain: tuple[list[LaneNode], list[LaneLink]],
) -> None:
    nodes, links = chain
    check_layout(nodes, draw(nodes, links))


def test_the_layout_check_sees_planted_faults() -> None:
    nodes = [node("a"), node("b")]
    picture = str(draw(nodes, []))
    with pytest.raises(AssertionError):
        check_layout([*nodes, node("c")], picture)
    moved = picture.replace(f'y="{box_of(anchors(forms(picture)[0])[1])[1]:.0f}"', 'y="50"')
    with pytest.raises(AssertionError):
        check_layout(nodes, moved)
    narrow = re.sub(r'viewBox="0 0 \d+ ', 'viewBox="0 0 300 ', picture)
    with pytest.raises(AssertionError):
        check_layout(nodes, narrow)


def test_a_chain_of_150_nodes_keeps_the_laws_in_six_columns() -> None:
    nodes, links = large_chain()
    picture = draw(nodes, links)
    check_layout(nodes, picture)
    assert len(tier_columns(nodes, links)) == 6
    assert forms(picture)[0].get("class") == "wide crowded"


def stretches(course: str) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """The straight parts of a path, and of its curves the way from end to end is left out."""
    found, at = [], (0.0, 0.0)
    for command, numbers in re.findall(r"([MLHCQ])([^MLHCQ]*)", course):
        values = [float(number) for number in numbers.split()]
        to = (values[0], at[1]) if command == "H" else (values[-2], values[-1])
        if command in "LH":
            found.append((at, to))
        at = to
    return found


def cut(stretch: tuple[tuple[float, float], tuple[float, float]], box: Rect) -> bool:
    (x0, x1), (y0, y1) = (sorted(pair) for pair in zip(*stretch, strict=True))
    return x0 < box[2] - 0.5 and x1 > box[0] + 0.5 and y0 < box[3] - 0.5 and y1 > box[1] + 0.5


@given(chains())
def test_no_straight_stretch_of_a_line_runs_behind_a_box(chain: tuple[list[LaneNode], list[LaneLink]]) -> None:
    nodes, links = chain
    wide, _ = forms(draw(nodes, links))
    boxes = [box_of(anchor) for anchor in anchors(wide)]
    for path in lines_of(wide):
        assert not [box for stretch in stretches(path.get("d", "")) for box in boxes if cut(stretch, box)]


def test_the_stretch_check_sees_a_line_behind_a_box() -> None:
    assert any(cut(stretch, (10, 10, 50, 30)) for stretch in stretches("M0 20C1 20 1 20 5 20H80"))
    assert not any(cut(stretch, (10, 10, 50, 30)) for stretch in stretches("M0 8L80 8L80 40"))


# Supply lines


def lines_of(form: ElementTree.Element) -> list[ElementTree.Element]:
    return [path for path in form.iter(f"{SVG}path") if (path.get("class") or "").startswith("line ")]


@given(chains())
def test_each_pair_has_one_line_from_right_edge_to_an_edge_of_the_taker(
    chain: tuple[list[LaneNode], list[LaneLink]],
) -> None:
    nodes, links = chain
    wide, tall = forms(draw(nodes, links))
    assert len(lines_of(wide)) == len({(item.source, item.target) for item in links})
    assert not lines_of(tall)
    plan = lay_out(nodes, links)
    for item, course in zip(links, routes(plan, links), strict=True):
        start = [float(number) for number in re.findall(r"[\d.]+", course)[:2]]
        assert start[0] == pytest.approx(plan.boxes[item.source].right, abs=0.1)
        assert plan.boxes[item.source].y <= start[1] <= plan.boxes[item.source].bottom
        body = course[: course.rindex("M")] if course.count("M") > 1 else course
        end = [float(number) for number in re.findall(r"[\d.]+", body)[-2:]]
        target = plan.boxes[item.target]
        assert min(abs(end[0] - target.x), abs(end[0] - target.right)) <= 1.1
        assert target.y <= end[1] <= target.bottom
        assert all(-1 <= float(number) <= max(plan.width, plan.height) for number in re.findall(r"-?[\d.]+", course))


def test_lines_are_drawn_under_the_boxes_and_loud_ones_over_quiet_ones() -> None:
    nodes = [
        node("a", "upstream"), node("b", "upstream", fragile=True),
        node("c", "upstream", status="missing", fragile=True), node("d"), node("e", status="missing"),
    ]
    links = [link("c", "d", present=False), link("b", "d"), link("a", "e"), link("a", "d", importance=0.0)]
    wide, _ = forms(draw(nodes, links))
    drawn = lines_of(wide)
    assert [path.get("class") for path in drawn] == ["line quiet", "line taker", "line absent", "line single"]
    opacity = [float(path.get("stroke-opacity", "")) for path in drawn]
    assert opacity[0] == min(opacity)
    assert [path.get("stroke-dasharray") for path in drawn] == [None, None, "5 4", None]
    assert float(drawn[0].get("stroke-width", "")) < float(drawn[1].get("stroke-width", ""))
    kinds = [child.get("class") or "" for child in wide]
    assert kinds.index("lines") < kinds.index("node strong")


def test_of_two_groups_with_one_supplier_the_more_important_is_drawn() -> None:
    nodes = [node("a", "upstream"), node("b")]
    for links in ([link("a", "b", importance=0.2), link("a", "b")], [link("a", "b"), link("a", "b", importance=0.2)]):
        (path,) = lines_of(forms(draw(nodes, links))[0])
        assert path.findtext(f"{SVG}title") == "环节a → 环节b（重要性 100%，替代质量 100%）"


def test_a_line_with_an_unknown_end_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="a → ghost.*“ghost”.*链文件"):
        draw([node("a")], [link("a", "ghost")])
    with pytest.raises(ValueError, match="ghost → a.*“ghost”"):
        draw([node("a")], [link("ghost", "a")])


@pytest.mark.parametrize(
    ("field", "value"), [("tier", "顶层"), ("lane", "bus"), ("status", "unknown"), ("action", "buy")]
)
def test_a_node_that_cannot_be_placed_is_refused_by_name(field: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"环节“a”的 {field} 是“{value}”"):
        draw([node("a", **{"tier": "midstream", field: value})], [])


def test_a_code_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="“a”出现两次"):
        draw([node("a"), node("a")], [])


# Columns and order


def test_a_tall_tier_is_split_in_the_order_of_supply() -> None:
    nodes = [node(f"m{index}") for index in range(TALLEST + 2)]
    links = [link(f"m{index}", f"m{index - 1}") for index in range(1, len(nodes))]
    first, second = [column.codes for column in tier_columns(nodes, links) if column.tier == "midstream"]
    assert len(first) == len(second)
    assert set(first) == {f"m{index}" for index in range(8, 16)}
    assert len(tier_columns(nodes[:TALLEST], [])) == 3


def test_only_the_tier_with_most_inner_supply_gets_a_second_column() -> None:
    nodes = [node(f"{tier[0]}{index}", tier) for tier in TIERS for index in range(5)]
    links = [link("m0", f"m{index}") for index in range(1, 5)] + [link("d0", "d1")]
    tiers = [column.tier for column in tier_columns(nodes, links)]
    assert tiers == ["upstream", "midstream", "midstream", "downstream"]
    assert len(tier_columns(nodes, links[1:])) == 3


def test_the_sweeps_undo_a_crossing_and_leave_an_order_without_crossings_alone() -> None:
    nodes = [node(code, "upstream") for code in "abc"] + [node(code) for code in "xyz"]
    crossed = [link("a", "z"), link("b", "y"), link("c", "x")]
    columns = [column.codes for column in tier_columns(nodes, crossed)]
    assert crossings(columns, [(item.source, item.target) for item in crossed]) == 0
    straight = [link("a", "x"), link("b", "y"), link("c", "z")]
    assert [column.codes for column in tier_columns(nodes, straight)][:2] == [("a", "b", "c"), ("x", "y", "z")]


def test_crossings_are_counted() -> None:
    columns = [["a", "b"], ["x", "y"]]
    assert crossings(columns, [("a", "y"), ("b", "x")]) == 1
    assert crossings(columns, [("y", "a"), ("b", "x"), ("a", "x"), ("b", "y")]) == 1
    assert crossings(columns, [("a", "x"), ("b", "x")]) == 0


@given(chains())
def test_the_order_found_never_crosses_more_than_the_order_given(chain: tuple[list[LaneNode], list[LaneLink]]) -> None:
    nodes, links = chain
    columns = tier_columns(nodes, links)
    home = {code: index for index, column in enumerate(columns) for code in column.codes}
    across = [
        (item.source, item.target) for item in links
        if item.source in home and item.target in home and home[item.source] != home[item.target]
    ]
    order = {item.code: index for index, item in enumerate(nodes)}
    unsplit = Counter(column.tier for column in columns)
    if max(unsplit.values()) == 1:
        given_order = [sorted(column.codes, key=order.__getitem__) for column in columns]
        assert crossings([column.codes for column in columns], across) <= crossings(given_order, across)


def test_services_lie_below_the_tiers_near_those_that_they_serve() -> None:
    nodes = [node("down", "downstream"), node("up", "upstream")]
    nodes += [node("s-down", "upstream", lane="services"), node("s-up", "downstream", lane="services")]
    plan = lay_out(nodes, [link("s-down", "down"), link("s-up", "up")])
    assert plan.seats["s-up"].column < plan.seats["s-down"].column
    assert min(plan.boxes[code].y for code in ("s-up", "s-down")) > plan.bands["upstream"].bottom
    assert plan.services is not None
    assert lay_out(nodes[:2], []).services is None


def test_links_are_reached_by_tab_in_the_order_of_the_tiers() -> None:
    nodes = [node("s", "upstream", lane="services"), node("d", "downstream"), node("m"), node("u", "upstream")]
    for form in forms(draw(nodes, [])):
        assert [anchor.get("href") for anchor in anchors(form)] == ["/n/u/", "/n/m/", "/n/d/", "/n/s/"]


# Special chains


def test_an_empty_chain_says_so() -> None:
    for form in forms(draw([], [])):
        assert "没有环节" in words_of(form)
        assert form.get("role") == "img"


@pytest.mark.parametrize("lane", [None, "services"])
def test_a_single_node_even_one_that_supplies_itself(lane: str | None) -> None:
    nodes = [node("a", lane=lane)]
    check_layout(nodes, draw(nodes, []))
    assert len(lines_of(forms(draw(nodes, [link("a", "a")]))[0])) == 1


def test_cycles_across_and_inside_tiers_are_drawn() -> None:
    nodes = [node("u", "upstream"), *(node(f"m{index}") for index in range(16)), node("d", "downstream")]
    links = [link("u", "m0"), link("m0", "d"), link("d", "u")]
    links += [link(f"m{index}", f"m{(index + 1) % 16}") for index in range(16)]
    picture = draw(nodes, links)
    check_layout(nodes, picture)
    assert len(lines_of(forms(picture)[0])) == len(links)


def test_a_backward_line_gets_a_corridor_even_without_services() -> None:
    nodes = [node("u", "upstream"), node("d", "downstream")]
    with_it, without = lay_out(nodes, [link("d", "u")]), lay_out(nodes, [link("u", "d")])
    assert with_it.height > without.height
    level = max(float(y) for y in re.findall(r"L[\d.]+ ([\d.]+)", routes(with_it, [link("d", "u")])[0]))
    assert with_it.corridor[0] < level < with_it.corridor[1]


# What a box tells


def drawn(item: LaneNode) -> ElementTree.Element:
    return anchors(forms(draw([item], []))[0])[0]


def test_colour_border_and_shape_each_tell_the_status_alone() -> None:
    seen = []
    for status in ("strong", "weak", "missing"):
        anchor = drawn(node("a", status=status))
        box, mark = anchor.find(f"{SVG}rect[@class='box']"), anchor.find(f"{SVG}circle")
        assert box is not None
        assert mark is not None
        half = anchor.find(f"{SVG}path") is not None
        seen.append((box.get("fill"), box.get("stroke-dasharray"), (mark.get("fill") == "#ffffff", half)))
    for position in range(3):
        assert len({item[position] for item in seen}) == 3


def test_the_mark_of_the_single_company_is_not_drawn_on_a_missing_node() -> None:
    for status, expected in (("strong", True), ("weak", True), ("missing", False)):
        anchor = drawn(node("a", status=status, fragile=True))
        assert (anchor.find(f"{SVG}path[@class='single']") is not None) == expected
        assert ("单点" in (anchor.findtext(f"{SVG}title") or "")) == expected
    assert drawn(node("a")).find(f"{SVG}path[@class='single']") is None


@pytest.mark.parametrize(("action", "letter"), [("fill", "补"), ("strengthen", "强"), ("extend", "延")])
def test_action_score_and_projects_are_written(action: str, letter: str) -> None:
    for form in forms(draw([node("a", action=action, gap=62.44, coming=3)], [])):
        words = words_of(anchors(form)[0]).split()
        assert {letter, "62.4", "＋3"} <= set(words)
        assert anchors(form)[0].find(f"{SVG}rect[@stroke='#0b5cad']") is not None
    quiet = drawn(node("a"))
    assert words_of(quiet) == "环节a 12.5"
    assert quiet.find(f"{SVG}rect[@stroke='#0b5cad']") is None


def test_outputs_have_a_thick_border() -> None:
    width = {}
    for is_output in (True, False):
        box = drawn(node("a", is_output=is_output)).find(f"{SVG}rect[@class='box']")
        assert box is not None
        width[is_output] = float(box.get("stroke-width", ""))
    assert width[True] >= 2 * width[False]


def test_a_box_says_in_words_what_it_shows() -> None:
    item = node("a", name="芯片", status="weak", fragile=True, action="strengthen", gap=30.0, coming=2, is_output=True)
    title = "芯片：中游环节，薄弱，单点（只靠一家企业），应强链，缺口 30.0 分，2 个项目在来，终端产出"
    assert drawn(item).findtext(f"{SVG}title") == title
    assert drawn(item).get("aria-label") == title
    plain = node("b", "upstream", lane="services", status="missing", fragile=True, gap=1.0)
    assert drawn(plain).findtext(f"{SVG}title") == "环节b：配套服务环节，空白，缺口 1.0 分"


def test_the_picture_as_a_whole_is_named_and_described() -> None:
    nodes = [node("a", name="甲", status="missing"), node("b", name="乙", fragile=True)]
    for form in forms(draw(nodes, [link("a", "b", present=False)])):
        assert form.get("role") == "img"
        assert form.get("aria-label") == "产业链图：2 个环节，1 条供应关系"
        assert form.findtext(f"{SVG}desc") == "优势 1 个，薄弱 0 个，空白 1 个。空白：甲。单点：乙。"
        assert "2 个环节，空白 1" in words_of(form)


def test_the_tall_form_counts_needs_and_stays_legible() -> None:
    nodes = [node("a", "upstream"), node("b", "upstream"), node("c", "upstream"), node("d")]
    _, tall = forms(draw(nodes, [link("a", "d"), link("b", "d", present=False), link("a", "c")]))
    words = {anchor.get("href"): words_of(anchor) for anchor in anchors(tall)}
    assert "← 需要2项（缺1）" in words["/n/d/"]
    assert "← 需要1项" in words["/n/c/"]
    assert "缺" not in words["/n/c/"]
    assert "需要" not in words["/n/a/"]
    assert len({box_of(anchor)[1] for anchor in anchors(tall)[:2]}) == 1
    assert float(tall.get("viewBox", "").split()[2]) <= 340
    assert min(float(text.get("font-size", "")) for text in tall.iter(f"{SVG}text")) >= 11


# Names


@given(st.text("链与AIm（）、 8-", min_size=1, max_size=40), st.floats(5, 12))
def test_a_wrapped_name_fits_and_loses_nothing_but_what_the_ellipsis_stands_for(words: str, room: float) -> None:
    lines = wrap(words, room)
    assert len(lines) <= 2
    assert all(ems(line) <= room for line in lines)
    whole, shown = "".join(words.split()), "".join("".join(lines).split())
    assert shown == whole or (shown.endswith("…") and whole.startswith(shown[:-1]))


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ("黄金原料供应", ["黄金原料供应"]), ("珠宝玉石要素交易平台", ["珠宝玉石", "要素交易平台"]),
        ("健康产品注册与临床研究服务", ["健康产品注册与", "临床研究服务"]),
        ("区块链即服务（BaaS）", ["区块链即服务", "（BaaS）"]),
        ("地方金融组织（租赁、保理、担保、小贷）", ["地方金融组织", "（租赁、保理、…"]),
        ("Integrated circuit", ["Integrated", "circuit"]),
    ],
)
def test_names_break_where_the_words_part(words: str, lines: list[str]) -> None:
    assert wrap(words, 8.2) == lines


@given(chains(most=6))
def test_names_end_before_the_figures_begin(chain: tuple[list[LaneNode], list[LaneLink]]) -> None:
    nodes, links = chain
    for form in forms(draw(nodes, links)):
        for anchor in anchors(form):
            left, _, right, _ = box_of(anchor)
            figures = [right]
            for text in anchor.iter(f"{SVG}text"):
                if text.get("text-anchor") == "end" and text.get("fill") == "#0b5cad":
                    figures.append(float(text.get("x", "")) - ems(text.text or "") * float(text.get("font-size", "")))
            tag = anchor.find(f"{SVG}rect[@rx='3']")
            if tag is not None:
                figures.append(float(tag.get("x", "")))
            for text in anchor.iter(f"{SVG}text"):
                if text.get("font-weight") == "600":
                    end = float(text.get("x", "")) + ems(text.text or "") * float(text.get("font-size", ""))
                    assert left < end <= min(figures)


# Safety

NASTY = "<script>alert(1)</script>\"'&<b onload='x'>\x00\x0b"


def check_harmless(picture: str) -> None:
    """No element but ours, no script, no style that a strict Content-Security-Policy would refuse."""
    known = {"div", *(SVG + tag for tag in ("svg", "desc", "title", "g", "a", "rect", "circle", "path", "text"))}
    for element in ElementTree.fromstring(picture).iter():  # noqa: S314 - our own output
        assert element.tag in known, element.tag
        assert not [name for name in element.attrib if name == "style" or name.startswith("on")]


def nasty_chain() -> tuple[list[LaneNode], list[LaneLink]]:
    code = 'a"><script>1</script>'
    first = node(code, "upstream", name=NASTY, href='/n/?q="><script>')
    return [first, node("b", name="'><style>*{}</style>", coming=1)], [link(code, "b")]


def test_nothing_that_a_user_wrote_becomes_markup() -> None:
    picture = draw(*nasty_chain())
    assert not re.search(r"<script|<style|<b ", picture)
    check_harmless(picture)
    for form in forms(picture):
        titles = [anchor.findtext(f"{SVG}title") or "" for anchor in anchors(form)]
        assert titles[0].startswith("<script>alert(1)</script>\"'&<b onload='x'>：")
        assert anchors(form)[0].get("href") == '/n/?q="><script>'


def test_the_safety_check_sees_a_face_that_forgets_to_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup_module, "escape", lambda words: words)
    with pytest.raises((AssertionError, ElementTree.ParseError)):
        check_harmless(draw(*nasty_chain()))
    with pytest.raises(AssertionError):
        check_harmless("<div style='color: red'/>")


def test_the_picture_is_marked_safe_for_templates() -> None:
    picture = draw([node("a")], [])
    assert hasattr(picture, "__html__")
    assert picture.startswith('<div class="picture"><svg ')


# Same input, same bytes

PRINT = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.reports.test_lanes import large_chain
from chains.reports.lanes import draw
sys.stdout.buffer.write(draw(*large_chain()).encode())
"""


def test_the_same_chain_gives_the_same_bytes_in_any_process() -> None:
    root = str(Path(__file__).resolve().parents[2])
    printed = [
        subprocess.run(
            [sys.executable, "-c", PRINT, root], env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1] == draw(*large_chain()).encode()
