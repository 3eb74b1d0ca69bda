"""Loads a plan's fixture folder. Run it as often as you like: what is there already is skipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from django.db import connection, models, transaction

from plans.models import Clause, ContextFigure, Indicator, Plan
from plans.parsing import Fault
from plans.records import COLUMNS, Bundle, Record, parse_bundle

_LOCK = 0x706C616E  # "plan": two loads at once would both find nothing there
M = TypeVar("M", bound=models.Model)


class Outcome(StrEnum):
    NEW = "NEW"
    UPDATE = "UPDATE"
    SKIP = "SKIP"
    INVALID = "INVALID"


@dataclass(frozen=True)
class RowResult:
    """`reason` is in Chinese: the fault of an INVALID row, the changed fields of an UPDATE."""

    file: str
    line: int
    key: str
    outcome: Outcome
    reason: str = ""

    def __str__(self) -> str:
        text = f"{self.outcome} {self.file}:{self.line} {self.key}".rstrip()
        return f"{text}：{self.reason}" if self.reason else text


@dataclass(frozen=True)
class LoadResult:
    """`applied` is False where any row is INVALID: then nothing was written and `held` good rows waited.

    `left_over` names what the database holds and the files no longer do. It stays: other pages may cite it.
    """

    rows: tuple[RowResult, ...]
    applied: bool
    held: int = 0
    left_over: tuple[str, ...] = ()

    def count(self, outcome: Outcome) -> int:
        return sum(row.outcome == outcome for row in self.rows)

    @property
    def invalid(self) -> tuple[RowResult, ...]:
        return tuple(row for row in self.rows if row.outcome == Outcome.INVALID)

    def __str__(self) -> str:
        if not self.applied:
            return f"规划未载入：{len(self.invalid)} 处有误，{self.held} 行暂缓。请按文件与行号改正后重试。"
        counts = "，".join(f"{outcome} {self.count(outcome)}" for outcome in Outcome if outcome != Outcome.INVALID)
        extra = f"；库中另有 {len(self.left_over)} 项已不在文件内" if self.left_over else ""
        return f"规划已载入：{counts}{extra}"


def load_plan(*, folder: Path) -> LoadResult:
    """Load plan, clauses, indicators and context figures from `folder`, all or nothing."""
    bundle, faults = parse_bundle(_read_files(folder))
    if faults:
        bad = {(fault.file, fault.line) for fault in faults}
        held = sum((record.source.file, record.source.line) not in bad for record in bundle.records)
        return LoadResult(tuple(map(_invalid, faults)), applied=False, held=held)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        return _write(bundle)


def _read_files(folder: Path) -> dict[str, bytes]:
    return {file: (folder / file).read_bytes() for file in COLUMNS if (folder / file).is_file()}


def _invalid(fault: Fault) -> RowResult:
    reason = f"{fault.column} 列：{fault.reason}" if fault.column else fault.reason
    return RowResult(fault.file, fault.line, "", Outcome.INVALID, reason)


def _write(bundle: Bundle) -> LoadResult:
    merge = _Merge()
    merge.rows(Plan, Plan.objects.filter(code=bundle.plan[0].values["code"]), bundle.plan, key="code")
    plan = Plan.objects.get(code=bundle.plan[0].values["code"])
    merge.rows(Clause, plan.clauses.all(), bundle.clauses, key="anchor", plan=plan)
    clauses = {clause.anchor: clause for clause in plan.clauses.all()}
    _link_parents(bundle.clauses, clauses)
    merge.rows(Indicator, plan.indicators.all(), bundle.indicators, key="code", clauses=clauses, plan=plan)
    merge.rows(ContextFigure, plan.context_figures.all(), bundle.context, key="key", clauses=clauses, plan=plan)
    return LoadResult(tuple(merge.results), applied=True, left_over=tuple(merge.left_over))


def _link_parents(records: Iterable[Record], clauses: Mapping[str, Clause]) -> None:
    """After all clauses exist: a bulk insert cannot refer to rows of its own."""
    moved = []
    for record in records:
        clause = clauses[str(record.values["anchor"])]
        parent = clauses[record.parent] if record.parent else None
        if clause.parent_id != (parent.pk if parent else None):
            clause.parent = parent
            moved.append(clause)
    Clause.objects.bulk_update(moved, ["parent"])


class _Merge:
    """Compares records with stored rows by key and writes only what differs, in one insert and one update a model."""

    def __init__(self) -> None:
        self.results: list[RowResult] = []
        self.left_over: list[str] = []

    def rows(
        self, model: type[M], stored: models.QuerySet[M], records: list[Record], *, key: str,
        clauses: Mapping[str, Clause] | None = None, **common: Any,
    ) -> None:
        found = {getattr(row, key): row for row in stored}
        new: list[M] = []
        changed: list[M] = []
        fields: set[str] = set()
        for record in records:
            wanted = dict(record.values) | ({"clause_id": clauses[record.clause].pk} if clauses is not None else {})
            row = found.pop(record.values[key], None)
            if row is None:
                new.append(model(**wanted, **common))
                self._tell(record, Outcome.NEW)
                continue
            differing = sorted(name for name, value in wanted.items() if getattr(row, name) != value)
            if not differing:
                self._tell(record, Outcome.SKIP)
                continue
            for name in differing:
                setattr(row, name, wanted[name])
            changed.append(row)
            fields.update(differing)
            names = "、".join(str(model._meta.get_field(name).verbose_name) for name in differing)
            self._tell(record, Outcome.UPDATE, f"改动：{names}")
        model._default_manager.bulk_create(new)
        if changed:
            model._default_manager.bulk_update(changed, sorted(fields))
        self.left_over += [f"{model._meta.verbose_name} {name}" for name in found]

    def _tell(self, record: Record, outcome: Outcome, reason: str = "") -> None:
        source = record.source
        self.results.append(RowResult(source.file, source.line, source.key, outcome, reason))
