"""Faults of a source through a whole run: it fails and says why; the target stays as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from crm.models import Company, Source, SyncIssue, SyncRun
from crm.sandbox.generate import make_world
from crm.services.sync_companies import SyncResult, sync_companies
from crm.sync.staging import open_staging, rows_of
from tests.crm.conftest import AS_OF, Sandbox
from tests.office.peer import Peer, Script, reply

JSON = "application/json; charset=utf-8"


def page(data: Any, code: Any = 0) -> Script:
    return reply(body=json.dumps({"code": code, "message": "说明", "data": data}).encode(), Content_Type=JSON)


def run(server: Peer, slot: str = "one") -> SyncResult:
    return sync_companies(source_code="sandbox", base_url=f"http://{server.origin}", slot=slot, as_of=AS_OF)


@pytest.mark.django_db(transaction=True)
def test_the_same_page_for_ever_is_noticed_on_the_second(peer: Callable[..., Peer]) -> None:
    items = list(make_world(3, 500).records.values())
    server = peer(page({"items": items, "total": 10**6, "seq": 500}))
    result = run(server)
    assert (result.status, result.next_step) == ("failed", "放弃")
    assert "第 2 页与上一页完全相同" in result.reason
    assert server.seen == 2
    assert not Company.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_fewer_rows_than_the_total_says_is_a_fault(peer: Callable[..., Peer]) -> None:
    items = list(make_world(3, 10).records.values())
    result = run(peer(page({"items": items, "total": 4_000, "seq": 10})))
    assert result.status == "failed"
    assert "只给了 10 行" in result.reason
    assert not Company.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_empty_source_is_no_fault(peer: Callable[..., Peer]) -> None:
    assert run(peer(page({"items": [], "total": 0, "seq": 0}))).counts["NEW"] == 0


@pytest.mark.django_db(transaction=True)
def test_a_fault_in_the_middle_leaves_the_target_and_the_cursor(start_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = start_sandbox(companies=1_200)
    plain, told = sandbox.api.companies, []

    def companies(query: dict[str, str]) -> dict[str, Any]:
        told.append(query["page"])
        return plain(query) | ({"items": None} if query["page"] == "3" and told.count("3") == 1 else {})

    sandbox.api.companies = companies  # type: ignore[method-assign]
    result = sandbox.sync("one")
    assert result.status == "failed"
    assert (Company.objects.count(), Source.objects.get().cursor) == (0, {})
    assert SyncRun.objects.get().finished_at is not None
    assert sandbox.sync("one").counts["NEW"] == 1_200


@pytest.mark.django_db(transaction=True)
def test_a_killed_listing_starts_again_when_the_source_has_moved(start_sandbox: Callable[..., Sandbox]) -> None:
    """A staged attempt from another state of the source is thrown away, not mixed with the new one."""
    sandbox = start_sandbox(companies=1_200)
    sandbox.sync("warm-up")
    source = Source.objects.get()
    left = SyncRun.objects.create(
        source=source, slot="two", mode="full",
        staged_cursor={"position": {"page": 2, "mark": 7}, "pages": 0, "fetched": 1_000, "staged": 1},
    )
    open_staging(left)
    with connection.cursor() as db:
        db.execute("INSERT INTO " + rows_of(left.pk) + " (n, key, seq, op) VALUES (0, 'SZ-ghost', 7, 'removed')")  # noqa: S608  (a constant)
    sandbox.world.advance(3)
    result = sandbox.sync("two", full=True)
    assert result.ok
    assert (result.counts["fetched"], result.counts["removed"]) == (len(sandbox.keys()), 0)
    assert not SyncIssue.objects.filter(source_key="SZ-ghost").exists()
