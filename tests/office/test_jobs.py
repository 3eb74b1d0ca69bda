"""Jobs: one effect a slot, leases that come back, poison that is put away."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, transaction
from django.urls import reverse
from psycopg import errors

from office import jobs
from office.models import Job
from office.roles import ADMINISTRATOR
from office.services.retry_job import NotDead, retry_job
from tests import factories as make

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


@pytest.mark.parametrize(("cause", "soon"), [
    (errors.AdminShutdown, True), (errors.CrashShutdown, True), (psycopg.OperationalError, True),  # the last: it just ended
    (errors.LockNotAvailable, False), (errors.QueryCanceled, False), (errors.DiskFull, False),
])
def test_a_job_whose_database_was_lost_is_tried_again_at_once(calls, cause: type[Exception], soon: bool) -> None:
    def lose(payload, now):
        raise OperationalError("gone") from cause("gone")

    jobs.register("test.lose")(lose)
    job, _new = jobs.enqueue(kind="test.lose", slot="a", now=NOW)
    jobs.run_due(clock=clock)
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED
    assert job.not_before == NOW + (dt.timedelta(seconds=settings.JOB_SWEEP_SECONDS) if soon else jobs.retry_after())


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


def test_a_day_missed_to_its_end_is_made_up_for_before_the_next_hour(calls) -> None:
    jobs.plan_slots(now=NOW)
    early = (NOW + dt.timedelta(days=2)).replace(hour=1)
    assert [job.slot for job in jobs.plan_slots(now=early) if job.kind == "test.note"] == ["2026-11-24"]


def test_slots_that_no_worker_ran_merge_into_the_newest_and_a_persons_job_stays(calls) -> None:
    jobs.enqueue(kind="test.note", slot="2026-11-23T09:00 by hand", now=NOW, payload={"by": 1})
    for day in range(4):
        jobs.plan_slots(now=NOW + dt.timedelta(days=day))
    states = dict(Job.objects.filter(kind="test.note").values_list("slot", "state"))
    assert states == {
        "2026-11-23T09:00 by hand": "queued", "2026-11-23": "merged", "2026-11-24": "merged", "2026-11-25": "merged",
        "2026-11-26": "queued",
    }


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_jumps_and_returns_plans_no_slot_twice(calls, hours: int) -> None:
    jobs.register("test.often", every=dt.timedelta(minutes=30))(lambda payload, now: {})
    for moment in (NOW, NOW + dt.timedelta(hours=hours), NOW, NOW + dt.timedelta(minutes=31)):
        jobs.plan_slots(now=moment)
    slots = list(Job.objects.filter(kind="test.often").values_list("slot", flat=True))
    assert len(slots) == len(set(slots)) == 3
    assert NOW.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:00:00Z") in slots


def test_a_lease_and_a_wait_that_no_worker_can_have_written_count_as_run_out(calls) -> None:
    """The clock went back an hour: a dead worker's lease and a retry's wait lie too far ahead."""
    jobs.enqueue(kind="test.note", slot="a", now=NOW)
    jobs.enqueue(kind="test.note", slot="b", now=NOW)
    assert jobs.claim(now=NOW) is not None
    back = NOW - dt.timedelta(hours=1)
    assert {jobs.claim(now=back).slot for _worker in range(2)} == {"a", "b"}  # type: ignore[union-attr]
    assert jobs.claim(now=back) is None


def test_poison_does_not_hide_what_waits_behind_it(calls) -> None:
    jobs.enqueue(kind="test.note", slot="poison", now=NOW)
    moment = NOW
    for _worker in range(jobs.MAX_ATTEMPTS):
        jobs.claim(now=moment)
        moment += jobs.lease() + dt.timedelta(seconds=1)
    jobs.enqueue(kind="test.note", slot="behind", now=moment)
    assert [job.slot for job in jobs.run_due(clock=lambda: moment)] == ["behind"]


def test_a_completed_job_is_done_with_its_effect_and_stays_so_when_the_handler_fails_later(calls) -> None:
    def handler(payload, now):
        with transaction.atomic():
            calls.append("effect")
            jobs.complete({"pages": 2})
        raise RuntimeError("after the effect")

    jobs.register("test.complete")(handler)
    job, _new = jobs.enqueue(kind="test.complete", slot="a", now=NOW)
    jobs.run_due(clock=clock)
    job.refresh_from_db()
    assert (job.state, job.result, calls) == (Job.State.DONE, {"pages": 2}, ["effect"])


def test_who_lost_the_lease_can_neither_complete_nor_go_on(calls) -> None:
    lost: list[str] = []

    def handler(payload, now):
        Job.objects.update(lease_token=uuid.uuid4())
        for call in (jobs.complete, jobs.still_ours):
            with pytest.raises(jobs.LeaseLost):
                call()
            lost.append(call.__name__)
        jobs.still_ours()

    jobs.register("test.loses")(handler)
    job, _new = jobs.enqueue(kind="test.loses", slot="a", now=NOW)
    jobs.run_due(clock=clock)
    job.refresh_from_db()
    assert lost == ["complete", "still_ours"]
    assert (job.state, job.error) == (Job.State.RUNNING, "")  # the other worker's, who has it now


def test_only_a_dead_job_is_retried_and_gets_all_its_attempts_back(calls) -> None:
    job, _new = jobs.enqueue(kind="test.note", slot="a", now=NOW)
    with pytest.raises(NotDead):
        retry_job(job_id=job.pk, now=NOW)
    Job.objects.update(state=Job.State.DEAD, attempts=3, finished=NOW, error="broken source")
    assert retry_job(job_id=job.pk, now=NOW).attempts == 0
    jobs.run_due(clock=clock)
    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.DONE, "")


def test_the_administrators_page_retries_by_a_post_alone(client, calls) -> None:
    job = Job.objects.create(kind="test.note", slot="a", created=NOW, not_before=NOW, state="dead", attempts=3, finished=NOW)
    client.force_login(make.user("keeper", ADMINISTRATOR))
    address = reverse("admin:office_job_retry", args=[job.pk])
    assert client.get(address).status_code == 200
    job.refresh_from_db()
    assert job.state == Job.State.DEAD
    client.post(address)
    job.refresh_from_db()
    assert (job.state, job.attempts) == (Job.State.QUEUED, 0)
    assert client.get(reverse("admin:office_job_change", args=[job.pk]))["Refresh"] == "3"
