"""kill -9 at any moment: the target is as before or as after, never between, and the next run goes on."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from urllib.parse import quote

import pytest
from django.db import connection
from django.db.models import Count

from crm.models import Company, CompanyEvent, Source, SyncRun
from crm.sync.staging import rows_of
from tests.crm.conftest import Sandbox
from tests.crm.oracle import Oracle, expected_state, state_of_database
from tests.nursery import Child, Nursery

pytestmark = pytest.mark.django_db(transaction=True)


def database_url() -> str:
    entry = connection.settings_dict
    login = quote(entry["USER"]) + (":" + quote(entry["PASSWORD"]) if entry["PASSWORD"] else "")
    port = f"&port={entry['PORT']}" if entry["PORT"] else ""
    return f"postgresql://{login}@/{entry['NAME']}?host={quote(entry['HOST'], safe='')}{port}"


@cache
def nursery(url: str) -> Nursery:
    return Nursery("tests.crm.sync_ready", env={"DATABASE_URL": url})


def start_child(sandbox: Sandbox, *arguments: str) -> Child:
    """A sync of the arguments in a process of its own, which has begun when this returns."""
    folder = Path(tempfile.mkdtemp(prefix="sync-child-"))
    output, url = folder / "output", database_url()
    child = nursery(url).start(
        "tests.crm.sync_child", sandbox.url, *arguments, env={**os.environ, "DATABASE_URL": url}, output=output
    )
    try:
        while not (output.exists() and output.read_text().startswith("ready\n")):
            assert child.poll() is None, output.read_text()
            time.sleep(0.002)
    finally:
        shutil.rmtree(folder)
    return child


def wait_for_silence() -> None:
    """Until the server has noticed that the killed client is gone (it may still be finishing its last statement)."""
    for _ in range(400):
        with connection.cursor() as db:
            db.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"
            )
            if db.fetchone()[0] == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the killed client's session did not end")


def assert_books_agree() -> None:
    """No event lost or doubled: each company knows its first run, and has as many events as its version says."""
    assert not Company.objects.filter(first_run__isnull=True).exists()
    assert not Company.objects.exclude(first_run__status="done").exists()
    versions = dict(Company.objects.values_list("id", "version"))
    changes = dict(CompanyEvent.objects.values_list("company").annotate(Count("id")))
    assert {pk: version - 1 for pk, version in versions.items() if version > 1} == changes


@pytest.mark.parametrize("kills", [3, pytest.param(12, marks=pytest.mark.slow)])
def test_a_killed_sync_leaves_no_half_state(start_sandbox: Callable[..., Sandbox], kills: int) -> None:
    """2,000 rows; odd kills by the clock, even ones at a statement; after each the state is before or after, whole."""
    sandbox = start_sandbox(companies=2_000)
    rng, before = Random(kills), Oracle(sandbox.world)
    outcomes = []
    for number in range(kills):
        sandbox.world.advance(150)
        by_clock = number % 2 == 1
        mode = "full" if number % 3 else "changes"
        child = start_child(sandbox, f"slot-{number}", mode, "0" if by_clock else str(rng.randint(1, 62)))
        if by_clock:
            time.sleep(rng.uniform(0.0, 1.6))
            child.kill()
        assert child.wait(timeout=60) in (0, -9)
        wait_for_silence()
        after = before.after(sandbox.world.seq)
        state, cursor = (
            state_of_database(),
            (Source.objects.values_list("cursor", flat=True).first() or {}).get("since", 0),
        )
        merged = SyncRun.objects.filter(slot=f"slot-{number}", status="done").exists()
        if merged:
            before = after
        outcomes.append(merged)
        assert (state, cursor) == (before.state(), before.point), f"kill {number}: {outcomes}"
        assert_books_agree()
    assert sandbox.sync("last").ok
    assert state_of_database() == before.after(sandbox.world.seq).state()
    assert_books_agree()
    assert False in outcomes, "no kill landed before a commit: the harness proves nothing"


# --- SY-01 -------------------------------------------------------------------------------------------------------


@dataclass
class Barrage:
    """Syncs of one source, each killed at a time drawn uniformly from the length of a whole one.

    That length follows the machine: a sync that came to its end before the blow says how long they are now, and each kill
    lets the next blow fall a little later, so that both ends of a run are met.
    """

    sandbox: Sandbox
    before: Oracle
    rng: Random
    longest: float
    merged: int = 0
    killed: int = 0
    number: int = 0

    def undisturbed(self) -> None:
        """A whole run, killed ones before it forgotten."""
        begun = time.monotonic()
        assert start_child(self.sandbox, f"slot-{self.number}", "changes", "0").wait(timeout=300) == 0
        self.number += 1
        self.before = self.before.after(self.sandbox.world.seq)
        self.longest = 1.1 * (time.monotonic() - begun)

    def shoot(self) -> None:
        """One kill. A slot that was killed is tried again by the next shot, as a job would be."""
        child = start_child(self.sandbox, f"slot-{self.number}", "changes", "0")
        begun, wait = time.monotonic(), self.rng.uniform(0, self.longest)
        while (passed := time.monotonic() - begun) < wait and child.poll() is None:
            time.sleep(0.005)
        child.kill()
        hit = child.wait(timeout=60) == -9
        self.longest = 1.05 * self.longest if hit else 1.1 * passed
        self.killed += hit
        wait_for_silence()
        self.judge()

    def judge(self) -> None:
        """Before or after, for every company that the sync was about, and for the cursor and the run with them."""
        world, after = self.sandbox.world, self.before.after(self.sandbox.world.seq)
        touched = {key for _seq, _op, key, _record in world.log[self.before.point :]}
        if SyncRun.objects.filter(slot=f"slot-{self.number}", status="done").exists():
            self.before, self.merged, self.number = after, self.merged + 1, self.number + 1
        cursor = (Source.objects.values_list("cursor", flat=True).first() or {}).get("since", 0)
        assert (state_of_database(touched), cursor) == (self.before.state(touched), self.before.point), f"kill {self.killed}"

    def judge_whole(self) -> None:
        assert state_of_database() == self.before.state()
        assert_books_agree()


@pytest.mark.parametrize(("rows", "early", "late"), [(600, 3, 6), pytest.param(20_000, 30, 170, marks=pytest.mark.slow)])
def test_kills_at_any_time_lose_double_and_miss_nothing(
    start_sandbox: Callable[..., Sandbox], rows: int, early: int, late: int
) -> None:
    """The first load is killed again and again, then every change after it; what nothing is left to kill is no kill."""
    begun, sandbox = time.monotonic(), start_sandbox(companies=rows)
    barrage = Barrage(sandbox, Oracle(sandbox.world), Random(rows), longest=rows / 4_000)
    for _kill in range(early):
        barrage.shoot()
    if not barrage.merged:
        barrage.undisturbed()
    barrage.judge_whole()
    sandbox.world.advance(150)
    barrage.undisturbed()
    while barrage.killed < early + late:
        sandbox.world.advance(150)
        barrage.shoot()
        if barrage.killed % 25 == 0:
            barrage.judge_whole()
    barrage.undisturbed()
    barrage.judge_whole()
    print(f"\n{barrage.killed} kills over {rows} rows, {barrage.merged} merged before, {time.monotonic() - begun:.0f} s")


def test_canary_a_merge_that_writes_its_cursor_first_is_caught(start_sandbox: Callable[..., Sandbox]) -> None:
    """The same check on the naive merge must go red: rows lost for good behind a cursor that has moved on."""
    sandbox = start_sandbox(companies=600)
    assert start_child(sandbox, "one", "full", "0", "naive", "150").wait(timeout=60) == -9
    wait_for_silence()
    assert Source.objects.get().cursor == {"since": 600}
    assert sandbox.sync("two").ok
    assert state_of_database() != expected_state(sandbox.world)
    assert Company.objects.count() < 600


def test_a_killed_slot_is_taken_up_where_it_stood(start_sandbox: Callable[..., Sandbox]) -> None:
    """Pages already staged are not fetched again when the same slot is tried again and the source stood still."""
    sandbox = start_sandbox(companies=2_000)
    assert start_child(sandbox, "one", "full", "40").wait(timeout=60) == -9
    wait_for_silence()
    with connection.cursor() as db:
        db.execute(f"SELECT count(*) FROM {rows_of(SyncRun.objects.get().pk)}")  # noqa: S608  (names of our own making)
        staged = db.fetchone()[0]
    assert 0 < staged <= 2_000
    asked: list[str] = []
    plain = sandbox.api.companies
    sandbox.api.companies = lambda query: (asked.append(query["page"]), plain(query))[1]  # type: ignore[method-assign]
    assert sandbox.sync("one").counts["NEW"] == 2_000
    assert len(asked) < 5
    assert state_of_database() == expected_state(sandbox.world)
