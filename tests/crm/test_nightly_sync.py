"""The nightly job: it syncs, it says why it did not, and without a source it does nothing."""

from __future__ import annotations

import datetime as dt

import pytest

from crm import job_kinds
from crm.services.sync_companies import SyncResult
from office import jobs

NOW = dt.datetime(2026, 11, 23, 2, 0, tzinfo=dt.UTC)


def test_the_job_is_planned_every_day() -> None:
    assert jobs.kinds()["crm.sync_companies"].daily_at == dt.time(2, 0)


def test_without_a_source_nothing_happens(settings) -> None:
    settings.ENTERPRISE_DB_URL = ""
    assert "skipped" in job_kinds.nightly_sync({}, NOW)


@pytest.mark.parametrize("status", ["done", "failed"])
def test_a_run_that_did_not_merge_is_tried_again(settings, monkeypatch, status: str) -> None:
    settings.ENTERPRISE_DB_URL = "http://127.0.0.1:9"
    asked: dict[str, object] = {}

    def answer(**words: object) -> SyncResult:
        asked.update(words)
        return SyncResult(1, status, "full", {"NEW": 3}, "对方没有应答", "重试")

    monkeypatch.setattr(job_kinds, "sync_companies", answer)
    monkeypatch.setattr(job_kinds, "connector_of", lambda code: code)
    if status == "done":
        assert job_kinds.nightly_sync({}, NOW) == {"counts": {"NEW": 3}}
    else:
        with pytest.raises(job_kinds.SyncNotDone, match="对方没有应答"):
            job_kinds.nightly_sync({}, NOW)
    assert asked["as_of"] == NOW.date()
