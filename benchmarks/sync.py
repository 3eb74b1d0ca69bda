"""How near to raw COPY a sync comes: first load, re-scan, change feed, everything changed; peers beside it.

    python -m benchmarks.sync                    1,000,000 companies (a quarter of an hour, 4 GB of disk)
    python -m benchmarks.sync --rows 50000

In a database of its own, which is dropped afterwards (start `./run --servers-only` first). JSON pages lie rendered on disk
and come over loopback from a process of their own; a sync runs in a fresh process, whose peak memory is told. The peer of
every figure is COPY of the same rows, encoded beforehand, into a plain logged table without index. A sync must not win by
luck: the state of the register is checked against the source after each step.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benchmarks.scratch import scratch

PAGE = 5_000
PEER_ROWS = 4_000  # of the peers that take a millisecond a row
WORDS = [
    "软件开发", "电子元器件批发", "信息技术咨询服务", "集成电路设计", "物联网设备制造", "供应链管理服务", "新能源技术推广",
    "货物进出口",
]


def record(number: int, version: int = 0) -> dict[str, Any]:
    from crm.sandbox.generate import uscc_for

    rng = random.Random(number)
    place = rng.choice(["440303", "440304", "440305", "441900"])
    scope = "；".join(rng.choice(WORDS) for _ in range(34)) + f"（第{number}号）"
    return {
        "id": f"B{number:08d}", "creditCode": uscc_for(number), "name": f"深圳市{_brand(number)}科技有限公司",
        "shortName": _brand(number), "regStatus": "存续", "regCapital": f"{rng.randint(10, 9000)}万人民币",
        "establishDate": f"{rng.randint(1990, 2025)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}", "districtCode": place,
        "address": f"示例路{number % 997}号示例大厦{version}层", "industryCode": rng.choice(["6513", "3971", "5177", "7320"]),
        "businessScope": scope[:300], "annualRevenue": f"{rng.randint(1, 10**9)}.00", "revenueYear": 2025,
        "employees": rng.randint(1, 900) + version, "sample": True,
    }


def _brand(number: int) -> str:
    letters = "澜岚煦翀旻苓蝶葭皓淏郢荃嶷霁珩琰"
    return "".join(letters[number >> shift & 15] for shift in (0, 4, 8, 12, 16))


class Pages:
    """Rendered pages: page-<n>.json of the listing, changes-<n>.json of the feed."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.folder, self.rows = folder, rows

    def render(self, version: Callable[[int], int], seq: int) -> None:
        for first in range(0, self.rows, PAGE):
            items = [record(i, version(i)) for i in range(first, min(first + PAGE, self.rows))]
            self._write(f"page-{first // PAGE + 1}", {"total": self.rows, "seq": seq, "items": items})
        self._write(f"page-{-(-self.rows // PAGE) + 1}", {"total": self.rows, "seq": seq, "items": []})

    def render_changes(self, numbers: list[int], version: int, since: int) -> None:
        for start in range(0, len(numbers), PAGE):
            part = numbers[start : start + PAGE]
            items = [{"seq": since + start + i + 1, "op": "upsert", "id": record(n)["id"], "company": record(n, version)}
                     for i, n in enumerate(part)]
            self._write(f"changes-{since + start}", {
                "items": items, "next_since": since + start + len(part), "seq": since + len(numbers)})

    def _write(self, name: str, data: dict[str, Any]) -> None:
        body = json.dumps({"code": 0, "message": "ok", "data": data}, ensure_ascii=False)
        (self.folder / f"{name}.json").write_text(body, encoding="utf-8")


def serve(folder: str) -> None:
    """The source: a process of its own that hands out files."""
    root = Path(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            name = f"page-{query['page']}" if parts.path == "/v1/companies" else f"changes-{query['since']}"
            path = root / f"{name}.json"
            since = int(query.get("since", 0))
            empty = {"code": 0, "data": {"items": [], "next_since": since, "seq": since}}
            body = path.read_bytes() if path.exists() else json.dumps(empty).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


def sync(base_url: str, slot: str, connector: str, full: str, database: str) -> None:
    """One sync in this process; prints seconds, peak memory and counts."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    import datetime as dt

    import django
    from django.db import connection

    django.setup()
    connection.settings_dict["NAME"] = database
    from crm.services.sync_companies import sync_companies

    connection.ensure_connection()
    started = time.perf_counter()
    result = sync_companies(
        source_code=connector, base_url=base_url, slot=slot, as_of=dt.date(2026, 11, 24), full=full == "full"
    )
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "mb": peak, "counts": result.counts, "status": result.status, "why": result.reason}))


class Bench:
    def __init__(self, cursor: Any, rows: int, folder: Path) -> None:
        self.cursor, self.rows, self.pages = cursor, rows, Pages(folder, rows)
        self.folder = folder
        self.connector = folder / "bench.yaml"
        text = (Path(__file__).parent.parent / "crm/sync/connectors/sandbox.yaml").read_text(encoding="utf-8")
        text = text.replace("code: sandbox", "code: bench")
        text = text.replace("per: 500", f"per: {PAGE}").replace("overlap: 200", "overlap: 0")
        self.connector.write_text(text, encoding="utf-8")
        self.slot = 0

    def run(self, url: str, mode: str = "changes") -> dict[str, Any]:
        from django.db import connection

        self.slot += 1
        command = [sys.executable, "-m", "benchmarks.sync", "--sync", url, f"slot-{self.slot}", str(self.connector), mode,
                   connection.settings_dict["NAME"]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr[-3000:])
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        assert found["status"] == "done", found
        return found

    def raw_copy(self) -> float:
        """COPY of the rows as they stand in crm_company into a plain logged table; encoded beforehand."""
        dump = self.folder / "rows.copy"
        self.cursor.execute("SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'crm_company'"
                            "::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''")
        columns = self.cursor.fetchone()[0]
        with dump.open("wb") as out, self.cursor.copy(f"COPY crm_company ({columns}) TO STDOUT") as copy:
            for block in copy:
                out.write(block)
        plain = f"CREATE TABLE plain AS SELECT {columns} FROM crm_company WITH NO DATA"  # noqa: S608  (the catalogue's names)
        self.cursor.execute("DROP TABLE IF EXISTS plain; " + plain)
        started = time.perf_counter()
        with dump.open("rb") as lines, self.cursor.copy(f"COPY plain ({columns}) FROM STDIN") as copy:
            while block := lines.read(1 << 20):
                copy.write(block)
        seconds = time.perf_counter() - started
        self.cursor.execute("DROP TABLE plain")
        dump.unlink()
        return seconds

    def check(self, version: Callable[[int], int]) -> None:
        sample = random.Random(5).sample(range(self.rows), min(500, self.rows))
        keys = {record(n)["id"]: (record(n, version(n))["address"], record(n, version(n))["employees"]) for n in sample}
        self.cursor.execute("SELECT l.key, c.address, c.employees FROM crm_sourcelink l"
                            " JOIN crm_company c ON c.id = l.company_id"
                            " WHERE l.key = ANY(%s)", [list(keys)])
        assert {key: (address, employees) for key, address, employees in self.cursor.fetchall()} == keys


def source(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.sync", "--serve", str(folder)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"
    finally:
        child.terminate()
        child.wait()


def peers(bench: Bench, per_row: float) -> None:
    """What else writes the same rows: seconds a row, against the sync's when everything changed."""
    from django.db import transaction

    from crm.models import Company

    rows = list(Company.objects.order_by("id")[: min(PEER_ROWS * 10, bench.rows)])
    columns = [f.name for f in Company._meta.concrete_fields if not f.primary_key and f.name not in ("is_operating", "code")]

    def change() -> None:
        for row in rows:
            row.employees = (row.employees or 0) + 1
            row.address = row.address[:290] + "改"

    def bulk() -> None:
        Company.objects.bulk_create(rows, update_conflicts=True, unique_fields=["id"], update_fields=columns, batch_size=1_000)

    def one_by_one() -> None:
        for row in rows[:PEER_ROWS]:
            Company.objects.update_or_create(pk=row.pk, defaults={name: getattr(row, name) for name in columns})

    def import_export() -> None:
        import tablib
        from import_export import resources

        class CompanyResource(resources.ModelResource):
            class Meta:
                model = Company
                fields = ["id", *columns]
                use_bulk = False

        few = rows[:PEER_ROWS]
        data = tablib.Dataset(headers=["id", "name", "status", "employees", "address", "business_scope"])
        for row in few:
            data.append([row.pk, row.name, row.status, row.employees, row.address, row.business_scope])
        CompanyResource().import_data(data, raise_errors=True)

    for name, write, count in (("bulk_create(update_conflicts)", bulk, len(rows)), ("update_or_create", one_by_one, PEER_ROWS),
                               ("django-import-export", import_export, PEER_ROWS)):
        change()
        count = min(count, len(rows))
        try:
            with transaction.atomic():
                started = time.perf_counter()
                write()
                seconds = (time.perf_counter() - started) / count
        except ImportError:
            print(f"{name:32} not installed (benchmarks/requirements.txt)")
            continue
        print(f"{name:32} {seconds * 1e6:8.0f} µs a row   the sync is {seconds / per_row:6.1f}x as fast")


def measure(bench: Bench, url: str, *, with_peers: bool) -> None:
    rows, slots = bench.rows, []
    bench.pages.render(lambda _n: 0, seq=rows)
    slots.append(("first load", bench.run(url, "full")))
    assert slots[-1][1]["counts"]["NEW"] == rows
    bench.check(lambda _n: 0)
    copy = bench.raw_copy()
    some = sorted(random.Random(1).sample(range(rows), rows // 100))
    chosen = set(some)
    bench.pages.render_changes(some, 1, rows)
    slots.append(("change feed, 1 % changed", bench.run(url)))
    assert slots[-1][1]["counts"]["UPDATE"] == len(some)
    bench.check(lambda n: int(n in chosen))
    gone = rows // 1000
    bench.pages.rows = rows - gone
    others = set(random.Random(2).sample(range(rows - gone), rows // 100))
    now = lambda n: 2 if n in others else int(n in chosen)  # noqa: E731
    bench.pages.render(now, seq=rows + len(some))
    slots.append(("re-scan, 1 % changed, .1 % gone", bench.run(url, "full")))
    assert (slots[-1][1]["counts"]["UPDATE"], slots[-1][1]["counts"]["absent"]) == (len(others), gone)
    slots.append(("re-scan, nothing changed", bench.run(url, "full")))
    bench.pages.render(lambda _n: 3, seq=rows + len(some))
    slots.append(("everything changed", bench.run(url, "full")))
    assert slots[-1][1]["counts"]["UPDATE"] == rows - gone
    copies = [copy, bench.raw_copy()]
    copy = min(copies)
    print(f"raw COPY of {rows} rows: {copies[0]:.1f} s before, {copies[1]:.1f} s after; the faster counts")
    for name, found in slots:
        share = found["seconds"] / slots[0][1]["seconds"]
        print(f"{name:32} {found['seconds']:8.1f} s   {copy / found['seconds']:5.2f} of raw COPY"
              f"   {share:6.1%} of the first load   {found['mb']:4.0f} MB")
    if with_peers:
        peers(bench, slots[-1][1]["seconds"] / (rows - gone))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--serve")
    parser.add_argument("--sync", nargs=5)
    options = parser.parse_args()
    if options.serve:
        return serve(options.serve)
    if options.sync:
        return sync(*options.sync)
    with tempfile.TemporaryDirectory() as folder, scratch("bench_sync") as cursor:
        for url in source(Path(folder)):
            measure(Bench(cursor, options.rows, Path(folder)), url, with_peers=not options.no_peers)
    return None


if __name__ == "__main__":
    main()
