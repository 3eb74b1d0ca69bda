"""Jobs of this app, by name. Bodies are one call inward."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from office import jobs
from office.services.purge_signin import purge_signin


@jobs.register("office.purge_signin", label="清理登录记录", daily_at=dt.time(3, 30))
def nightly_purge(payload: Mapping[str, Any], now: dt.datetime) -> Mapping[str, Any]:
    return purge_signin(now=now)
