"""Workers killed, brokers emptied, beats doubled, clocks turned: each job has its one effect all the same (QU-01 to QU-07).

The processes are real; leases are seconds instead of a minute. The catalogue's numbers are marked slow.
"""

from __future__ import annotations

import datetime as dt
import os
import pickle
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import F
from kombu import Connection

from office import jobs, tasks
from office.clock import database_now
from office.models import Job
from office.services.start_job import start_job
from tests.office import queue_kinds
from tests.office.queue_bench import Bench

pytestmark = pytest.mark.django_db(transaction=True)
TREE, CHILD, TERM, QUIT = "kill -9 of the tree", "kill -9 of a child", "SIGTERM", "SIGQUIT"
slow = pytest.mark.slow


@pytest.fixture
def make_bench() -> Iterator[Callable[..., Bench]]:
    kinds, benches = dict(jobs._kinds), []
    queue_kinds.register(ticking=False)
    with connection.cursor() as db:
        for table in ("start", "effect"):
            db.execute(f"CREATE TABLE queue_{table} (name text, worker int, at timestamptz DEFAULT clock_timestamp())")

    def make(**how: float) -> Bench:
        benches.append(Bench(**how))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()
    with connection.cursor() as db:
        db.execute("DROP TABLE queue_start, queue_effect")
    jobs._kinds.clear()
    jobs._kinds.update(kinds)


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


def strike(bench: Bench, worker: object, how: str, name: str) -> None:
    if how == CHILD:
        os.kill(bench.workers_of(name)[-1], signal.SIGKILL)  # the pool makes a new one
    else:
        bench.end(worker, {TREE: signal.SIGKILL, TERM: signal.SIGTERM, QUIT: signal.SIGQUIT}[how])  # type: ignore[arg-type]


def kill_mid_task(bench: Bench, how: str, kind: str, times: int) -> list[float]:
    """`times` jobs, each struck once while it runs; returns the seconds from each blow to the job's end."""
    worker, waited = bench.worker(), []
    bench.beat()
    for number in range(times):
        name = bench.enqueue(kind=kind, first=number, seconds=1.2)[0]
        bench.wait_started(name)
        time.sleep(0.1)
        strike(bench, worker, how, name)
        begun = time.monotonic()
        if how != CHILD:
            worker = bench.worker()
        bench.wait_ended()
        waited.append(time.monotonic() - begun)
    return waited


# --- QU-01 -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, pytest.param(50, marks=slow)])
@pytest.mark.parametrize("how", [TREE, CHILD, TERM, QUIT])
def test_a_killed_workers_job_has_one_effect(bench: Bench, how: str, times: int) -> None:
    waited = kill_mid_task(bench, how, "test.work", times)
    assert list(bench.seen("effect").values()) == [1] * times
    assert set(Job.objects.values_list("state", flat=True)) == {Job.State.DONE}
    print(f"\n{how}: {times} jobs, recovered in {sum(waited) / times:.1f} s on average, {max(waited):.1f} s at most")
    if how in (TREE, CHILD):  # it was interrupted, or the harness proves nothing; and the dead worker's attempt counts
        assert set(bench.seen("start").values()) == {2}
        assert set(Job.objects.values_list("attempts", flat=True)) == {2}


def test_canary_an_effect_of_its_own_comes_twice(bench: Bench) -> None:
    kill_mid_task(bench, TREE, "test.naive", 1)
    assert list(bench.seen("effect").values()) == [2]


def test_canary_work_in_an_acknowledged_message_is_lost(bench: Bench) -> None:
    worker = bench.worker()
    bench.send("tests.naive_effect", "carried", 1.2)
    bench.wait_started("carried")
    bench.end(worker)
    bench.worker()
    bench.enqueue(1, seconds=0)
    bench.send("office.look_for_work")
    bench.wait_ended()
    time.sleep(2)
    assert bench.seen("effect")["carried"] == 0


@slow
def test_with_the_leases_of_production_a_dead_workers_job_is_done_within_a_minute(make_bench: Callable[..., Bench]) -> None:
    """By the lease: the broker would bring its hint back after ten minutes."""
    bench = make_bench(lease=45, sweep=10)
    waited = kill_mid_task(bench, TREE, "test.work", 1)
    assert list(bench.seen("effect").values()) == [1]
    print(f"\nrecovered in {waited[0]:.1f} s")
    assert waited[0] <= 60 + 5  # its own second of work and the new worker's start


# --- QU-02 -------------------------------------------------------------------------------------------------------


def test_an_emptied_broker_loses_nothing(bench: Bench) -> None:
    bench.enqueue(200)
    for _hint in range(200):
        bench.send("office.look_for_work")
    assert bench.waiting_messages() == 200
    bench.flush()
    bench.worker()
    bench.beat()
    bench.wait_ended()
    assert sorted(bench.seen("effect").values()) == [1] * 200


def test_canary_work_that_travels_in_messages_is_lost_with_them(bench: Bench) -> None:
    for number in range(200):
        bench.send("tests.naive_effect", f"carried-{number}", 0)
    bench.flush()
    bench.enqueue(1)
    bench.worker()
    bench.beat()
    bench.wait_ended()
    assert sum(bench.seen("effect").values()) == 1


@pytest.mark.parametrize("seconds", [3, pytest.param(60, marks=slow)])
def test_a_stopped_broker_refuses_no_write_and_loses_no_job(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """What a page does: it writes the row and hints after the commit. The hint finds nobody, the page notices nothing."""
    def look_for_work() -> None: ...

    monkeypatch.setattr(tasks, "look_for_work", bench.sender.task(look_for_work, name="office.look_for_work", lazy=False))
    bench.worker()
    bench.beat()
    bench.enqueue(5)
    bench.wait_ended()
    bench.stop_valkey()
    until, number = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        name = f"web-{number}"
        start_job(kind="test.work", slot=name, now=database_now(), payload={"name": name})
        assert tasks.hint() is False
        number += 1
        time.sleep(seconds / 20)
    assert Job.objects.filter(slot__startswith="web-").count() == number
    assert number > 5  # of twenty: no page waits for the broker
    bench.start_valkey()
    waited = bench.wait_ended()
    print(f"\n{number} jobs written without a broker, done {waited:.1f} s after it was back")
    assert sorted(bench.seen("effect").values()) == [1] * (number + 5)
    assert tasks.hint() is True


# --- QU-03 -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [6, pytest.param(60, marks=slow)])
def test_two_beats_plan_each_slot_once(bench: Bench, seconds: int) -> None:
    bench.worker(QUEUE_TICKING="1")
    for number in range(2):
        bench.beat(number, QUEUE_TICKING="1")
    bench.wait("the first slot", lambda: bool(bench.seen("effect")))
    time.sleep(seconds)
    assert bench.log().count("Sending due task plan") > seconds  # both were at it
    for process in bench.processes[1:]:
        bench.end(process)
    bench.wait_ended()
    effects = bench.seen("effect")
    assert set(effects.values()) == {1}
    assert set(effects) == set(Job.objects.exclude(state=Job.State.MERGED).values_list("slot", flat=True))
    assert len(effects) >= seconds // 4


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_jumps_neither_doubles_nor_delays(bench: Bench, hours: int) -> None:
    """The database's clock is the one that counts. Times that were written an hour ago or ahead are what a jump leaves."""
    bench.enqueue(2, seconds=2)
    bench.worker()
    bench.beat()
    bench.wait_started("test.work-1")
    bench.enqueue(3, first=2)
    jump = dt.timedelta(hours=-hours)
    Job.objects.update(lease_until=F("lease_until") + jump, not_before=F("not_before") + jump)
    bench.wait_ended()
    assert sorted(bench.seen("effect").values()) == [1] * 5


def test_a_dead_workers_lease_an_hour_ahead_is_no_lease(bench: Bench) -> None:
    worker = bench.worker()
    bench.enqueue(1, seconds=1)
    bench.send("office.look_for_work")
    bench.wait_started("test.work-0")
    bench.end(worker)
    Job.objects.update(lease_until=F("lease_until") + dt.timedelta(hours=1))
    bench.worker()
    bench.beat()
    bench.wait_ended()
    assert bench.seen("effect") == {"test.work-0": 1}


# --- QU-04 -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "visibility"), [(8, 2), pytest.param(150, 4, marks=slow)])
def test_a_job_longer_than_the_brokers_patience_and_many_leases_runs_once(
    bench: Bench, seconds: int, visibility: int
) -> None:
    bench.worker(QUEUE_VISIBILITY=str(visibility))
    bench.beat(QUEUE_VISIBILITY=str(visibility))
    bench.enqueue(1, seconds=seconds)
    bench.send("office.look_for_work")
    bench.wait_ended(seconds + 60)
    assert bench.seen("start") == bench.seen("effect") == {"test.work-0": 1}
    assert Job.objects.get().progress["pages"] > 10


def test_canary_without_renewal_the_long_job_is_taken_twice(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same job while nobody renews: it starts again and again. Its effect stays one: who lost it may not complete it."""
    bench.environment["QUEUE_NO_RENEWAL"] = "1"
    bench.worker()
    bench.beat()
    bench.enqueue(1, seconds=5)
    bench.wait_started("test.work-0", times=2)


def test_a_message_ten_times_is_one_effect(bench: Bench) -> None:
    bench.enqueue(1, seconds=0.5)
    for _copy in range(10):
        bench.send("office.look_for_work")
    bench.worker(concurrency=4)
    bench.wait("all ten messages taken", lambda: bench.waiting_messages() == 0)
    bench.wait_ended()
    assert bench.seen("start") == bench.seen("effect") == {"test.work-0": 1}


def test_canary_a_message_that_carries_the_work_is_done_ten_times(bench: Bench) -> None:
    for _copy in range(10):
        bench.send("tests.naive_effect", "carried", 0)
    bench.worker()
    bench.wait("ten effects", lambda: bench.seen("effect")["carried"] == 10)


# --- QU-06, QU-07 ------------------------------------------------------------------------------------------------


def test_poison_is_put_away_and_the_others_go_on(bench: Bench) -> None:
    bench.enqueue(1, kind="test.poison")
    bench.enqueue(20)
    bench.worker()
    bench.beat()
    bench.wait_ended()
    dead = Job.objects.get(kind="test.poison")
    assert (dead.state, dead.attempts) == (Job.State.DEAD, jobs.MAX_ATTEMPTS)
    assert bench.seen("start")["test.poison-0"] == jobs.MAX_ATTEMPTS
    assert sorted(bench.seen("effect").values()) == [1] * 20


class Payload:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def inject(bench: Bench) -> Path:
    planted = bench.folder / "planted"
    headers = {"lang": "py", "task": "office.look_for_work", "id": "1", "root_id": "1", "group": None}
    with Connection(bench.broker) as connection_, connection_.SimpleQueue("celery") as queue:
        queue.producer.publish(
            pickle.dumps(([Payload(planted)], {}, {})), routing_key="celery", headers=headers, correlation_id="1",
            content_type="application/x-python-serialize", content_encoding="binary",
        )
    return planted


def test_a_pickle_in_the_queue_is_refused(bench: Bench) -> None:
    planted = inject(bench)
    bench.enqueue(1)
    bench.worker()
    bench.beat()
    bench.wait_ended()
    bench.wait("the message was met", lambda: bench.waiting_messages() == 0)
    assert not planted.exists()
    assert "Refusing to deserialize" in bench.log()


def test_canary_a_worker_that_accepts_pickles_runs_it(bench: Bench) -> None:
    planted = inject(bench)
    bench.worker(QUEUE_ACCEPT='["json", "pickle"]', C_FORCE_ROOT="1")
    bench.wait("the planted file", planted.exists)
