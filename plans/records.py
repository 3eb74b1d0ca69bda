"""The plan's files → checked records, or faults that name file, line and column. Pure: bytes in, plain data out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from plans.measures import Direction
from plans.parsing import (
    Fault,
    FigureError,
    Line,
    kind_of,
    parent_of,
    parse_anchor,
    parse_comparator,
    parse_figure,
    parse_range,
    read_lines,
)

PLAN, CLAUSES, CHAINS = "plan.csv", "clauses.csv", "chains.csv"
INDICATORS, DETAILS, TARGETS, CONTEXT = "indicators.csv", "indicator_details.csv", "chain_targets.csv", "context.csv"
COLUMNS: dict[str, tuple[str, ...]] = {
    PLAN: ("code", "name", "period_start", "period_end", "published", "issuer", "clause"),
    CLAUSES: ("anchor", "parent", "heading_path", "summary", "page"),
    CHAINS: ("code", "name", "group", "clause"),
    INDICATORS: ("category", "name", "unit", "baseline_2020", "target_2025"),
    DETAILS: ("name", "code", "direction", "share_of", "chain", "clause", "note"),
    TARGETS: (
        "code", "chain", "name", "unit", "comparator", "target_low", "target_high", "baseline", "direction", "year",
        "clause", "note",
    ),
    CONTEXT: ("key", "name", "comparator", "value", "unit", "year", "clause", "note"),
}
T = TypeVar("T")
TABLE1_YEAR = 2025
PER_CENT_LIMIT = Decimal(100)


@dataclass(frozen=True)
class Source:
    """Where a record came from; `key` is what a reader knows the row by."""

    file: str
    line: int
    key: str


@dataclass(frozen=True)
class Record:
    """`values` are the model's fields by name; `clause` and `parent` are anchors that the loader turns into rows."""

    source: Source
    values: Mapping[str, object]
    clause: str = ""
    parent: str = ""


@dataclass
class Bundle:
    plan: list[Record] = field(default_factory=list)
    clauses: list[Record] = field(default_factory=list)
    indicators: list[Record] = field(default_factory=list)
    context: list[Record] = field(default_factory=list)

    @property
    def records(self) -> list[Record]:
        return [*self.plan, *self.clauses, *self.indicators, *self.context]


class Cells:
    """Typed access to one row; every bad cell becomes a fault, and reading goes on so that all of them are named."""

    def __init__(self, file: str, line: Line, faults: list[Fault]) -> None:
        self.file, self.line, self.faults = file, line, faults

    def fault(self, column: str, reason: str) -> None:
        self.faults.append(Fault(self.file, self.line.number, column, reason))

    def text(self, column: str, *, most: int, needed: bool = True) -> str:
        value = self.line.cells[column]
        if needed and not value:
            self.fault(column, "不能为空")
        if len(value) > most:
            self.fault(column, f"最多 {most} 个字，现有 {len(value)} 个")
        return value

    def read(self, column: str, parse: Callable[[str], T], fallback: T) -> T:
        try:
            return parse(self.line.cells[column])
        except FigureError as error:
            self.fault(column, str(error))
            return fallback

    def figure(self, column: str) -> Decimal | None:
        return self.read(column, parse_figure, None)

    def needed_figure(self, column: str) -> Decimal:
        faults = len(self.faults)
        value = self.figure(column)
        if value is None and len(self.faults) == faults:
            self.fault(column, "这里必须有数值")
        return value if value is not None else Decimal(0)

    def whole(self, column: str, *, low: int, high: int) -> int | None:
        value = self.figure(column)
        if value is None:
            return None
        if value != int(value) or not low <= value <= high:
            self.fault(column, f"应为 {low} 到 {high} 之间的整数")
            return None
        return int(value)

    def year(self, column: str) -> int | None:
        return self.whole(column, low=1979, high=2099)

    def choice(self, column: str, allowed: Collection[str], *, needed: bool = True) -> str:
        value = self.line.cells[column]
        if (needed or value) and value not in allowed:
            self.fault(column, f"“{value}”不在可选值内：{'、'.join(allowed)}")
        return value

    def anchor(self, column: str, known: Collection[str] | None) -> str:
        anchor = self.read(column, parse_anchor, "")
        if anchor and known is not None and anchor not in known:
            self.fault(column, f"条款 {anchor} 不在 {CLAUSES} 中，请先补条款或改正条款号")
        return anchor

    def source(self, key: str) -> Source:
        return Source(self.file, self.line.number, key)


def parse_bundle(files: Mapping[str, bytes]) -> tuple[Bundle, list[Fault]]:
    """Check every row of every file. The bundle may be used only where the list of faults is empty."""
    faults: list[Fault] = []
    rows: dict[str, list[Cells]] = {}
    for file, columns in COLUMNS.items():
        if file not in files:
            faults.append(Fault(file, 1, "", "缺少这个文件"))
            rows[file] = []
            continue
        lines, bad = read_lines(files[file], file=file, columns=columns)
        faults += bad
        rows[file] = [Cells(file, line, faults) for line in lines]
    clauses = [_clause(cells, number) for number, cells in enumerate(rows[CLAUSES], 1)]
    known = {str(record.values["anchor"]) for record in clauses}
    _check_parents(clauses, rows[CLAUSES])
    chains = {_chain(cells, known) for cells in rows[CHAINS]}
    after_table1 = len(rows[INDICATORS]) + 1
    bundle = Bundle(
        plan=[_plan(cells, known) for cells in rows[PLAN]],
        clauses=clauses,
        indicators=_indicators(rows[INDICATORS], rows[DETAILS], known, chains)
        + [_target(cells, number, known, chains) for number, cells in enumerate(rows[TARGETS], after_table1)],
        context=[_context(cells, number, known) for number, cells in enumerate(rows[CONTEXT], 1)],
    )
    if len(bundle.plan) != 1 and PLAN in files:
        faults.append(Fault(PLAN, 1, "", f"应恰有一行规划，现有 {len(bundle.plan)} 行"))
    faults += _repeated(bundle.clauses, "anchor") + _repeated(bundle.indicators, "code")
    faults += _repeated(bundle.context, "key")
    return bundle, sorted(faults, key=lambda fault: (fault.file, fault.line, fault.column))


def _plan(cells: Cells, known: Collection[str]) -> Record:
    start, end = cells.year("period_start"), cells.year("period_end")
    if start is None or end is None or start >= end:
        cells.fault("period_end", "起止年份应齐全，且目标年晚于起始年")
    published = cells.text("published", most=7)
    year, dash, month = published.partition("-")
    if not (len(year) == 4 and year.isdecimal() and dash and month in {f"{n:02}" for n in range(1, 13)}):  # noqa: PLR2004
        cells.fault("published", "应为年月，如 2022-02")
    cells.anchor("clause", known)
    values = {
        "code": cells.text("code", most=32), "name": cells.text("name", most=128), "period_start": start,
        "period_end": end, "published": published, "issuer": cells.text("issuer", most=64, needed=False),
    }
    return Record(cells.source(str(values["code"])), values)


def _clause(cells: Cells, order: int) -> Record:
    anchor = cells.anchor("anchor", None)
    values = {
        "anchor": anchor, "kind": kind_of(anchor) if anchor else "", "order": order,
        "heading_path": cells.text("heading_path", most=200), "summary": cells.text("summary", most=60),
        "page": cells.whole("page", low=1, high=9999),
    }
    parent = cells.line.cells["parent"]
    return Record(cells.source(anchor), values, parent=cells.anchor("parent", None) if parent else "")


def _check_parents(clauses: list[Record], rows: list[Cells]) -> None:
    """A parent stands above its children in the file and is the one that the anchor implies."""
    seen: set[str] = set()
    for record, cells in zip(clauses, rows, strict=True):
        anchor = str(record.values["anchor"])
        if anchor and record.parent != parent_of(anchor):
            cells.fault("parent", f"条款 {anchor} 的上级应为 {parent_of(anchor) or '空'}")
        elif record.parent and record.parent not in seen:
            cells.fault("parent", f"上级条款 {record.parent} 应排在 {anchor} 之前")
        seen.add(anchor)


def _chain(cells: Cells, known: Collection[str]) -> str:
    cells.text("name", most=32)
    cells.text("group", most=32)
    cells.anchor("clause", known)
    return cells.text("code", most=32)


def _indicators(
    rows: list[Cells], details: list[Cells], known: Collection[str], chains: Collection[str]
) -> list[Record]:
    """Table 1 as printed, joined by name to what the program adds to it."""
    by_name = {cells.line.cells["name"]: cells for cells in details}
    if len(by_name) < len(details):
        _fault_repeated_names(details)
    _fault_repeated_names(rows)
    names = {cells.line.cells["name"] for cells in rows}
    for cells in details:
        if cells.line.cells["name"] not in names:
            cells.fault("name", f"{INDICATORS} 中没有这个指标")
    records = []
    for order, cells in enumerate(rows, 1):
        extra = by_name.get(cells.line.cells["name"])
        if extra is None:
            cells.fault("name", f"{DETAILS} 中没有这个指标的方向与条款")
            continue
        records.append(_table1(cells, extra, order, known, chains))
    return records


def _table1(
    cells: Cells, extra: Cells, order: int, known: Collection[str], chains: Collection[str]
) -> Record:
    values = {
        "kind": "table1", "order": order, "category": cells.text("category", most=16),
        "name": cells.text("name", most=64), "unit": cells.text("unit", most=16),
        "baseline_2020": cells.figure("baseline_2020"), "target_2025": cells.needed_figure("target_2025"),
        "target_high": None, "comparator": "=", "target_year": TABLE1_YEAR,
        "code": extra.text("code", most=64), "share_of": extra.text("share_of", most=32, needed=False),
        "chain_code": extra.choice("chain", chains, needed=False), "note": extra.text("note", most=200, needed=False),
        "direction": extra.choice("direction", list(Direction)),
    }
    _check_figures(cells, "target_2025", "baseline_2020", values)
    return Record(cells.source(str(values["name"])), values, clause=extra.anchor("clause", known))


def _target(cells: Cells, order: int, known: Collection[str], chains: Collection[str]) -> Record:
    chain = cells.choice("chain", chains, needed=False)
    nothing: tuple[Decimal, Decimal | None] = (Decimal(0), None)
    low, high = cells.read("target_low", parse_range, nothing)
    if cells.line.cells["target_high"]:
        high = cells.figure("target_high")
    if high is not None and high <= low:
        cells.fault("target_high", f"上限 {high} 应大于下限 {low}")
    values = {
        "kind": "chain" if chain else "other", "order": order, "category": "", "chain_code": chain, "share_of": "",
        "code": cells.text("code", most=64), "name": cells.text("name", most=64), "unit": cells.text("unit", most=16),
        "comparator": cells.read("comparator", parse_comparator, "="), "target_2025": low, "target_high": high,
        "baseline_2020": cells.figure("baseline"), "target_year": cells.year("year"),
        "direction": cells.choice("direction", list(Direction)), "note": cells.text("note", most=200, needed=False),
    }
    if values["comparator"] not in ("=", ">", ">="):
        cells.fault("comparator", "目标只用 =、>、>=")
    _check_figures(cells, "target_low", "baseline", values)
    return Record(cells.source(str(values["name"])), values, clause=cells.anchor("clause", known))


def _check_figures(cells: Cells, target_column: str, baseline_column: str, values: Mapping[str, object]) -> None:
    """The laws that the database holds too, told here by column."""
    target, baseline = values["target_2025"], values["baseline_2020"]
    for column, figure in ((target_column, target), (baseline_column, baseline)):
        if isinstance(figure, Decimal) and (figure < 0 or (values["unit"] == "%" and figure > PER_CENT_LIMIT)):
            cells.fault(column, f"{figure} 不可能：百分比在 0 到 100 之间，其他数不小于 0")
    if not isinstance(target, Decimal):
        return
    below = isinstance(baseline, Decimal) and target < baseline
    if values["direction"] == Direction.FALL and not (below and values["comparator"] == "="):
        cells.fault(target_column, "方向为下降的指标，目标应低于 2020 年值，比较符为 =")
    if below and not values["note"]:
        cells.fault(target_column, "目标低于 2020 年值，须在说明（note）中写明原因")


def _context(cells: Cells, order: int, known: Collection[str]) -> Record:
    values = {
        "key": cells.text("key", most=64), "name": cells.text("name", most=64), "unit": cells.text("unit", most=16),
        "comparator": cells.choice("comparator", ["=", ">", "<"]), "value": cells.needed_figure("value"),
        "year": cells.year("year"), "note": cells.text("note", most=200, needed=False), "order": order,
    }
    return Record(cells.source(str(values["key"])), values, clause=cells.anchor("clause", known))


def _fault_repeated_names(rows: Iterable[Cells]) -> None:
    first: dict[str, int] = {}
    for cells in rows:
        name = cells.line.cells["name"]
        if name in first:
            cells.fault("name", f"与第 {first[name]} 行重复")
        first.setdefault(name, cells.line.number)


def _repeated(records: Iterable[Record], column: str) -> list[Fault]:
    first: dict[object, Source] = {}
    faults = []
    for record in records:
        value, source = record.values[column], record.source
        if value and value in first:
            earlier = f"{first[value].file}:{first[value].line}"
            faults.append(Fault(source.file, source.line, column, f"{value} 与 {earlier} 重复"))
        first.setdefault(value, source)
    return faults
