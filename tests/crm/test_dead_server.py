"""SY-03: the database dies under a merge. What stands afterwards is the state before or after, and the job goes on by itself.

A worker and a beat run the sync as in production; only leases are shorter, so that a dead job is taken up in seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from crm.models import Company, SyncRun
from office import jobs
from office.clock import database_now
from office.models import Job
from tests.crm.conftest import Sandbox
from tests.crm.oracle import Oracle, State, state_of_database
from tests.crm.test_killed_sync import assert_books_agree
from tests.nursery import Child
from tests.office.queue_bench import Bench, wait_until
from tests.own_server import OwnServer, turned_to_own_server

KIND = "crm.sync_companies"
KILL, FAST, IMMEDIATE = "kill -9 of all", "restart -m fast", "restart -m immediate"
IN_MERGE, COMMITTED, ANY = "in the merge", "just committed", "any time"
ROWS, CHANGES = 1_500, 1_000
RETRY_WITHIN = 60.0  # seconds from the server's return to the job's end


@pytest.fixture(scope="module")
def own_server(django_db_blocker: DjangoDbBlocker) -> Iterator[OwnServer]:
    with django_db_blocker.unblock(), turned_to_own_server() as server:
        yield server


@dataclass
class Trial:
    """One source, one worker, one beat; each blow falls on a sync of its own."""

    server: OwnServer
    sandbox: Sandbox
    bench: Bench
    before: Oracle
    beat: Child
    merged: list[bool] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    length: float = 1.0
    rng: Random = field(default_factory=lambda: Random(3))

    def sync(self) -> Job:
        slot = f"sandbox-{len(self.merged)}-{len(self.waited)}"
        job, _new = jobs.enqueue(kind=KIND, slot=slot, now=database_now(), payload={"source": "sandbox"})
        self.bench.send("office.look_for_work")
        return job

    def first(self) -> None:
        """Undisturbed: how long does a run take?"""
        job, begun = self.sync(), time.monotonic()
        self.bench.wait_ended()
        self.length = time.monotonic() - begun
        job.refresh_from_db()
        self.before = self.before.after(self.sandbox.world.seq)
        assert (job.state, state_of_database()) == (Job.State.DONE, self.before.state()), job.error
        self.waited.append(0)

    def blow(self, how: str, moment: str) -> None:
        self.sandbox.world.advance(CHANGES)
        after = self.before.after(self.sandbox.world.seq)
        job = self.sync()
        self.await_moment(job, moment)
        self.strike(how)
        self.merged.append(self.which_side(job, self.before.state(), after.state()))
        self.waited.append(self.bench.wait_ended(2 * RETRY_WITHIN))
        self.before = after
        job.refresh_from_db()
        assert (job.state, state_of_database()) == (Job.State.DONE, after.state()), job.error
        assert_books_agree()

    def await_moment(self, job: Job, moment: str) -> None:
        run = SyncRun.objects.filter(slot=f"job-{job.pk}")
        wait_until("the run", run.exists)
        if moment == ANY:
            time.sleep(self.rng.uniform(0, self.length))
        elif moment == IN_MERGE:
            wait_until("the merge writes", writing)
        else:
            wait_until("the commit", run.filter(status=SyncRun.Status.DONE).exists)

    def strike(self, how: str) -> None:
        if how == KILL:
            self.server.kill()
        else:
            self.server.stop(how.rpartition(" ")[2])
        self.server.start()

    @staticmethod
    def which_side(job: Job, before: State, after: State) -> bool:
        """Whether the sync had committed. Anything between is what must never be."""
        done = SyncRun.objects.filter(slot=f"job-{job.pk}", status=SyncRun.Status.DONE).exists()
        found = state_of_database()
        assert found == (after if done else before), f"mixed: run {'done' if done else 'not done'}, {len(found)} companies"
        return done

    def told(self) -> str:
        return f"{len(self.merged)} blows, {sum(self.merged)} after commit, done {max(self.waited):.1f} s after the return"


def writing() -> bool:
    """A session holds rows of the companies' table: nobody else writes there."""
    with connection.cursor() as db:
        db.execute(
            "SELECT FROM pg_locks WHERE relation = 'crm_company'::regclass AND mode = 'RowExclusiveLock' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return db.fetchone() is not None


@pytest.fixture
def make_trial(own_server: OwnServer, start_sandbox: Callable[..., Sandbox]) -> Iterator[Callable[..., Trial]]:
    benches: list[Bench] = []

    def make(*, companies: int = ROWS, **how: object) -> Trial:
        own_server.fresh_database()
        sandbox = start_sandbox(companies=companies)
        # A failure proper would wait two minutes, as in production: a lost database must not count as one.
        bench = Bench(retry=120, QUEUE_KEEPS=KIND, ENTERPRISE_DB_URL=sandbox.url, **how)  # type: ignore[arg-type]
        benches.append(bench)
        bench.worker(concurrency=1)
        return Trial(own_server, sandbox, bench, Oracle(sandbox.world), bench.beat())

    yield make
    for bench in benches:
        bench.close()
    connection.close()


def plan(kills: int) -> list[tuple[str, str]]:
    moments = (IN_MERGE, COMMITTED, ANY)
    return [(KILL, moments[number % 3]) for number in range(kills)]


@pytest.mark.parametrize("kills", [2, pytest.param(15, marks=pytest.mark.slow)])
def test_a_server_that_dies_under_a_merge_leaves_no_mixed_state(make_trial: Callable[..., Trial], kills: int) -> None:
    trial = make_trial()
    trial.first()
    for how, moment in [*plan(kills), (FAST, IN_MERGE), (IMMEDIATE, IN_MERGE)]:
        trial.blow(how, moment)
    print(f"\n{trial.told()}")
    each_side = 3 if kills > 3 else 1
    assert min(trial.merged[:kills].count(side) for side in (True, False)) >= each_side
    assert max(trial.waited) <= RETRY_WITHIN


@pytest.mark.slow
@pytest.mark.parametrize("how", [KILL, FAST, IMMEDIATE])
def test_with_the_leases_of_production_the_sync_is_done_within_a_minute(make_trial: Callable[..., Trial], how: str) -> None:
    trial = make_trial(lease=45, sweep=10)
    trial.first()
    trial.blow(how, IN_MERGE)
    print(f"\n{how}: {trial.told()}")
    assert trial.merged == [False]
    assert max(trial.waited) <= RETRY_WITHIN + trial.length


def test_canary_a_merge_without_a_transaction_is_caught(make_trial: Callable[..., Trial]) -> None:
    """Cursor first, then row by row: what the kill leaves is neither before nor after."""
    trial = make_trial(QUEUE_NAIVE_MERGE="1")
    job = trial.sync()
    wait_until("some rows", lambda: Company.objects.count() > 50)
    trial.strike(KILL)
    with pytest.raises(AssertionError, match="mixed: run done"):
        trial.which_side(job, {}, trial.before.after(trial.sandbox.world.seq).state())
    assert 0 < Company.objects.count() < ROWS
