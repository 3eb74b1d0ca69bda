"""The catalogue's lines about a sync that other files do not hold: SY-04, SY-05, SY-08, SY-09, SY-10, SY-11.

Short forms here; the catalogue's numbers run with ./test --slow.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.models import Company, CompanyEvent, QuarantinedRow, Source, SourceLink, SyncIssue, SyncRun
from crm.sandbox.generate import make_world, uscc_for
from crm.sandbox.server import Api
from crm.services import start_replay
from crm.services.replay_quarantine import replay_quarantine
from office import jobs
from office.models import AuditBlock, Job
from tests import factories as make
from tests.crm.conftest import Sandbox
from tests.crm.oracle import Oracle, expected_state, state_of_database
from tests.crm.test_killed_sync import start_child, wait_for_silence

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()


def empty() -> None:
    """No company, no run: what one example left must not reach the next."""
    for model in (SyncIssue, QuarantinedRow, SourceLink, CompanyEvent):
        model.objects.all().delete()
    Company.objects.all().delete()
    SyncRun.objects.all().delete()
    Source.objects.all().delete()


# --- SY-04: a feed whose pages come twice, in another order, overlapped ---
class Shuffled(Api):
    """The same feed, badly kept: pages repeat, versions of a record come out of order inside a page."""

    rng = Random(0)

    def changes(self, query: dict[str, str]) -> dict[str, Any]:
        answer = super().changes(query)
        items = list(answer["items"])
        self.rng.shuffle(items)
        return {**answer, "items": items + items[: len(items) // 2]}


@pytest.mark.parametrize("examples", [12, pytest.param(400, marks=pytest.mark.slow)])
def test_a_feed_out_of_order_ends_where_the_oracle_ends(start_sandbox: Callable[..., Sandbox], examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(seed=st.integers(0, 10**6), steps=st.lists(st.integers(1, 25), min_size=1, max_size=3))
    def check(seed: int, steps: list[int]) -> None:
        empty()
        sandbox = start_sandbox(api=Shuffled(make_world(seed % 50 + 1, 30)))
        Shuffled.rng = Random(seed)
        oracle = Oracle(sandbox.world)
        for number, step in enumerate([0, *steps]):
            if step:
                sandbox.world.advance(step)
            result = sandbox.sync(f"slot-{number}")
            assert result.ok, result.reason
            oracle = oracle.after(sandbox.world.seq)
        assert state_of_database() == oracle.state()

    check()


def test_canary_an_older_version_that_wins_is_caught(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The harness of SY-04 must see a merge in which the version that comes last counts, whatever its number says."""
    sandbox.sync("one")
    oracle = Oracle(sandbox.world).after(sandbox.world.seq)
    key = sandbox.keys()[0]
    sandbox.edit(key, employees=1)
    sandbox.edit(key, employees=2)
    plain = sandbox.api.changes

    def backwards(query: dict[str, str]) -> dict[str, Any]:
        answer = plain(query)
        return {**answer, "items": list(reversed(answer["items"]))}

    monkeypatch.setattr(sandbox.api, "changes", backwards)
    monkeypatch.setattr("crm.sync.merge_sql.NEWEST", "DELETE FROM {rows} a USING {rows} b WHERE a.key = b.key AND a.n < b.n")
    sandbox.sync("two")
    assert state_of_database() != oracle.after(sandbox.world.seq).state()


# --- SY-05: nothing new, nothing written ---
@pytest.mark.usefixtures("empty_audit")
@pytest.mark.parametrize("full", [False, True])
def test_a_sync_without_news_writes_no_row_no_event_and_no_line_of_audit(sandbox: Sandbox, full: bool) -> None:
    sandbox.sync("one")
    tables = ["crm_company", "crm_companyidentifier", "crm_companyname", "crm_companygrade", "crm_companyevent"]
    before = (state_of_database(), AuditBlock.objects.filter(table_name__in=tables).count())
    result = sandbox.sync("two", full=full)
    assert (result.counts["NEW"], result.counts["UPDATE"], result.counts["SKIP"]) == (0, 0, 60)
    assert (state_of_database(), AuditBlock.objects.filter(table_name__in=tables).count()) == before
    sandbox.edit(sandbox.keys()[0], employees=4_321)
    sandbox.sync("three")
    assert AuditBlock.objects.filter(table_name__in=tables).count() > before[1], "the count that is compared sees a change"


# --- SY-08: who comes second leaves clean ---
@pytest.mark.parametrize("starts", [2, pytest.param(50, marks=pytest.mark.slow)])
def test_two_workers_one_slot_one_merge(start_sandbox: Callable[..., Sandbox], starts: int) -> None:
    sandbox = start_sandbox(companies=300)
    oracle = Oracle(sandbox.world)
    for number in range(starts):
        sandbox.world.advance(20)
        pair = [start_child(sandbox, f"slot-{number}", "changes", "0") for _ in range(2)]
        for child in pair:
            child.wait(timeout=120)
        wait_for_silence()
        assert SyncRun.objects.filter(slot=f"slot-{number}").count() == 1
        if SyncRun.objects.get(slot=f"slot-{number}").status != "done":
            assert sandbox.sync(f"slot-{number}").ok
        oracle = oracle.after(sandbox.world.seq)
    assert state_of_database() == oracle.state()
    assert CompanyEvent.objects.values("company", "run").distinct().count() == CompanyEvent.objects.count()


# --- SY-09: bad rows wait, are mended, and arrive ---
@pytest.mark.parametrize("companies", [400, pytest.param(20_000, marks=pytest.mark.slow)])
def test_bad_rows_are_mended_in_quarantine_and_merged(start_sandbox: Callable[..., Sandbox], companies: int) -> None:
    sandbox = start_sandbox(companies=companies)
    good: dict[str, Any] = {}
    faults = [("creditCode", "91000000MA0000000X"), ("establishDate", "2023-02-29"), ("regCapital", "很多钱"),
              ("annualRevenue", "-")]
    for number, key in enumerate(sandbox.keys()[:: 100]):
        name, value = faults[number % len(faults)]
        good[key] = dict(sandbox.world.records[key])
        sandbox.edit(key, **{name: value})
    result = sandbox.sync("one")
    assert (result.counts["INVALID"], result.counts["NEW"]) == (len(good), companies - len(good))
    rows = list(QuarantinedRow.objects.filter(state="open"))
    assert {row.source_key for row in rows} == set(good)
    assert all(row.issues.exclude(field="").exclude(reason="").exists() for row in rows)
    for row in rows:
        wrong = set(row.issues.values_list("field", flat=True))
        row.corrected = {**row.payload, **{name: good[row.source_key][name] for name in wrong}}
        row.save()
    counts = replay_quarantine(rows=[row.pk for row in rows], by=None, now=NOW)
    assert (counts["REPLAYED"], counts["NEW"]) == (len(good), len(good))
    for record in good.values():
        sandbox.world.records[record["id"]] = record
    sandbox.world.log[:] = [(seq, op, key, good.get(key, record)) for seq, op, key, record in sandbox.world.log]
    assert state_of_database() == expected_state(sandbox.world)
    assert not QuarantinedRow.objects.filter(state="open").exists()
    assert sandbox.sync("two", full=True).counts["INVALID"] == 0


def test_a_row_that_is_still_wrong_waits_on_with_its_new_reason(sandbox: Sandbox) -> None:
    sandbox.edit(sandbox.keys()[0], creditCode="91000000MA0000000X")
    sandbox.sync("one")
    row = QuarantinedRow.objects.get()
    row.corrected = {**row.payload, "creditCode": uscc_for(77_777), "establishDate": "2023-02-29"}
    row.save()
    assert replay_quarantine(rows=[row.pk], by=None, now=NOW) == {"INVALID": 1}
    row.refresh_from_db()
    assert (row.state, row.issues.get().field) == ("open", "establishDate")


def test_a_mended_row_is_not_asked_for_again_while_the_source_repeats_it(sandbox: Sandbox) -> None:
    sandbox.edit(sandbox.keys()[0], employees="很多")
    sandbox.sync("one")
    row = QuarantinedRow.objects.get()
    row.corrected = {**row.payload, "employees": 12}
    row.save()
    replay_quarantine(rows=[row.pk], by=None, now=NOW)
    assert sandbox.sync("two", full=True).counts["INVALID"] == 0
    assert Company.objects.get(links__key=sandbox.keys()[0]).employees == 12


def test_a_replay_that_breaks_off_between_batches_goes_on_where_it_was(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a job, with a worker that is lost after the first batch: every row arrives, and none of them twice."""
    for number, key in enumerate(sandbox.keys()[:5]):
        sandbox.edit(key, employees="很多", tel=str(number))
    sandbox.sync("one")
    for row in QuarantinedRow.objects.all():
        row.corrected = {**row.payload, "employees": 12}
        row.save()
    rows, batches = list(QuarantinedRow.objects.order_by("pk").values_list("pk", flat=True)), []

    def breaking(**words: Any) -> dict[str, int]:
        batches.append(list(words["rows"]))
        if len(batches) == 2:
            raise OperationalError("gone")
        return replay_quarantine(**words)

    monkeypatch.setattr("crm.services.replay_quarantine.replay_quarantine", breaking)
    monkeypatch.setattr(start_replay, "BATCH", 2)
    job = start_replay.start_replay(rows=rows, by=make.user("officer"), now=NOW)  # the hint is taken at once here
    job.refresh_from_db()
    assert (job.state, QuarantinedRow.objects.filter(state="replayed").count()) == (Job.State.QUEUED, 2)
    jobs.run_due(clock=lambda: job.not_before)
    job.refresh_from_db()
    assert (job.state, job.result["counts"]) == (Job.State.DONE, {"SKIP": 2, "REPLAYED": 3, "NEW": 3})
    assert batches == [rows[:2], rows[2:4], rows[:2], rows[2:4], rows[4:]]
    assert set(QuarantinedRow.objects.values_list("handled_by__username", flat=True)) == {"officer"}
    assert Company.objects.filter(links__key__in=sandbox.keys()[:5], employees=12).count() == 5
    assert not CompanyEvent.objects.exists()


# --- SY-10: the source changes its format ---
def test_a_type_that_changes_everywhere_halts(sandbox: Sandbox) -> None:
    sandbox.sync("one")
    before = state_of_database()
    for key in list(sandbox.world.records):
        sandbox.edit(key, establishDate={"year": 2020})
    assert sandbox.sync("two", full=True).status == "halted"
    assert state_of_database() == before


# --- SY-11: a source that shows a part of itself ---
def test_a_listing_of_thirty_percent_halts_and_marks_nobody(sandbox: Sandbox) -> None:
    sandbox.sync("one")
    before = state_of_database()
    for key in sandbox.keys()[18:]:
        del sandbox.world.records[key]
    result = sandbox.sync("two", full=True)
    assert result.status == "halted", result
    assert state_of_database() == before
    assert not SourceLink.objects.exclude(gone="").exists()


# --- what came twice, what was never here, what a person has looked at ---
def test_a_code_that_comes_twice_goes_to_the_first_and_the_other_waits(sandbox: Sandbox) -> None:
    one, two = sandbox.keys()[:2]
    sandbox.edit(two, creditCode=sandbox.world.records[one]["creditCode"])
    result = sandbox.sync("one")
    assert (result.counts["NEW"], result.counts["ERROR"]) == (59, 1)
    assert "已使用代码" in SyncIssue.objects.get(severity="error").reason
    assert QuarantinedRow.objects.get().source_key in (one, two)


def test_two_records_of_one_company_are_not_merged_over_each_other(sandbox: Sandbox) -> None:
    sandbox.sync("one")
    one, two = sandbox.keys()[:2]
    former = sandbox.world.records[one]["creditCode"]
    sandbox.edit(one, creditCode=uscc_for(88_888))
    sandbox.sync("two")
    twin = {**sandbox.world.records[two], "id": "SZ-other", "creditCode": former}
    sandbox.edit(one, employees=77)
    sandbox.world.put(twin)
    result = sandbox.sync("three")
    assert result.counts["ERROR"] == 1
    assert "同一家企业" in SyncIssue.objects.get(severity="error").reason
    assert Company.objects.count() == 60


def test_results_add_up_to_what_was_fetched(sandbox: Sandbox) -> None:
    sandbox.sync("one")
    sandbox.edit(sandbox.keys()[0], employees=9_999)
    sandbox.edit(sandbox.keys()[1], employees="很多")
    counts = sandbox.sync("two", full=True).counts
    assert counts["fetched"] == 60 == sum(counts[name] for name in ("NEW", "UPDATE", "SKIP", "INVALID", "ERROR", "REVIEW"))
    assert (counts["UPDATE"], counts["INVALID"]) == (1, 1)


def test_a_tombstone_for_a_stranger_is_told_and_counts_nothing(sandbox: Sandbox) -> None:
    sandbox.sync("one")
    stranger = sandbox.world.found()
    sandbox.world.put(stranger)
    sandbox.world.remove(stranger["id"])
    counts = sandbox.sync("two").counts
    assert (counts["NEW"], counts["removed"], counts["redacted"], counts["SKIP"]) == (0, 0, 0, 60)
    assert "本系统没有" in SyncIssue.objects.get(severity="notice").reason


@pytest.mark.parametrize("state", ["open", "dismissed"])
def test_a_bad_record_that_comes_again_leaves_the_row_that_a_person_works_on(sandbox: Sandbox, state: str) -> None:
    sandbox.edit(sandbox.keys()[0], employees="很多")
    sandbox.sync("one")
    QuarantinedRow.objects.update(corrected={"half": "done"}, state=state)
    assert sandbox.sync("two", full=True).counts["INVALID"] == 1
    assert list(QuarantinedRow.objects.order_by("id").values_list("state", "corrected")) == [
        (state, {"half": "done"}), ("superseded", None),
    ]
    sandbox.edit(sandbox.keys()[0], employees="更多")
    sandbox.sync("three", full=True)
    assert QuarantinedRow.objects.filter(state="open").get().payload["employees"] == "更多"
