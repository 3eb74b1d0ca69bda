"""What a source can send instead of a page (SY-06) and how it can try to drown us (SY-07), at the reader."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import resource
from collections.abc import Callable
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from crm.sync.fetch import SourceBroken, SourceRefused
from crm.sync.fetch.budgets import Pace, policy_for
from crm.sync.records import parse_batch
from office.http import AnswerRefused, AnswerTooLarge, BudgetSpent, OutboundError, Unavailable
from tests.crm.scripted import NOW, Reply, Scripted, described, read_all, reader_on
from tests.office.peer import Peer, Script, reply

JSON = "application/json"
PAGED: dict[str, Any] = {
    "request": {"path": "/list"},
    "items": "rows",
    "total": "total",
    "mark": "seq",
    "paging": {"kind": "page", "number": "page", "size": "size", "per": 2},
}
STRICT = described(
    listing=PAGED,
    response={"ok_when": "body.code == `0`", "message": "body.message"},
    limits={"attempts": 5, "backoff_seconds": 0.001, "longest_wait_seconds": 1},
)


def good(rows: Any, /, **more: Any) -> bytes:
    return json.dumps({"code": 0, "rows": rows, "total": len(rows), "seq": 9} | more).encode()


def reset(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.close()


def cut_off(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", JSON)
    handler.send_header("Content-Length", "900")
    handler.end_headers()
    handler.wfile.write(b'{"code": 0')


FAULTS: dict[str, Script] = {
    "429 with seconds": reply(429, Retry_After="0"),
    "429 with a date": reply(429, Retry_After=format_datetime(NOW, usegmt=True)),
    "500": reply(500),
    "502": reply(502),
    "reset": reset,
    "cut off": cut_off,
    "truncated JSON": reply(body=b'{"code": 0, "rows": [{"id": "1"', Content_Type=JSON),
    "invalid UTF-8": reply(body=b'{"code": 0, "message": "\xff", "rows": []}', Content_Type=JSON),
    "GBK": reply(body='{"message": "企业", "rows": []}'.encode("gbk"), Content_Type=JSON),
    "HTML with 200": reply(body=b"<html>", Content_Type="text/html"),
    "wrong content type": reply(body=good([]), Content_Type="application/octet-stream"),
    "empty body": reply(body=b"", Content_Type=JSON),
    "NaN": reply(body=b'{"code": NaN, "rows": []}', Content_Type=JSON),
    "deep JSON": reply(body=b"[" * 100_000, Content_Type=JSON),
    "duplicate keys": reply(body=b'{"code": 0, "code": 1, "rows": []}', Content_Type=JSON),
    "a huge number": reply(body=b'{"code": ' + b"9" * 5_000 + b', "rows": []}', Content_Type=JSON),
    "two lists": reply(body=b'{"code": 0, "rows": [], "rows": [], "total": 0, "seq": 1}', Content_Type=JSON),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_passing_fault_is_ridden_out_and_a_lasting_one_ends_with_a_reason(
    peer: Callable[..., Peer], fault: Script
) -> None:
    fine = reply(body=good([{"id": "1"}]), Content_Type=JSON)
    well = peer(fault, fine)
    assert [batch.keys for batch in read_all(reader_on(STRICT, f"http://{well.origin}"))] == [
        ["1"]
    ]  # canary: the page is good
    ill = peer(fault)
    with pytest.raises(Unavailable, match="下一步：重试"):
        read_all(reader_on(STRICT, f"http://{ill.origin}"))
    assert ill.seen == 5


def test_a_slow_drip_ends_at_the_deadline(peer: Callable[..., Peer]) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        cut_off(handler)
        handler.wfile.flush()
        handler.connection.settimeout(5)
        with contextlib.suppress(OSError):
            handler.connection.recv(1)  # keeps the connection open, says nothing more

    server = peer(drip)
    with pytest.raises(Unavailable):
        read_all(reader_on(STRICT, f"http://{server.origin}", call_deadline=0.1, attempts=1))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b'{"id": "1", "name": "a", "name": "b"}', "重复的键"),
        (b'{"id": "1", "n": 1e999}', "过大"),
        (b'{"id": "1", "name": "\\ud800", "state": "x"}', "控制字符"),
        (b'{"id": "1", "a" :1, "a" :2}', "重复的键"),
    ],
)
def test_a_record_with_two_meanings_is_rejected_alone(peer: Callable[..., Peer], row: bytes, reason: str) -> None:
    body = b'{"code": 0, "total": 1, "seq": 9, "rows": [' + row + b"]}"
    [batch] = read_all(reader_on(STRICT, f"http://{peer(reply(body=body, Content_Type=JSON)).origin}"))
    parsed = parse_batch(batch.keys, batch.raws, batch.ops, batch.seqs, STRICT)
    assert parsed.rows == []
    assert reason in repr(parsed.rejects[0].errors)


@pytest.mark.parametrize("code", [7, "0", False])
def test_success_is_a_predicate_on_the_body(peer: Callable[..., Peer], code: Any) -> None:
    server = peer(reply(body=good([], code=code), Content_Type=JSON))
    with pytest.raises(SourceRefused, match="重试"):
        read_all(reader_on(STRICT, f"http://{server.origin}"))
    assert server.seen == 1


@pytest.mark.parametrize(
    "more", [{"rows": None}, {"rows": {}}, {"total": "x"}, {"seq": -1}, {"total": True}, {"seq": None}]
)
def test_a_page_without_its_parts_is_broken(peer: Callable[..., Peer], more: dict[str, Any]) -> None:
    server = peer(reply(body=good([], **more), Content_Type=JSON))
    with pytest.raises(SourceBroken):
        read_all(reader_on(STRICT, f"http://{server.origin}"))


def test_the_same_page_for_ever_is_noticed_on_the_second(peer: Callable[..., Peer]) -> None:
    server = peer(reply(body=good([{"id": "1"}, {"id": "2"}], total=10**6), Content_Type=JSON))
    with pytest.raises(SourceBroken, match="第 2 页与上一页完全相同"):
        read_all(reader_on(STRICT, f"http://{server.origin}"))
    assert server.seen == 2


def test_pages_without_end_stop_at_the_page_limit(source: Callable[..., Scripted]) -> None:
    counter = itertools.count()
    endless = source(lambda _: Reply(good([{"id": str(next(counter))}, {"id": str(next(counter))}], total=10**9)))
    connector = described(listing=PAGED | {"paging": PAGED["paging"] | {"most": 25}})
    with pytest.raises(SourceBroken, match="25 页"):
        read_all(reader_on(connector, endless.url))
    assert len(endless.asked) == 25


def test_pages_without_end_stop_at_the_budgets(source: Callable[..., Scripted]) -> None:
    counter = itertools.count()
    endless = source(lambda _: Reply(good([{"id": str(next(counter))}, {"id": str(next(counter))}], total=10**9)))
    with pytest.raises(BudgetSpent, match="调用次数"):
        read_all(reader_on(STRICT, endless.url, max_calls=7))
    with pytest.raises(BudgetSpent, match="流量"):
        read_all(reader_on(STRICT, endless.url, max_total_bytes=2_000))


def test_fewer_rows_than_the_total_says_is_a_fault(peer: Callable[..., Peer]) -> None:
    server = peer(reply(body=good([{"id": "1"}], total=4_000), Content_Type=JSON))
    with pytest.raises(SourceBroken, match="只给了 1 行"):
        read_all(reader_on(STRICT, f"http://{server.origin}"))


@pytest.mark.parametrize("stop", ["null", "same"])
def test_a_token_that_comes_again_is_noticed_on_the_second_page(source: Callable[..., Scripted], stop: str) -> None:
    counter = itertools.count()
    circle = source(
        lambda told: Reply(
            {"rows": [{"id": str(next(counter))}], "next": "b" if told.query.get("at") == "a" else "a"}
        )
    )
    paging = {"kind": "cursor", "param": "at", "path": "next", "stop": stop}
    with pytest.raises(SourceBroken, match="重复给出"):
        read_all(reader_on(described(listing={"items": "rows", "paging": paging}), circle.url))
    assert len(circle.asked) == 3


def test_a_gzip_bomb_stops_at_the_size_of_a_page(peer: Callable[..., Peer]) -> None:
    bomb = gzip.compress(b"0" * 400_000_000, 9)
    server = peer(reply(body=bomb, Content_Type=JSON, Content_Encoding="gzip"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(AnswerTooLarge):
        read_all(reader_on(STRICT, f"http://{server.origin}"))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # kB
    assert server.seen == 1


def test_without_accept_an_error_status_stays_an_error(source: Callable[..., Scripted]) -> None:
    missing = source(lambda _: Reply({"rows": [], "note": "none"}, status=404))
    plain = {"items": "rows", "paging": {"kind": "none"}}
    with pytest.raises(AnswerRefused):
        read_all(reader_on(described(listing=plain), missing.url))
    told = described(listing=plain, response={"statuses": [404], "empty_when": "status == `404`"})
    assert [batch.keys for batch in read_all(reader_on(told, missing.url))] == []


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:1/x", "http://169.254.169.254/x", "file:///etc/passwd", "http://u@{host}/x"]
)
def test_a_next_link_cannot_lead_out(source: Callable[..., Scripted], target: str) -> None:
    """SE-04 holds for addresses that a source hands us too."""
    evil = source(lambda told: Reply({"rows": [{"id": "1"}], "next": target.replace("{host}", told.headers["host"])}))
    connector = described(listing={"items": "rows", "paging": {"kind": "next_link", "path": "next"}})
    with pytest.raises(OutboundError, match="改设置"):
        read_all(reader_on(connector, evil.url))
    assert len(evil.asked) == 1


def test_a_secret_is_not_carried_to_another_host_and_only_local_connectors_reach_this_machine() -> None:
    assert policy_for(STRICT, "http://127.0.0.1:99").local == {"127.0.0.1:99"}
    assert policy_for(STRICT, "https://db.example").local == frozenset()
    assert policy_for(described(local=False), "http://127.0.0.1:99").local == frozenset()
    assert policy_for(STRICT, "https://db.example").hosts == {"db.example:443"}


def test_the_daily_budget_counts_what_was_used_today() -> None:
    connector = described(limits={"calls_a_day": 100})
    assert policy_for(connector, "https://db.example", calls_today=70).max_calls == 30
    assert policy_for(connector, "https://db.example", calls_today=170).max_calls == 0


def test_calls_keep_their_pace() -> None:
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(4, clock=lambda: now[0], sleep=sleep)
    for _ in range(5):
        pace.wait()
    assert sum(slept) == pytest.approx(1.0)
    now[0] += 10
    pace.wait()
    assert sum(slept) == pytest.approx(1.0)
