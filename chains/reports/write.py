"""Reports as files: the chain file that went in, the analysis that came out, and the table for a spreadsheet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chains.reports.build import ACTION_WORDS, CONTRIBUTION_WORDS, STATUS_WORDS, TIER_WORDS
from chains.services.make_report import ReportResult

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
HEADER = [
    "名次", "环节", "层级", "状态", "单点", "强/补/延", "判定", "分值", *CONTRIBUTION_WORDS.values(), "计入在途后分值",
    "区间10%", "区间90%", "在谈/签约项目", "候选企业", "载体", "专人", "下一步",
]


def write_reports(results: Iterable[ReportResult], *, folder: Path) -> list[Path]:
    """Write `<code>.chain.json`, `<code>.analysis.json` and `<code>.csv` for each report; returns the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for result in results:
        report = result.report
        code = report.chain.code
        written.append(_write_json(folder / f"{code}.chain.json", report.input_document))
        written.append(_write_json(folder / f"{code}.analysis.json", report.analysis))
        path = folder / f"{code}.csv"
        with path.open("w", encoding="utf-8-sig", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(HEADER)
            writer.writerows(_cells(row) for row in report.rows.all())
        written.append(path)
    return written


def _write_json(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def _cells(row: Any) -> list[Any]:
    cells = [
        row.rank, row.name, TIER_WORDS[row.tier], STATUS_WORDS[row.status], "是" if row.fragile else "",
        ACTION_WORDS[row.action], row.action_clause, row.gap, *(row.contributions[name] for name in CONTRIBUTION_WORDS),
        row.gap_with_pipeline, row.interval["p10"], row.interval["p90"],
        "；".join(f"{item['name']}（{item['stage']}，{item['officer']}）" for item in row.projects),
        "；".join(f"{item['name']}（{item['district']}，{item['probability']:.0%}）" for item in row.candidates),
        "；".join(item["name"] for item in row.carriers), "、".join(row.people), row.next_step,
    ]
    return [_plain(cell) for cell in cells]


def _plain(cell: Any) -> Any:
    """A spreadsheet must never take a company's name for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
