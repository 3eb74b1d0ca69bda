"""Jobs of this app, by name. Bodies are one call inward."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from chains.services.journey import place_and_report
from office import jobs


@jobs.register("chains.place_and_report", label="挂链与缺口报告", daily_at=dt.time(3, 0))
def nightly_reports(payload: Mapping[str, Any], now: dt.datetime) -> Mapping[str, Any]:
    placed, reports = place_and_report(as_of=now.date(), now=now)
    return {
        "placements": vars(placed), "reports": [str(result.report) for result in reports.reports if result.created],
        "failures": reports.failures,
    }
