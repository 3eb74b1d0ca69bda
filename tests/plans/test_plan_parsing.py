from __future__ import annotations

from decimal import Decimal

import pytest

from plans.parsing import (
    FigureError,
    kind_of,
    parent_of,
    parse_anchor,
    parse_comparator,
    parse_figure,
    parse_range,
    read_lines,
)


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        ("39.4", "39.4"), (" 3300 ", "3300"), ("1,600", "1600"), ("12%", "12"), ("１２．５％", "12.5"), ("0", "0"),
        ("2，375.28", "2375.28"), ("－3", "-3"),
    ],
)
def test_figures(text: str, figure: str) -> None:
    assert parse_figure(text) == Decimal(figure)


@pytest.mark.parametrize("text", ["", "--", "—", "——", " － ", "－－", "-"])
def test_a_dash_is_no_figure(text: str) -> None:
    assert parse_figure(text) is None


@pytest.mark.parametrize(
    "text",
    ["NaN", "ｎａｎ", "Infinity", "-inf", "1e5", "1_000", "12,34", "1,2345", "1.2.3", "三十", "+5", "1 2", "٣", "²",
     "5%%", ".5", "5.", "1-2", "99999999999", "0.00001"],
)
def test_what_is_not_a_figure_is_refused(text: str) -> None:
    """Decimal itself takes NaN, Infinity, 1e5, 1_000 and ٣: the canary below shows it."""
    with pytest.raises(FigureError, match=r"不是数值|超出范围"):
        parse_figure(text)


def test_canary_decimal_alone_would_take_them() -> None:
    assert Decimal("NaN").is_nan()
    assert Decimal("1_000") == 1000
    assert Decimal("٣") == 3


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("1-2", 1, 2), ("1 - 2", 1, 2), ("３－５", 3, 5), ("2~3", 2, 3), ("2—3", 2, 3), ("30%-45%", 30, 45),
        ("34", 34, None),
    ],
)
def test_ranges(text: str, low: int, high: int | None) -> None:
    assert parse_range(text) == (low, high)


@pytest.mark.parametrize("text", ["2-1", "2-2", "--", "", "1-", "-2-3", "1-2-3", "1-x"])
def test_bad_ranges_are_refused(text: str) -> None:
    with pytest.raises(FigureError):
        parse_range(text)


def test_comparators() -> None:
    assert [parse_comparator(text) for text in ("=", ">", ">=", "≥", "＞")] == ["=", ">", ">=", ">=", ">"]
    with pytest.raises(FigureError, match="不是比较符"):
        parse_comparator("约")


@pytest.mark.parametrize(
    ("text", "anchor", "parent", "kind"),
    [
        ("前言", "前言", "", "heading"),
        ("前言#2", "前言#2", "前言", "paragraph"),
        ("四", "四", "", "heading"),
        ("四（一）", "四(一)", "四", "heading"),
        ("四(一)2", "四(一)2", "四(一)", "heading"),
        ("四(一)2#1", "四(一)2#1", "四(一)2", "paragraph"),
        ("四（二）１专栏１", "四(二)1专栏1", "四(二)1", "box"),
        ("四(二)1专栏1#4", "四(二)1专栏1#4", "四(二)1专栏1", "paragraph"),
        ("二(三)表1", "二(三)表1", "二(三)", "table"),
        ("三(一)图1", "三(一)图1", "三(一)", "figure"),
    ],
)
def test_anchors(text: str, anchor: str, parent: str, kind: str) -> None:
    assert parse_anchor(text) == anchor
    assert parent_of(anchor) == parent
    assert kind_of(anchor) == kind


@pytest.mark.parametrize(
    "text",
    ["", "4(1)2", "四一", "四(一", "四十十", "四(一)2#0", "四(一)2#", "四(一)2 #x", "附录", "四(一)2#1#1", "四(一)0"],
)
def test_bad_anchors_are_refused(text: str) -> None:
    with pytest.raises(FigureError, match="不是条款号"):
        parse_anchor(text)


def test_lines_carry_the_number_an_editor_shows() -> None:
    data = "\ufeffa,b\n1,2\n\n3,4\n".encode()
    lines, faults = read_lines(data, file="x.csv", columns=("a", "b"))
    assert [(line.number, line.cells) for line in lines] == [(2, {"a": "1", "b": "2"}), (4, {"a": "3", "b": "4"})]
    assert faults == []


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"a,b\n1\n", "x.csv:2：应有 2 列，现有 1 列"),
        (b"a,c\n", "x.csv:1：表头应为 a,b，现为 a,c"),
        (b"", "x.csv:1：表头应为 a,b，现为 空"),
        ("a,b\n甲,乙\n".encode("gbk"), "x.csv:2：不是 UTF-8 编码"),
        (b'a,b\n"1,2\n', "x.csv:2：CSV 格式有误"),
    ],
)
def test_bad_files_name_the_place(data: bytes, place: str) -> None:
    _, faults = read_lines(data, file="x.csv", columns=("a", "b"))
    assert len(faults) == 1
    assert str(faults[0]).startswith(place)
