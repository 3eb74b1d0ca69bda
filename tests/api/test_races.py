"""CR-01: two officers write one record, by the page and by the API, 200 times: nothing accepted is lost.

A write is accepted when its answer says so (302, 200). It is lost when it is neither what stands at the end nor what a
later accepted writer saw and wrote over. Each writer appends his mark to a text that he has read: whoever writes over a
text that he did not see drops the marks in it, and the marks that are missing at the end are the lost writes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from office import versions
from office.models import User
from office.roles import OFFICER, TEAM_LEAD
from projects.models import Commitment, Project
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)
THREADS, ROUNDS = 8, 25
SETS = ("commitments", "stage_changes", "assignments", "placements")
Writer = Callable[[Client, int, str], bool]


@pytest.fixture
def project() -> Project:
    return make.project(make.user("officer", OFFICER, TEAM_LEAD), make.company("示例公司"))


def by_api(client: Client, pk: int, mark: str) -> bool:
    read = client.get("/api/v1/projects/P2026-0001/")
    answer = client.patch(
        "/api/v1/projects/P2026-0001/", {"summary": f"{read.json()['summary']}{mark}"[-200:]},
        content_type="application/json", headers={"If-Match": read["ETag"]},
    )
    assert answer.status_code in (200, 412), answer.content
    if answer.status_code == 412:
        assert {"current", "yours"} <= answer.json().keys()
    return answer.status_code == 200


def form(client: Client, pk: int) -> tuple[str, dict[str, Any]]:
    address = f"/admin/projects/project/{pk}/change/"
    opened = client.get(address).context["adminform"].form
    data = {name: opened[name].value() for name in opened.fields}
    data = {name: "" if value is None else value for name, value in data.items()}
    data |= {f"{name}-{key}_FORMS": 0 for name in SETS for key in ("TOTAL", "INITIAL")}
    return address, data | {"move_date": timezone.localdate().isoformat()}


def by_page(client: Client, pk: int, mark: str) -> bool:
    """Reads the page as a browser does: the test client's `context` is shared by all threads."""
    address = f"/admin/projects/project/{pk}/change/"
    opened = client.get(address).content.decode()
    text = _value(opened, "summary")
    data = BASE[pk] | {"seen_version": _value(opened, "seen_version"), "summary": f"{text}{mark}"[-200:]}
    answer = client.post(address, data)
    assert answer.status_code in (200, 302), answer.status_code
    if answer.status_code == 200:
        assert 'name="keep-summary"' in answer.content.decode()
    return answer.status_code == 302


BASE: dict[int, dict[str, Any]] = {}


def _value(page: str, name: str) -> str:
    found = re.search(rf'<input[^>]* name="{name}"[^>]*>', page)
    assert found, name
    value = re.search(r' value="([^"]*)"', found[0])
    return html.unescape(value[1]) if value else ""


def race(project: Project, writers: list[Writer], rounds: int) -> tuple[set[str], set[str]]:
    """Marks accepted, and those of them that are missing at the end. Every round starts from an empty text."""
    person = User.objects.get(username="officer")
    accepted: set[str] = set()
    lost: set[str] = set()
    barrier = Barrier(THREADS)
    reader = Client()
    reader.force_login(person)
    BASE[project.pk] = form(reader, project.pk)[1]

    def work(number: int, turn: int) -> str | None:
        client, mark = Client(), f"<{turn}.{number}>"
        client.force_login(person)
        barrier.wait()
        try:
            return mark if writers[number % len(writers)](client, project.pk, mark) else None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        for turn in range(rounds):
            Project.objects.filter(pk=project.pk).update(summary="")
            marks = {mark for mark in pool.map(work, range(THREADS), [turn] * THREADS) if mark}
            text = Project.objects.values_list("summary", flat=True).get(pk=project.pk)
            accepted |= marks
            lost |= marks - set(re.findall(r"<[0-9.]+>", text))
    return accepted, lost


@pytest.mark.parametrize("rounds", [4, pytest.param(ROUNDS, marks=pytest.mark.slow)])
def test_nothing_accepted_is_lost(project: Project, rounds: int) -> None:
    """8 people at once; 25 rounds make the 200 races."""
    accepted, lost = race(project, [by_api, by_page], rounds)
    assert len(accepted) >= rounds, "somebody is accepted in every round"
    assert lost == set()


def test_canary_without_the_comparison_writes_are_lost(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same people, the same pages; only nobody compares."""
    monkeypatch.setattr(versions, "lock", lambda rows, *, seen, **key: rows.objects.get(**key))
    _accepted, lost = race(project, [by_api, by_page], 4)
    assert lost


def test_rows_inside_a_page_are_refused_with_the_page(project: Project) -> None:
    """Two officers change one commitment: the second one's rows are kept in the form, and nothing of his is saved."""
    row = Commitment.objects.create(project=project, metric="tax", year=2027, amount=100, entered_as="100元")
    client = Client()
    client.force_login(project.officer)

    def with_amount(data: dict[str, Any], text: str) -> dict[str, Any]:
        return data | {
            "commitments-TOTAL_FORMS": 1, "commitments-INITIAL_FORMS": 1, "commitments-0-id": row.pk,
            "commitments-0-project": project.pk, "commitments-0-agreement_version": 1, "commitments-0-metric": "tax",
            "commitments-0-year": 2027, "commitments-0-amount": text,
        }

    (address, first), (_same, second) = form(client, project.pk), form(client, project.pk)
    assert client.post(address, with_amount(first, "200元")).status_code == 302
    refused = client.post(address, with_amount(second, "300元") | {"summary": "也没保存"})
    assert refused.status_code == 200
    row.refresh_from_db()
    project.refresh_from_db()
    assert (row.amount, project.summary) == (200, "")
    told = {dispute.name: dispute for dispute in refused.context["versions"]["disputes"]}
    assert "承诺值：200元" in told["table:commitments"].now[0]
    assert "承诺值：300元" in told["table:commitments"].mine[0]
    assert 'value="300元"' in refused.content.decode()

    again = with_amount(second, "300元") | {"summary": "也没保存", "disputed": ["summary", "table:commitments"]}
    again["seen_version"] = refused.context["adminform"].form["seen_version"].value()
    unsettled = client.post(address, again)
    assert unsettled.status_code == 200
    assert client.post(address, again | {"keep-summary": "mine", "keep-table:commitments": "now"}).status_code == 302
    row.refresh_from_db()
    project.refresh_from_db()
    assert (row.amount, project.summary) == (200, "也没保存")
