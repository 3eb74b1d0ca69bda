"""What a source can send instead of a page. Every fault ends in a failed run that says why; the target stays as it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from crm.models import Company, Source, SyncRun
from crm.sandbox.generate import make_world
from crm.services.sync_companies import SyncResult, sync_companies
from crm.sync.client import SourceBroken, SourceClient, SourceRefused, policy_for
from crm.sync.connector import load_connector
from office.http import GuardedClient, Unavailable
from tests.crm.conftest import AS_OF, Sandbox
from tests.office.peer import Peer, Script, reply

CONNECTOR = load_connector("sandbox")
JSON = "application/json; charset=utf-8"


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    made: list[Peer] = []

    def make(*scripts: Script) -> Peer:
        made.append(Peer(*scripts))
        return made[-1]

    yield make
    for one in made:
        one.server.shutdown()
        one.server.server_close()


def page(data: Any, code: Any = 0) -> Script:
    return reply(body=json.dumps({"code": code, "message": "说明", "data": data}).encode(), Content_Type=JSON)


def client_of(server: Peer) -> SourceClient:
    url = f"http://{server.origin}"
    policy = policy_for(CONNECTOR, url, wait_initial=0.001, wait_max=0.002)
    return SourceClient(CONNECTOR, GuardedClient(policy), url, "key")


BODIES = {
    "truncated": b'{"code": 0, "data": {"items": [',
    "not utf-8": b'{"code": 0, "message": "\xff"}',
    "gbk": '{"message": "企业"}'.encode("gbk"),
    "empty": b"",
    "nan": b'{"code": NaN}',
    "infinity": b'{"code": -Infinity}',
    "duplicate keys": b'{"code": 0, "code": 1}',
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "a huge number": b'{"code": ' + b"9" * 5_000 + b"}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_that_is_no_clean_object_is_fetched_again_and_then_given_up(
    peer: Callable[..., Peer], body: bytes
) -> None:
    server = peer(reply(body=body, Content_Type=JSON))
    with pytest.raises(Unavailable, match="重试"):
        client_of(server).listing(1)
    assert server.seen == 5


def test_html_with_status_200_is_no_page(peer: Callable[..., Peer]) -> None:
    server = peer(reply(body=b"<html>", Content_Type="text/html"))
    with pytest.raises(Unavailable, match="不是 JSON"):
        client_of(server).listing(1)


def test_a_bad_body_that_gets_well_is_taken(peer: Callable[..., Peer]) -> None:
    good = page({"items": [], "total": 0, "seq": 3})
    server = peer(reply(body=b"{", Content_Type=JSON), good)
    assert client_of(server).listing(1).watermark == 3


@pytest.mark.parametrize(("code", "step"), [(401, "改设置"), (30002, "改设置"), (7, "重试"), ("0", "重试"), (False, "重试")])
def test_success_is_a_predicate_on_the_body(peer: Callable[..., Peer], code: Any, step: str) -> None:
    server = peer(page({"items": [], "total": 0, "seq": 3}, code=code))
    with pytest.raises(SourceRefused, match=step):
        client_of(server).listing(1)
    assert server.seen == 1


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"items": None, "total": 1, "seq": 1},
        {"items": {}, "total": 1, "seq": 1},
        {"items": [], "total": "1", "seq": 1},
        {"items": [], "total": 1, "seq": -1},
        {"items": [], "total": True, "seq": 1},
        {"items": [], "total": 1},
    ],
)
def test_a_page_without_its_parts_is_broken(peer: Callable[..., Peer], data: Any) -> None:
    with pytest.raises(SourceBroken):
        client_of(peer(page(data))).listing(1)


@pytest.mark.parametrize("after", [5, 4, None])
def test_a_feed_that_does_not_move_is_broken(peer: Callable[..., Peer], after: Any) -> None:
    server = peer(page({"items": [{}], "next_since": after, "seq": 9}))
    with pytest.raises(SourceBroken):
        client_of(server).changes(5)


def test_only_a_connector_that_says_so_may_reach_this_machine() -> None:
    assert policy_for(CONNECTOR, "http://127.0.0.1:99").local == {"127.0.0.1:99"}
    assert policy_for(CONNECTOR, "https://db.example").local == frozenset()
    assert policy_for(CONNECTOR, "https://db.example").hosts == {"db.example:443"}


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
        source=source, slot="two", mode="full", staged_cursor={"watermark": 7, "page": 2, "rows": 1_000, "steady": True}
    )
    left.rows.create(seq=7, source_key="SZ-ghost", op="delete")
    sandbox.world.advance(3)
    result = sandbox.sync("two", full=True)
    assert result.ok
    assert not left.rows.filter(source_key="SZ-ghost").exists()
