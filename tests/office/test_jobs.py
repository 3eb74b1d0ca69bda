"""Jobs: one effect a slot, leases that come back, poison that is put away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from office import jobs
from office.models import Job

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))


@pytest.fixture
def calls() -> Iterator[list[object]]:
    seen: list[object] = []

    def note(payload, now):
        seen.append(dict(payload))
        return {"seen": len(seen)}

    def fail(payload, now):
        seen.append("fail")
        raise RuntimeError("broken source")

    before = dict(jobs._kinds)
    jobs.register("test.note", daily_at=dt.time(3, 0))(note)
    jobs.register("test.fail")(fail)
    yield seen
    jobs._kinds.clear()
    jobs._kinds.update(before)


def clock() -> dt.datetime:
    return NOW


def test_a_job_runs_once_and_keeps_its_result(calls) -> None:
    job, _new = jobs.enqueue(kind="test.note", slot="a", now=NOW, payload={"x": 1})
    assert [row.pk for row in jobs.run_due(clock=clock)] == [job.pk]
    assert jobs.run_due(clock=clock) == []
    job.refresh_from_db()
    assert (job.state, job.result, calls) == (Job.State.DONE, {"seen": 1}, [{"x": 1}])


def test_the_same_slot_is_the_same_job(calls) -> None:
    first, new = jobs.enqueue(kind="test.note", slot="a", now=NOW)
    second, again = jobs.enqueue(kind="test.note", slot="a", now=NOW)
    assert (first.pk, new, again) == (second.pk, True, False)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(jobs.UnknownJobKind):
        jobs.enqueue(kind="no.such", slot="a", now=NOW)


def test_a_leased_job_is_nobody_elses_until_the_lease_runs_out(calls) -> None:
    jobs.enqueue(kind="test.note", slot="a", now=NOW)
    first = jobs.claim(now=NOW)
    assert first is not None
    assert jobs.claim(now=NOW + dt.timedelta(seconds=10)) is None
    second = jobs.claim(now=NOW + jobs.lease() + dt.timedelta(seconds=1))
    assert second is not None
    assert second.pk == first.pk


def test_a_worker_whose_lease_ran_out_cannot_close_the_job(calls) -> None:
    jobs.enqueue(kind="test.note", slot="a", now=NOW)
    late = jobs.claim(now=NOW)
    fresh = jobs.claim(now=NOW + jobs.lease() + dt.timedelta(seconds=1))
    assert late is not None
    assert fresh is not None
    assert jobs.run(late, clock=clock) is False
    assert jobs.run(fresh, clock=clock) is True


def test_a_failing_job_is_tried_again_and_then_put_away_with_its_error(calls) -> None:
    job, _new = jobs.enqueue(kind="test.fail", slot="a", now=NOW)
    moment = NOW
    for _attempt in range(jobs.MAX_ATTEMPTS + 2):
        jobs.run_due(clock=lambda moment=moment: moment)
        moment += jobs.retry_after() + dt.timedelta(seconds=1)
    job.refresh_from_db()
    assert (job.state, calls) == (Job.State.DEAD, ["fail"] * jobs.MAX_ATTEMPTS)
    assert "broken source" in job.error


def test_a_poison_job_that_kills_its_workers_is_put_away(calls) -> None:
    job, _new = jobs.enqueue(kind="test.note", slot="a", now=NOW)
    moment = NOW
    for _worker in range(jobs.MAX_ATTEMPTS):
        assert jobs.claim(now=moment) is not None  # and the worker dies here
        moment += jobs.lease() + dt.timedelta(seconds=1)
    assert jobs.claim(now=moment) is None
    job.refresh_from_db()
    assert job.state == Job.State.DEAD


def test_daily_jobs_are_planned_once_a_day_after_their_hour(calls) -> None:
    def planned(now: dt.datetime) -> set[str]:
        return {job.kind for job in jobs.plan_slots(now=now)}

    assert "test.note" not in planned(NOW.replace(hour=2))
    assert "test.note" in planned(NOW)
    assert planned(NOW) == set()
    later = NOW + dt.timedelta(days=3)  # three days missed are one slot, not three
    assert [job.slot for job in jobs.plan_slots(now=later) if job.kind == "test.note"] == [later.date().isoformat()]
