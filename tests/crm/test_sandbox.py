from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stdnum.cn import uscc as stdnum_uscc

from crm import codes
from crm.sandbox.generate import make_world, uscc_for, vocabulary
from crm.sandbox.server import DEMO_KEY, Api
from crm.sync.connector import load_connector
from crm.sync.records import parse_batch
from tests.crm.conftest import Sandbox

WORLD = make_world(7, 1_500)


def test_the_same_seed_gives_the_same_world_and_the_same_changes() -> None:
    one, two, other = make_world(3, 80), make_world(3, 80), make_world(4, 80)
    assert one.records == two.records
    assert one.advance(25) == two.advance(25)
    assert one.log == two.log
    assert one.records != other.records


def test_every_company_is_a_sample_that_belongs_to_nobody() -> None:
    found = [record["creditCode"] for record in WORLD.records.values()]
    assert len(set(found)) == len(found) == 1_500
    assert all(stdnum_uscc.is_valid(code) and code[2:8] == "000000" for code in found)
    assert len({record["name"] for record in WORLD.records.values()}) == 1_500
    assert all(record["sample"] is True for record in WORLD.records.values())


def test_codes_stay_unique_far_beyond_the_demo() -> None:
    assert len({uscc_for(n) for n in range(0, 3_000_000, 997)}) == len(range(0, 3_000_000, 997))


def test_the_city_has_its_shape() -> None:
    places = Counter(record["districtCode"] for record in WORLD.records.values())
    assert 0.25 <= places["440303"] / 1_500 <= 0.30
    assert {"440304", "440305", "440306", "440307", "440308", "440309", "440310", "440311", "441900"} <= set(places)
    plain = sum(1 for acts in WORLD.truth.values() if not _chain(acts[0])) / 1_500
    assert 0.2 <= plain <= 0.3


def _chain(code: str) -> str:
    return next(a["chain"] for a in vocabulary()["activities"] if a["code"] == code)


def test_luohu_is_strong_where_it_is_and_has_gaps() -> None:
    here = Counter(acts[0] for key, acts in WORLD.truth.items() if WORLD.records[key]["districtCode"] == "440303")
    chains = Counter()
    for code, count in here.items():
        chains[_chain(code)] += count
    assert chains["gold-jewellery"] > 2 * chains["smart-terminal"]
    elsewhere = {acts[0] for key, acts in WORLD.truth.items() if WORLD.records[key]["districtCode"] != "440303"}
    assert {"display-module", "sensor", "battery", "pcb"} <= elsewhere - here.keys()


def test_the_vocabulary_is_sound() -> None:
    words = vocabulary()
    assert len({a["code"] for a in words["activities"]}) == len(words["activities"]) >= 120
    assert {a["industry"] for a in words["activities"]} <= {c for c, row in codes.industries().items() if row[1] == 4}
    assert len({a["chain"] for a in words["activities"]} - {""}) == 13
    assert {d["code"] for d in words["districts"]} <= set(codes.divisions())
    assert all(codes.plain(word) in codes.statuses() for word, _weight in words["statuses"])
    assert {"gold-jewellery", ""} < {a["chain"] for a in words["activities"]}


def test_every_record_can_be_read_by_the_connector() -> None:
    world = make_world(11, 400)
    world.advance(400)
    connector = load_connector("sandbox")
    log = Api(world).changes({"since": "0", "limit": "1000"})["items"]
    records = [*world.records.values(), *(item["company"] for item in log if item["op"] == "upsert")]
    raws = [json.dumps(record).encode() for record in records]
    parsed = parse_batch(
        [record["id"] for record in records], raws, ["upsert"] * len(raws), [1] * len(raws), connector
    )
    assert (parsed.rejects, parsed.new_fields, len(parsed.rows)) == ([], set(), len(raws))
    assert Counter(item["op"] for item in log)["delete"] > 0


def fetch(url: str, path: str, *, key: str = DEMO_KEY, method: str = "GET") -> dict[str, Any]:
    request = urllib.request.Request(url + path, method=method, headers={"X-Api-Key": key})  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        assert response.status == 200
        found: dict[str, Any] = json.load(response)
    return found


def test_pages_cover_the_listing_once(sandbox: Sandbox) -> None:
    seen = []
    for page in (1, 2, 3):
        data = fetch(sandbox.url, f"/v1/companies?page={page}&size=25")["data"]
        assert (data["total"], data["page"], data["size"]) == (60, page, 25)
        seen += [item["id"] for item in data["items"]]
    assert seen == sandbox.keys()
    assert fetch(sandbox.url, "/v1/companies?page=4&size=25")["data"]["items"] == []


def test_the_feed_gives_every_change_once(sandbox: Sandbox) -> None:
    fetch(sandbox.url, "/v1/_advance?k=30", method="POST")
    since, seqs = 0, []
    while True:
        data = fetch(sandbox.url, f"/v1/changes?since={since}&limit=13")["data"]
        if not data["items"]:
            break
        seqs += [item["seq"] for item in data["items"]]
        since = data["next_since"]
    assert seqs == list(range(1, 91))
    ops = {item["op"] for item in fetch(sandbox.url, "/v1/changes?since=0&limit=500")["data"]["items"]}
    assert ops <= {"upsert", "delete"}


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=x", "size=0", "size=1001", "page=" + "9" * 30, "page=%EF%BC%91", "size=1.5"]
)
def test_bad_paging_is_an_answer_with_a_code(sandbox: Sandbox, query: str) -> None:
    assert fetch(sandbox.url, f"/v1/companies?{query}")["code"] == 30002


def test_a_wrong_key_and_a_wrong_path_are_answers_too(sandbox: Sandbox) -> None:
    assert fetch(sandbox.url, "/v1/companies", key="wrong")["code"] == 401
    assert fetch(sandbox.url, "/v1/_advance?k=1", key="", method="POST")["code"] == 401
    assert fetch(sandbox.url, "/v1/nothing")["code"] == 404
    assert fetch(sandbox.url, "/v1/health", key="")["data"]["status"] == "up"


def test_it_listens_on_loopback_only(start_sandbox: Callable[..., Sandbox]) -> None:
    assert start_sandbox(companies=1).server.server_address[0] == "127.0.0.1"


def test_the_command_needs_no_database(tmp_path: Path) -> None:
    """Started with a database address that leads nowhere, it listens and stops clean at SIGTERM."""
    port_file = tmp_path / "port"
    env = {**os.environ, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    command = [
        sys.executable,
        "manage.py",
        "sandbox_enterprise_db",
        "--port-file",
        str(port_file),
        "--companies",
        "20",
    ]
    process = subprocess.Popen(command, env=env, cwd=Path(__file__).parents[2])  # noqa: S603
    try:
        for _ in range(600):
            if port_file.exists():
                break
            time.sleep(0.05)
        url = f"http://127.0.0.1:{port_file.read_text().strip()}"
        assert fetch(url, "/v1/companies?size=5", key=env.get("ENTERPRISE_DB_KEY") or DEMO_KEY)["data"]["total"] == 20
    finally:
        process.terminate()
    assert process.wait(timeout=20) == 0
