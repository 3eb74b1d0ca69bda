"""The guarded client against real sockets on loopback. Refusals are checked at the listener: it saw nothing."""

from __future__ import annotations

import datetime as dt
import gzip
import socket
import time
from collections.abc import Callable
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpcore
import httpx
import pytest

from office.http import (
    AddressRefused,
    Answer,
    AnswerRefused,
    AnswerTooLarge,
    BudgetSpent,
    GuardedClient,
    NextStep,
    Policy,
    RedirectRefused,
    Unavailable,
    _Backend,
    _Deadline,
    check_url,
    is_public,
    resolve,
    retry_after_seconds,
)
from tests.office.peer import Peer, Script, reply


def reset(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.close()


def truncated(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"half")


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    try:
        for _ in range(100):
            handler.wfile.write(b".")
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        pass


def quick(origin: str, **changes: Any) -> Policy:
    values: dict[str, Any] = {
        "hosts": frozenset(),
        "local": frozenset({origin}),
        "wait_initial": 0.001,
        "wait_max": 0.002,
    }
    return Policy(**(values | changes))


def test_a_listed_local_origin_answers(peer: Callable[..., Peer]) -> None:
    server = peer(reply(body=b'{"a":1}', Content_Type="application/json"))
    with GuardedClient(quick(server.origin)) as client:
        answer = client.get(server.url, params={"page": 1})
    assert (answer.status, answer.body) == (200, b'{"a":1}')
    assert client.received == 7


def test_gzip_is_unpacked(peer: Callable[..., Peer]) -> None:
    server = peer(reply(body=gzip.compress(b"hello" * 100), Content_Encoding="gzip"))
    with GuardedClient(quick(server.origin)) as client:
        assert client.get(server.url).body == b"hello" * 100


@pytest.mark.parametrize(
    "fault",
    [
        reply(500),
        reply(502),
        reply(429),
        reset,
        truncated,
        reply(body=b"not gzip", Content_Encoding="gzip"),
        reply(body=gzip.compress(b"x" * 9_000)[:-9], Content_Encoding="gzip"),
    ],
)
def test_a_passing_fault_is_retried(peer: Callable[..., Peer], fault: Script) -> None:
    server = peer(fault, fault, reply(body=b"ok"))
    with GuardedClient(quick(server.origin)) as client:
        assert client.get(server.url).body == b"ok"
    assert server.seen == 3


@pytest.mark.parametrize("fault", [reply(503), reset])
def test_a_lasting_fault_ends_after_five_tries_and_says_retry(peer: Callable[..., Peer], fault: Script) -> None:
    server = peer(fault)
    with GuardedClient(quick(server.origin)) as client, pytest.raises(Unavailable, match="下一步：重试") as caught:
        client.get(server.url)
    assert server.seen == 5
    assert caught.value.next_step is NextStep.RETRY


def test_more_than_five_tries_cannot_be_configured() -> None:
    with pytest.raises(ValueError, match="attempts"):
        Policy(hosts=frozenset(), attempts=6)


def test_retry_after_seconds_is_honoured(peer: Callable[..., Peer]) -> None:
    server = peer(reply(429, Retry_After="1"), reply(body=b"ok"))
    started = time.monotonic()
    with GuardedClient(quick(server.origin)) as client:
        client.get(server.url)
    assert time.monotonic() - started >= 1
    assert server.seen == 2


def test_a_retry_after_beyond_patience_ends_at_once(peer: Callable[..., Peer]) -> None:
    server = peer(reply(429, Retry_After="86400"))
    with GuardedClient(quick(server.origin)) as client, pytest.raises(Unavailable):
        client.get(server.url)
    assert server.seen == 1


def test_retry_after_in_both_forms() -> None:
    now = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)
    later = format_datetime(now + dt.timedelta(seconds=90), usegmt=True)
    assert retry_after_seconds("17", now) == 17
    assert retry_after_seconds(later, now) == 90
    assert retry_after_seconds(format_datetime(now - dt.timedelta(1), usegmt=True), now) == 0
    assert retry_after_seconds("Mon, 23 Nov 2026 08:00:05 -0000", now) == 5
    assert [retry_after_seconds(text, now) for text in (None, "", "soon", "-3", "１")] == [None] * 5


def test_the_waits_are_spread() -> None:
    client = GuardedClient(Policy(hosts=frozenset(), wait_initial=0.5))
    waits = {client._backoff(Unavailable("x", wait=3.0)) for _ in range(20)}
    assert len(waits) > 10
    assert all(3.0 <= float(wait) <= 3.5 for wait in waits)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_is_not_repeated(peer: Callable[..., Peer], status: int) -> None:
    server = peer(reply(status))
    with GuardedClient(quick(server.origin)) as client, pytest.raises(AnswerRefused, match="改设置"):
        client.get(server.url)
    assert server.seen == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(peer: Callable[..., Peer], status: int) -> None:
    target = peer(reply())
    server = peer(reply(status, Location=target.url))
    policy = quick(server.origin, local=frozenset({server.origin, target.origin}))
    with GuardedClient(policy) as client, pytest.raises(RedirectRefused):
        client.get(server.url)
    assert target.seen == 0


def test_the_answer_is_cut_at_its_size(peer: Callable[..., Peer]) -> None:
    server = peer(reply(body=b"x" * 5_001))
    with GuardedClient(quick(server.origin, max_bytes=5_000)) as client, pytest.raises(AnswerTooLarge, match="放弃"):
        client.get(server.url)


def test_a_gzip_bomb_is_cut_while_it_unpacks(peer: Callable[..., Peer]) -> None:
    server = peer(reply(body=gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip"))
    with GuardedClient(quick(server.origin, max_bytes=100_000)) as client, pytest.raises(AnswerTooLarge):
        client.get(server.url)
    assert server.seen == 1


def test_another_compression_is_refused(peer: Callable[..., Peer]) -> None:
    server = peer(reply(Content_Encoding="br"))
    with GuardedClient(quick(server.origin)) as client, pytest.raises(AnswerRefused, match="压缩方式"):
        client.get(server.url)


def test_a_slow_drip_ends_at_the_deadline(peer: Callable[..., Peer]) -> None:
    server = peer(drip)
    policy = quick(server.origin, call_deadline=0.3, attempts=1)
    with GuardedClient(policy) as client, pytest.raises(Unavailable, match="ReadTimeout"):
        client.get(server.url)


def test_budgets_of_calls_and_bytes(peer: Callable[..., Peer]) -> None:
    server = peer(reply(body=b"x" * 100))
    with GuardedClient(quick(server.origin, max_calls=2)) as client:
        client.get(server.url)
        client.get(server.url)
        with pytest.raises(BudgetSpent, match="调用次数"):
            client.get(server.url)
    assert server.seen == 2
    with GuardedClient(quick(server.origin, max_total_bytes=150)) as client:
        client.get(server.url)
        with pytest.raises(BudgetSpent, match="流量"):
            client.get(server.url)


def test_retries_count_against_the_budget(peer: Callable[..., Peer]) -> None:
    server = peer(reply(500))
    with GuardedClient(quick(server.origin, max_calls=3)) as client, pytest.raises(BudgetSpent):
        client.get(server.url)
    assert server.seen == 3


def test_a_check_inside_the_tries_may_ask_again(peer: Callable[..., Peer]) -> None:
    server = peer(reply(body=b"bad"), reply(body=b"good"))

    def check(answer: Answer) -> None:
        if answer.body == b"bad":
            raise Unavailable("坏内容")

    with GuardedClient(quick(server.origin)) as client:
        assert client.get(server.url, check=check).body == b"good"


# Server-side request forgery: the listener must see nothing.


@pytest.mark.parametrize(
    "template",
    [
        "http://localhost:{port}/",
        "http://0x7f.1:{port}/",
        "http://2130706433:{port}/",
        "http://0177.0.0.1:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://user@127.0.0.1:{port}/",
        "ftp://127.0.0.1:{port}/",
        "file:///etc/hosts",
        "gopher://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}",
        "//127.0.0.1:{port}/",
        "http://ok.example@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}\r\nX: y/",
        "http://ok.example:{port}/",
    ],
)
def test_addresses_that_are_not_listed_are_never_dialled(peer: Callable[..., Peer], template: str) -> None:
    server = peer(reply())
    with (
        GuardedClient(Policy(hosts=frozenset({"ok.example"}))) as client,
        pytest.raises(AddressRefused, match="改设置"),
    ):
        client.get(template.format(port=server.port))
    assert server.seen == 0


def test_a_listed_name_that_resolves_to_this_machine_is_not_dialled(peer: Callable[..., Peer]) -> None:
    server = peer(reply())
    policy = Policy(hosts=frozenset({f"db.example:{server.port}"}))
    with (
        GuardedClient(policy, resolver=lambda host, port: ["127.0.0.1"]) as client,
        pytest.raises(AddressRefused, match="内网"),
    ):
        client.get(f"http://db.example:{server.port}/")
    assert server.seen == 0


def test_a_resolver_that_changes_its_mind_cannot_move_the_target() -> None:
    """First answer public, every later one loopback: one look-up a connection; what was checked is what is dialled."""
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    dialled: list[str] = []

    class Recorder(httpcore.SyncBackend):
        def connect_tcp(self, host: str, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
            dialled.append(host)
            raise httpcore.ConnectError("recorded")

    backend = _Backend(Policy(hosts=frozenset({"db.example"})), lambda host, port: next(answers), _Deadline())
    backend._dialler = Recorder()
    with pytest.raises(httpcore.ConnectError):
        backend.connect_tcp("db.example", 80)
    with pytest.raises(AddressRefused):
        backend.connect_tcp("db.example", 80)
    assert dialled == ["8.8.8.8"]


def test_canary_without_the_address_check_the_listener_would_be_reached(peer: Callable[..., Peer]) -> None:
    server = peer(reply(body=b"inside"))
    name = f"db.example:{server.port}"
    with GuardedClient(
        Policy(hosts=frozenset({name}), local=frozenset({name})), resolver=lambda h, p: ["127.0.0.1"]
    ) as client:
        assert client.get(f"http://{name}/").body == b"inside"
    assert server.seen == 1


def test_a_name_without_address_is_unavailable() -> None:
    def broken(host: str, port: int) -> list[str]:
        raise socket.gaierror("no such host")

    for resolver in (broken, lambda host, port: []):
        policy = Policy(hosts=frozenset({"db.example"}), wait_initial=0.001, wait_max=0.001, attempts=2)
        with GuardedClient(policy, resolver=resolver) as client, pytest.raises(Unavailable, match="连接失败"):
            client.get("http://db.example/")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("255.255.255.255", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_listed_host_is_reached_on_its_scheme_port_only() -> None:
    policy = Policy(hosts=frozenset({"db.example"}))
    assert isinstance(check_url("https://DB.example/a", policy), httpx.URL)
    with pytest.raises(AddressRefused):
        check_url("https://db.example:8443/a", policy)


def test_the_resolver_gives_addresses() -> None:
    assert resolve("127.0.0.1", 80) == ["127.0.0.1"]
