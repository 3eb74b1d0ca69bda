"""The one-screen summary of the main job."""

from __future__ import annotations

import unicodedata
from typing import Any

from chains.reports.build import ACTION_WORDS
from chains.services.journey import ReportsResult
from chains.services.make_report import ReportResult
from chains.services.place_companies import PlaceResult

WIDTH = 14


def summary(synced: Any, placed: PlaceResult, reports: ReportsResult) -> str:
    """Companies, placements, then a line a chain: completeness, resilience and the three widest gaps."""
    lines = []
    if synced is not None:
        counts = "，".join(f"{result} {count}" for result, count in synced.counts.items())
        lines.append(f"企业库同步：{counts}" if synced.ok else f"企业库同步未完成：{synced.reason}")
    lines.append(f"挂链：新增 {placed.new}，更新 {placed.updated}，不变 {placed.same}，撤回 {placed.withdrawn}")
    fresh = sum(result.created for result in reports.reports)
    lines.append(f"缺口报告：新生成 {fresh} 份，无变化 {len(reports.reports) - fresh} 份")
    lines.append("")
    lines.append(_pad("产业链") + "完整度   韧性    缺口最大的三个环节")
    lines += [_line(result) for result in reports.reports]
    lines += [f"{_pad(name)}未能生成：{reason}" for name, reason in reports.failures.items()]
    return "\n".join(lines)


def _line(result: ReportResult) -> str:
    report = result.report
    figures = report.analysis["chain"]["current"]
    widest = [row for row in report.rows.all() if row.action != "none"][:3]
    gaps = "；".join(f"{row.name} {row.gap:.1f}（{ACTION_WORDS[row.action]}）" for row in widest)
    return f"{_pad(report.chain.name)}{_share(figures['completeness'])}  {_share(figures['resilience'])}  {gaps or '无'}"


def _share(value: float | None) -> str:
    return f"{'—' if value is None else f'{value:.1%}':>6}"


def _pad(text: str) -> str:
    """Chinese letters are two columns wide on a terminal."""
    wide = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
    return text + " " * max(WIDTH - wide, 1)
