"""Text of the plan's tables → figures, anchors and rows. Pure: receives text, knows no models and opens no file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

NO_FIGURE = frozenset({"", "-", "--", "—", "——"})
PLACES = 4
LIMIT = Decimal(10) ** 10
COMPARATORS = {"=": "=", ">": ">", ">=": ">=", "≥": ">=", "<": "<", "<=": "<=", "≤": "<="}

_FIGURE = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?")
_RANGE = re.compile(r"(?P<low>[\d.,]+)%?[-–—~](?P<high>[\d.,]+)%?")
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_NUMERAL = "(?:[一二三四五六七八九]?十[一二三四五六七八九]?|[一二三四五六七八九])"
_ANCHOR = re.compile(
    rf"(?:前言|{_NUMERAL}(?:\({_NUMERAL}\)(?:[1-9][0-9]*)?)?(?:(?:专栏|表|图)[1-9][0-9]*)?)(?:#[1-9][0-9]*)?"
)
_SPECIAL = re.compile(r"(?P<parent>.+)(?P<kind>专栏|表|图)\d+")


class FigureError(ValueError):
    """The text is not a figure; the message says in Chinese what was expected."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong in one cell, or in a whole row where `column` is "". The header is line 1."""

    file: str
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        return f"{place} {self.column} 列：{self.reason}" if self.column else f"{place}：{self.reason}"


@dataclass(frozen=True)
class Line:
    """A data row with the line on which it ends in the file."""

    number: int
    cells: dict[str, str]


def plain(text: str) -> str:
    """Full-width digits, signs and brackets to ASCII, outer blanks off. No more than that: NFKC would read ² as 2."""
    return text.translate(_HALF_WIDTH).strip()


def parse_figure(text: str) -> Decimal | None:
    """The figure, without its per cent sign; None where the plan prints a dash or nothing.

    NaN, infinity, exponents and misplaced thousands separators raise FigureError: none of them is printed in a plan,
    and Decimal would take the first three.
    """
    digits = plain(text).removesuffix("%").strip()
    if digits in NO_FIGURE:
        return None
    if not _FIGURE.fullmatch(digits):
        raise FigureError(f"“{text}”不是数值，应为 39.4、1,600、12% 这样的数，没有数值写 --")
    figure = Decimal(digits.replace(",", ""))
    if abs(figure) >= LIMIT or figure != round(figure, PLACES):
        raise FigureError(f"“{text}”超出范围：整数部分最多 10 位，小数最多 {PLACES} 位，请检查单位")
    return figure


def parse_range(text: str) -> tuple[Decimal, Decimal | None]:
    """ "1-2" → (1, 2); a single figure → (figure, None). A range must rise."""
    match = _RANGE.fullmatch(plain(text).replace(" ", ""))
    if match is None:
        figure = parse_figure(text)
        if figure is None:
            raise FigureError(f"“{text}”没有数值，这里必须有")
        return figure, None
    low, high = parse_figure(match["low"]), parse_figure(match["high"])
    if low is None or high is None or low >= high:
        raise FigureError(f"“{text}”不是从小到大的区间，应写成 1-2")
    return low, high


def parse_comparator(text: str) -> str:
    try:
        return COMPARATORS[plain(text)]
    except KeyError:
        raise FigureError(f"“{text}”不是比较符，应为 {'、'.join(sorted(set(COMPARATORS.values())))} 之一") from None


def parse_anchor(text: str) -> str:
    """A clause's address: 四(一)2 a heading, 四(一)2#1 its first paragraph, 四(二)1专栏1 a box, 二(三)表1 a table."""
    anchor = plain(text)
    if not _ANCHOR.fullmatch(anchor):
        raise FigureError(f"“{text}”不是条款号，应写成 四(一)2、四(一)2#1、四(二)1专栏1 或 二(三)表1")
    return anchor


def parent_of(anchor: str) -> str:
    """The anchor one level up, "" for a chapter."""
    if "#" in anchor:
        return anchor.rpartition("#")[0]
    if match := _SPECIAL.fullmatch(anchor):
        return match["parent"]
    if anchor[-1].isdigit():
        return anchor.rstrip("0123456789")
    return anchor.partition("(")[0] if "(" in anchor else ""


def kind_of(anchor: str) -> str:
    """paragraph, box, table, figure or heading."""
    if "#" in anchor:
        return "paragraph"
    match = _SPECIAL.fullmatch(anchor)
    return {"专栏": "box", "表": "table", "图": "figure"}[match["kind"]] if match else "heading"


def read_lines(data: bytes, *, file: str, columns: Sequence[str]) -> tuple[list[Line], list[Fault]]:
    """Rows of a UTF-8 CSV with exactly these columns. Rows of another width are faults; blank lines are skipped."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return [], [Fault(file, line, "", "不是 UTF-8 编码，请另存为 UTF-8 的 CSV 后重试")]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[Line] = []
    faults: list[Fault] = []
    try:
        header = next(reader, [])
        if header != list(columns):
            return [], [Fault(file, 1, "", f"表头应为 {','.join(columns)}，现为 {','.join(header) or '空'}")]
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                faults.append(Fault(file, reader.line_num, "", f"应有 {len(header)} 列，现有 {len(row)} 列"))
                continue
            lines.append(Line(reader.line_num, {name: cell.strip() for name, cell in zip(header, row, strict=True)}))
    except csv.Error as error:
        faults.append(Fault(file, reader.line_num, "", f"CSV 格式有误（{error}），请检查引号与分隔符"))
    return lines, faults
