"""Jobs of this app, by name. Bodies are one call inward."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from crm.services.match_names import nightly_duplicates
from crm.services.retire_contacts import retire_contacts
from crm.services.start_replay import KIND as REPLAY
from crm.services.start_replay import replay_in_batches
from crm.services.sync_companies import connector_of, sync_companies
from office import jobs


class SyncNotDone(RuntimeError):
    """The run ended without a merge; its reason is on the run's page. The job is tried again."""


@jobs.register("crm.sync_companies", label="企业库同步", daily_at=dt.time(2, 0))
def nightly_sync(payload: Mapping[str, Any], now: dt.datetime) -> Mapping[str, Any]:
    """`payload`: source and full, where a person asked; the nightly slot has neither. A retry goes on in the same run."""
    code = str(payload.get("source") or settings.ENTERPRISE_DB_SOURCE)
    if code == settings.ENTERPRISE_DB_SOURCE and not settings.ENTERPRISE_DB_URL:
        return {"skipped": "未设 ENTERPRISE_DB_URL"}
    job = jobs.current()
    result = sync_companies(
        source_code=connector_of(code), base_url=settings.ENTERPRISE_DB_URL if code == settings.ENTERPRISE_DB_SOURCE else "",
        slot=f"job-{job.pk}" if job else f"{now:%Y-%m-%dT%H:%M:%S.%f}", as_of=now.date(), full=bool(payload.get("full")),
    )
    if not result.ok:
        raise SyncNotDone(f"{result.reason}（下一步：{result.next_step}）")
    return {"counts": result.counts}


@jobs.register("crm.retire_contacts", label="联系人到期清理", daily_at=dt.time(4, 0))
def nightly_retirement(payload: Mapping[str, Any], now: dt.datetime) -> Mapping[str, Any]:
    return vars(retire_contacts(now=now))


jobs.register("crm.find_duplicates", label="查找疑似同一企业", daily_at=dt.time(3, 30))(nightly_duplicates)


@jobs.register(REPLAY, label="重放隔离行")
def replay(payload: Mapping[str, Any], now: dt.datetime) -> Mapping[str, Any]:
    return {"counts": replay_in_batches(rows=payload["rows"], by=payload["by"], now=now)}
