"""The main job from end to end: companies in, placed, reports out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from chains.models import Chain
from chains.services.make_report import ReportResult, make_report
from chains.services.place_companies import PlaceResult, place_companies


@dataclass
class ReportsResult:
    """One named result a chain: its report, or why there is none."""

    reports: list[ReportResult] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


def make_all_reports(*, as_of: dt.date, now: dt.datetime) -> ReportsResult:
    """Report on every chain; one that fails is named and does not stop the others."""
    result = ReportsResult()
    for chain in Chain.objects.select_related("clause", "contact"):
        try:
            result.reports.append(make_report(chain=chain, as_of=as_of, now=now))
        except (ValueError, LookupError) as error:
            result.failures[chain.name] = str(error)
    return result


def place_and_report(*, as_of: dt.date, now: dt.datetime) -> tuple[PlaceResult, ReportsResult]:
    return place_companies(as_of=as_of), make_all_reports(as_of=as_of, now=now)
