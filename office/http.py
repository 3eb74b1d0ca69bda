"""The one way out: every outbound HTTP call of the program goes through GuardedClient.

What it refuses, it refuses before a byte leaves: hosts that are not listed, other schemes, user names in addresses,
private addresses behind public names (checked on the resolved address that is then dialled, so that a second answer of
the resolver cannot change the target), redirects, endless or oversized answers. Every error says what comes next.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import random
import socket
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

import httpcore
import httpx
import stamina

MAX_ATTEMPTS = 5
RETRY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_PIECE = 1024 * 1024
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class NextStep(StrEnum):
    RETRY = "重试"
    FIX_SETTINGS = "改设置"
    GIVE_UP = "放弃"


class OutboundError(Exception):
    """A call that brought no usable answer. `next_step` says what a person does now; str() is a Chinese sentence."""

    next_step = NextStep.GIVE_UP

    def __init__(self, message: str, *, next_step: NextStep | None = None) -> None:
        super().__init__(message)
        if next_step is not None:
            self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.args[0]}（下一步：{self.next_step}）"


class AddressRefused(OutboundError):
    """Law: only listed hosts, http(s), no user name, and no private address behind a public name."""

    next_step = NextStep.FIX_SETTINGS


class RedirectRefused(OutboundError):
    next_step = NextStep.FIX_SETTINGS


class AnswerRefused(OutboundError):
    """The other side refused the request (4xx): repeating it unchanged is useless."""

    next_step = NextStep.FIX_SETTINGS


class AnswerTooLarge(OutboundError):
    next_step = NextStep.GIVE_UP


class BudgetSpent(OutboundError):
    next_step = NextStep.GIVE_UP


class Unavailable(OutboundError):
    """Transport error, 429 or 5xx that outlived its retries."""

    next_step = NextStep.RETRY

    def __init__(self, message: str, *, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Policy:
    """`hosts`: exact names reached on the scheme's own port, or "name:port". `local`: "127.0.0.1:8123" style origins
    that may lie on this machine or network. Times in seconds, sizes in bytes, budgets for the client's whole life."""

    hosts: frozenset[str]
    local: frozenset[str] = frozenset()
    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    call_deadline: float = 60.0
    attempts: int = MAX_ATTEMPTS
    wait_initial: float = 0.5
    wait_max: float = 15.0
    longest_retry_after: float = 120.0
    max_bytes: int = 16 * 1024 * 1024
    max_total_bytes: int = 512 * 1024 * 1024
    max_calls: int = 2_000

    def __post_init__(self) -> None:
        if not 1 <= self.attempts <= MAX_ATTEMPTS:
            raise ValueError(f"attempts must be 1..{MAX_ATTEMPTS}")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Stream:
    """`pieces` come unpacked, each at most a megabyte; they may be read once, inside the with block."""

    status: int
    headers: Mapping[str, str]
    pieces: Iterator[bytes]


def check_url(url: str, policy: Policy) -> httpx.URL:
    """The parsed address where the policy allows it; raises AddressRefused."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise AddressRefused(f"地址不合法：{str(error)[:80]}") from None
    if parsed.scheme not in ("http", "https"):
        raise AddressRefused(f"只允许 http 与 https，现为 {parsed.scheme or '空'}")
    if parsed.userinfo:
        raise AddressRefused("地址里不能带用户名或口令")
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    origin = f"{parsed.host}:{port}"
    if origin in policy.local or origin in policy.hosts or (parsed.port is None and parsed.host in policy.hosts):
        return parsed
    raise AddressRefused(f"主机 {origin} 不在允许名单内，请由管理员加入名单")


def is_public(address: str) -> bool:
    """Whether an address literal lies on the open internet, looking through IPv6 forms that wrap an IPv4 address."""
    ip = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def retry_after_seconds(header: str | None, now: dt.datetime) -> float | None:
    """Seconds to wait by a Retry-After header (number or HTTP date), None where there is none that makes sense."""
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return max(0.0, (when - now).total_seconds())


Resolver = Callable[[str, int], Iterable[str]]


def resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class _Deadline:
    """One wall-clock end for a whole call, so that a slow drip cannot renew its read timeout for ever."""

    def __init__(self) -> None:
        self.end = float("inf")

    def cut(self, timeout: float | None) -> float:
        left = self.end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("deadline")
        return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.cut(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.cut(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> _Stream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._deadline.cut(timeout)), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Dials only the address that it has checked itself."""

    def __init__(self, policy: Policy, resolver: Resolver, deadline: _Deadline) -> None:
        self._policy, self._resolver, self._deadline = policy, resolver, deadline
        self._dialler = httpcore.SyncBackend()

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
                    socket_options: Any = None) -> httpcore.NetworkStream:
        try:
            addresses = list(self._resolver(host, port))
        except OSError as error:
            raise httpcore.ConnectError(f"{host}: {error}") from error
        if f"{host}:{port}" not in self._policy.local:
            private = [address for address in addresses if not is_public(address)]
            if private:
                raise AddressRefused(f"{host} 解析到内网或本机地址 {private[0]}，已拒绝连接")
        if not addresses:
            raise httpcore.ConnectError(f"{host}: no address")
        cut = self._deadline.cut(timeout)
        inner = self._dialler.connect_tcp(addresses[0], port, cut, local_address, socket_options)
        return _Stream(inner, self._deadline)


class _Transport(httpx.HTTPTransport):
    def __init__(self, backend: _Backend) -> None:
        super().__init__(trust_env=False, retries=0)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False), max_connections=4, retries=0,
            network_backend=backend,
        )


@dataclass(slots=True)
class GuardedClient:
    """One per job. Not shared between threads. Use as a context manager."""

    policy: Policy
    resolver: Resolver = resolve
    calls: int = field(default=0, init=False)
    received: int = field(default=0, init=False)
    _deadline: _Deadline = field(default_factory=_Deadline, init=False, repr=False)
    _client: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._client = httpx.Client(
            transport=_Transport(_Backend(self.policy, self.resolver, self._deadline)), follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(self.policy.read_timeout, connect=self.policy.connect_timeout),
        )

    def __enter__(self) -> GuardedClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, url: str, *, params: Mapping[str, Any] | None = None,
            headers: Mapping[str, str] | None = None, check: Callable[[Answer], None] | None = None) -> Answer:
        return self.request("GET", url, params=params, headers=headers, check=check)

    def request(self, method: str, url: str, *, params: Mapping[str, Any] | None = None,
                headers: Mapping[str, str] | None = None, body: bytes | None = None,
                check: Callable[[Answer], None] | None = None, accept: Collection[int] = ()) -> Answer:
        """One answer with status 2xx, after at most `attempts` tries; otherwise an OutboundError.

        `check` may look at the answer inside the same tries and raise Unavailable to have it fetched again. `accept` lists
        error statuses (4xx, 5xx) that this one call wants handed back: some sources say with them what is no error.
        """
        target = self._target(url, params, accept)
        sent = {"Accept-Encoding": "gzip, identity", **(headers or {})}
        for attempt in stamina.retry_context(
            on=self._backoff, attempts=self.policy.attempts, timeout=None, wait_initial=self.policy.wait_initial,
            wait_max=self.policy.wait_max, wait_jitter=self.policy.wait_initial,
        ):
            with attempt:
                with self._open(method, target, sent, body, accept, self.policy.call_deadline) as response:
                    answer = Answer(response.status_code, dict(response.headers), self._read(response))
                if check is not None:
                    check(answer)
                return answer
        raise AssertionError("unreachable")  # pragma: no cover

    def _backoff(self, error: Exception) -> bool | float:
        if not isinstance(error, Unavailable):
            return False
        if error.wait is None:
            return True
        if error.wait > self.policy.longest_retry_after:
            return False
        # A herd that was told the same second should not come back in the same second.
        return error.wait + random.uniform(0, self.policy.wait_initial)  # noqa: S311  (spreads load, hides nothing)

    @contextmanager
    def stream(self, method: str, url: str, *, params: Mapping[str, Any] | None = None,
               headers: Mapping[str, str] | None = None, body: bytes | None = None, accept: Collection[int] = (),
               deadline: float | None = None) -> Iterator[Stream]:
        """An answer to be read piece by piece, for what is too large or too long to hold. The same guards hold; it is not
        tried again, because only the caller knows from where. `deadline` replaces the policy's for the whole call."""
        target = self._target(url, params, accept)
        sent = {"Accept-Encoding": "gzip, identity", **(headers or {})}
        with self._open(method, target, sent, body, accept, deadline or self.policy.call_deadline) as response:
            yield Stream(response.status_code, dict(response.headers), self._pieces(response))

    def _target(self, url: str, params: Mapping[str, Any] | None, accept: Collection[int]) -> httpx.URL:
        if any(not 400 <= status <= 599 for status in accept):  # noqa: PLR2004  (a redirect is never handed back)
            raise ValueError("accept lists error statuses only")
        target = check_url(url, self.policy)
        return target.copy_merge_params(dict(params)) if params else target

    @contextmanager
    def _open(self, method: str, url: httpx.URL, headers: Mapping[str, str], body: bytes | None, accept: Collection[int],
              deadline: float) -> Iterator[httpx.Response]:
        if self.calls >= self.policy.max_calls:
            raise BudgetSpent(f"本次任务的调用次数已用完（{self.policy.max_calls} 次）")
        self.calls += 1
        self._deadline.end = time.monotonic() + deadline
        try:
            with self._client.stream(method, url, headers=dict(headers), content=body) as response:
                if response.status_code not in accept:
                    self._refuse_status(response)
                yield response
        except (httpx.TransportError, zlib.error) as error:
            raise Unavailable(f"{url.host} 连接失败：{type(error).__name__}") from error

    def _refuse_status(self, response: httpx.Response) -> None:
        status, host = response.status_code, response.url.host
        if 300 <= status < 400:  # noqa: PLR2004
            raise RedirectRefused(f"{host} 要求转到别处（{status}），已拒绝；请把最终地址写进设置")
        if status in RETRY_STATUSES or status >= 500:  # noqa: PLR2004
            wait = retry_after_seconds(response.headers.get("retry-after"), dt.datetime.now(dt.UTC))
            raise Unavailable(f"{host} 暂时不可用（{status}）", wait=wait)
        if status >= 400:  # noqa: PLR2004
            raise AnswerRefused(f"{host} 拒绝了请求（{status}）")

    def _read(self, response: httpx.Response) -> bytes:
        kept = bytearray()
        for piece in self._pieces(response, room=lambda: self.policy.max_bytes - len(kept) + 1):
            kept.extend(piece)
            if len(kept) > self.policy.max_bytes:
                raise AnswerTooLarge(f"{response.url.host} 的响应超过 {self.policy.max_bytes} 字节")
        return bytes(kept)

    def _pieces(self, response: httpx.Response, room: Callable[[], int] = lambda: _PIECE) -> Iterator[bytes]:
        """The body unpacked, in pieces of at most `room`; what comes over the wire is counted against the budget."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", ""):
            raise AnswerRefused(f"{response.url.host} 用了未约定的压缩方式 {encoding[:20]}")
        inflate = zlib.decompressobj(16 + zlib.MAX_WBITS) if encoding == "gzip" else None
        for chunk in response.iter_raw():
            self._count(len(chunk))
            if inflate is None:
                yield chunk
                continue
            while chunk:
                yield inflate.decompress(chunk, room())
                chunk = inflate.unconsumed_tail
        if inflate is not None and not inflate.eof:
            raise Unavailable(f"{response.url.host} 的压缩响应不完整")

    def _count(self, size: int) -> None:
        self.received += size
        if self.received > self.policy.max_total_bytes:
            raise BudgetSpent(f"本次任务的流量已用完（{self.policy.max_total_bytes} 字节）")
