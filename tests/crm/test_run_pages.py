"""Runs on screen: live while they run, their figures and reasons in words, and buttons that enqueue one job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from crm.admin.sync import progress_words
from crm.models import QuarantinedRow, Source, SyncIssue, SyncRun
from crm.services.start_sync import KIND, start_sync
from office.models import Job
from office.roles import DEPARTMENT, OFFICER, TEAM_LEAD
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    return Source.objects.create(code="s", name="某源")


@pytest.fixture
def run(source: Source) -> Callable[..., SyncRun]:
    return lambda **fields: SyncRun.objects.create(source=source, **{"slot": "one", "mode": "full", **fields})


@pytest.fixture
def lead() -> Client:
    client = Client()
    client.force_login(make.user("lead", TEAM_LEAD))
    return client


def page(run: SyncRun) -> str:
    return reverse("admin:crm_syncrun_change", args=[run.pk])


def said(answer: Any) -> str:
    return "".join(str(message) for message in get_messages(answer.wsgi_request))


def test_a_running_one_shows_its_progress_and_comes_again(lead: Client, run: Callable[..., SyncRun]) -> None:
    progress = {"phase": "fetch", "pages": 12, "rows": 6000, "total": 20000, "calls": 12, "seconds": 3.2}
    answer = lead.get(page(run(status="running", progress=progress)))
    body = answer.content.decode()
    assert answer["Refresh"] == "3"
    assert 'max="20000" value="6000"' in body
    assert "正在读取，6,000 / 20,000 条，第 12 页，调用 12 次，已用 3.2 秒" in body


@pytest.mark.parametrize("status", ["done", "failed", "halted"])
def test_one_that_has_ended_stands_still(lead: Client, run: Callable[..., SyncRun], status: str) -> None:
    assert "Refresh" not in lead.get(page(run(status=status))).headers


@pytest.mark.parametrize(
    ("progress", "words"), [({}, ""), ({"rows": 5}, "5 条"), ({"phase": "merge"}, "正在并入"), ({"phase": "?"}, "")]
)
def test_progress_says_only_what_is_known(progress: dict[str, Any], words: str) -> None:
    assert progress_words(progress) == words


def test_figures_reasons_and_links(lead: Client, run: Callable[..., SyncRun]) -> None:
    found = run(status="done", counts={"NEW": 1200, "INVALID": 2, "seconds": 1.5})
    for number in range(2):
        row = QuarantinedRow.objects.create(run=found, source_key=f"K{number}", payload={})
        SyncIssue.objects.create(run=found, row=row, field="regCap", reason="看不懂")
    body = lead.get(page(found)).content.decode()
    assert all(text in body for text in ("新增：1,200", "不合规：2", "regCap 看不懂：2 条", "隔离行 2 条", "数据分歧 0 条"))
    link = f"{reverse('admin:crm_quarantinedrow_changelist')}?run__id__exact={found.pk}"
    assert link in body
    assert len(lead.get(link).context["cl"].result_list) == 2


def test_the_button_enqueues_one_job_for_any_number_of_people(lead: Client, source: Source) -> None:
    director = Client()
    director.force_login(make.user("director", DEPARTMENT))
    address = reverse("admin:crm_source_sync_now", args=[source.pk])
    assert lead.get(address).status_code == 200
    assert Job.objects.filter(kind=KIND).count() == 0
    assert "已排队" in said(lead.post(address, {"full": "on"}))
    assert "没有重复开始" in said(director.post(address))
    job = Job.objects.get(kind=KIND)
    assert {name: job.payload[name] for name in ("source", "full")} == {"source": "s", "full": True}


def test_a_failed_run_is_retried_the_same_way(lead: Client, run: Callable[..., SyncRun]) -> None:
    failed = run(status="failed", reason="对方没有应答")
    address = reverse("admin:crm_syncrun_retry", args=[failed.pk])
    assert "对方没有应答" in lead.get(address).content.decode()
    lead.post(address)
    assert Job.objects.get(kind=KIND).payload["full"] is True


def test_a_run_that_ended_well_is_not_retried(lead: Client, run: Callable[..., SyncRun]) -> None:
    assert lead.post(reverse("admin:crm_syncrun_retry", args=[run(status="done").pk])).status_code == 200
    assert not Job.objects.filter(kind=KIND).exists()


def test_an_officer_has_no_button(source: Source) -> None:
    client = Client()
    client.force_login(make.user("officer", OFFICER))
    assert "立即同步" not in client.get(reverse("admin:crm_source_change", args=[source.pk])).content.decode()
    assert client.post(reverse("admin:crm_source_sync_now", args=[source.pk])).status_code == 403
    assert not Job.objects.filter(kind=KIND).exists()


def test_a_source_whose_last_sync_has_ended_is_started_again(source: Source) -> None:
    person = make.user("lead", TEAM_LEAD)
    first, _new = start_sync(source_id=source.pk, full=False, by=person, now=make.NOW)
    Job.objects.filter(pk=first.pk).update(state=Job.State.DONE)
    second, new = start_sync(source_id=source.pk, full=False, by=person, now=make.NOW.replace(minute=31))
    assert new
    assert second.pk != first.pk
