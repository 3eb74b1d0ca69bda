"""The loser of two saves sees both values on the page and decides, field by field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from chains.models import Chain, Placement
from office import scope
from office.models import User
from office.roles import DEPARTMENT, OFFICER
from projects.models import Carrier, Project
from tests import factories as make
from tests.api.test_races import SETS, form

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client: Client, officer: User) -> Client:
    client.force_login(officer)
    return client


def opened(page: Client, project: Project) -> tuple[str, dict[str, Any]]:
    """The form as a browser would post it, with the marks of what it showed."""
    address, data = form(page, project.pk)
    return address, data | {"seen_values": page.get(address).context["versions"]["values"]}


def disputes(answer: Any) -> dict[str, tuple[Any, Any, str]]:
    return {row.name: (row.mine, row.now, row.choice) for row in answer.context["versions"]["disputes"]}


def test_what_only_one_side_touched_is_chosen_and_what_both_touched_is_not(page: Client, project: Project) -> None:
    address, data = opened(page, project)
    Project.objects.filter(pk=project.pk).update(summary="同事的简介", next_step="同事的下一步")
    answer = page.post(address, data | {"next_step": "我的下一步", "source_place": "我的来源地"})
    assert answer.status_code == 200
    assert disputes(answer) == {
        "summary": ("（空）", "同事的简介", "now"), "source_place": ("我的来源地", "（空）", "mine"),
        "next_step": ("我的下一步", "同事的下一步", ""),
    }
    html = answer.content.decode()
    assert html.count('type="radio" name="keep-') == 6
    assert html.count(" checked>") >= 2
    assert 'value="我的下一步"' in html
    project.refresh_from_db()
    assert project.next_step == "同事的下一步"


def second(answer: Any, data: dict[str, Any], **choices: str) -> dict[str, Any]:
    seen = answer.context["versions"]
    picked = {f"keep-{name}": choice for name, choice in choices.items()}
    return data | picked | {
        "seen_version": seen["seen"].value(), "seen_values": seen["values"], "disputed": [row.name for row in seen["disputes"]],
    }


def test_the_choices_are_applied_by_the_next_save(page: Client, project: Project) -> None:
    address, data = opened(page, project)
    data |= {"next_step": "我的下一步", "total_investment": "3000万元", "expected_output": "不是数"}
    Project.objects.filter(pk=project.pk).update(summary="同事的简介", next_step="同事的下一步", expected_output=70_000_000)
    refused = page.post(address, data)
    assert disputes(refused)["expected_output"][:2] == ("不是数", "7000万元")
    choices = {"summary": "now", "next_step": "mine", "total_investment": "mine", "expected_output": "now"}
    assert page.post(address, second(refused, data, **choices)).status_code == 302
    project.refresh_from_db()
    assert (project.summary, project.next_step) == ("同事的简介", "我的下一步")
    assert (project.total_investment, project.expected_output) == (30_000_000, 70_000_000)


def test_a_choice_left_open_is_asked_again_with_the_others_kept(page: Client, project: Project) -> None:
    address, data = opened(page, project)
    Project.objects.filter(pk=project.pk).update(summary="同事的简介", next_step="同事的下一步")
    data |= {"next_step": "我的", "summary": "我的简介"}
    refused = page.post(address, data)
    asked = page.post(address, second(refused, data, summary="now"))
    assert asked.status_code == 200
    assert disputes(asked) == {
        "summary": ("我的简介", "同事的简介", "now"), "next_step": ("我的", "同事的下一步", ""),
    }
    assert page.post(address, second(asked, data, summary="now", next_step="now")).status_code == 302
    project.refresh_from_db()
    assert (project.summary, project.next_step) == ("同事的简介", "同事的下一步")


def test_a_third_writer_in_between_is_shown_too(page: Client, project: Project) -> None:
    address, data = opened(page, project)
    data["next_step"] = "我的"
    Project.objects.filter(pk=project.pk).update(next_step="第二人")
    refused = page.post(address, data)
    Project.objects.filter(pk=project.pk).update(next_step="第三人")
    again = page.post(address, second(refused, data, next_step="mine"))
    assert again.status_code == 200
    assert disputes(again)["next_step"][1] == "第三人"
    project.refresh_from_db()
    assert project.next_step == "第三人"


def test_a_move_is_never_chosen_for_anybody(page: Client, project: Project) -> None:
    address, data = opened(page, project)
    data["move_to"] = "screening"
    assert page.post(address, data).status_code == 302
    twice = page.post(address, data)
    assert disputes(twice) == {"move_to": ("研判", "（空）", "")}
    assert "现在的阶段：<b>研判</b>" in twice.content.decode()


def test_hidden_columns_never_appear(page: Client, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    address, data = opened(page, project)
    Project.objects.filter(pk=project.pk).update(total_investment=990_000_000, next_step="同事的下一步")
    assert "total_investment" in disputes(page.post(address, data)), "the canary: without a mask it is shown"
    rules = scope._scopes[Project]
    monkeypatch.setattr(rules, "hidden", {**rules.hidden, OFFICER: frozenset({"total_investment", "stage"})})
    answer = page.post(address, data)
    assert set(disputes(answer)) == {"next_step"}
    assert "9.9亿元" not in answer.content.decode()
    assert "total_investment" not in json.loads(answer.context["versions"]["values"])
    assert "现在的阶段" not in answer.content.decode()


def test_who_and_when(page: Client, project: Project) -> None:
    address, data = opened(page, project)
    other, theirs = opened(page, project)
    assert page.post(other, theirs | {"next_step": "同事的下一步"}).status_code == 302
    html = page.post(address, data | {"next_step": "我的"}).content.decode()
    assert "现在的内容由 <b>officer</b> 于" in html


@pytest.mark.parametrize("values", ["", "{", "[]", "[" * 20_000, "null", '{"next_step": 1}'])
def test_senseless_marks_are_only_a_missing_hint(page: Client, project: Project, values: str) -> None:
    address, data = opened(page, project)
    Project.objects.filter(pk=project.pk).update(next_step="同事的下一步")
    answer = page.post(address, data | {"next_step": "我的", "seen_values": values})
    assert disputes(answer)["next_step"] == ("我的", "同事的下一步", "")


def test_values_are_escaped(page: Client, project: Project) -> None:
    address, data = opened(page, project)
    Project.objects.filter(pk=project.pk).update(next_step="<script>alert(1)</script>")
    html = page.post(address, data | {"next_step": "<img src=x>", "disputed": "<b>"}).content.decode()
    assert "<script>alert(1)" not in html
    assert "<img src=x>" not in html


@pytest.mark.parametrize("name", ["zone", "chain"])
def test_every_page_has_it(client: Client, chain: Chain, carrier: Carrier, name: str) -> None:
    """One place for all pages: the zone's and the chain's have no code of their own for it."""
    client.force_login(make.user("head", DEPARTMENT))
    row = chain if name == "chain" else carrier.zone
    address = f"/admin/{row._meta.app_label}/{name}/{row.pk}/change/"
    answer = client.get(address)
    data = {key: "" if value is None else value for key, value in answer.context["adminform"].form.initial.items()}
    for table in answer.context["inline_admin_formsets"]:
        data |= {f"{table.formset.prefix}-{key}_FORMS": 0 for key in ("TOTAL", "INITIAL")}
    type(row)._default_manager.filter(pk=row.pk).update(**{"focus": "新方向"} if name == "zone" else {"summary": "新概要"})
    refused = client.post(address, data)
    assert refused.status_code == 200
    assert "没有保存" in refused.content.decode()
    assert client.post(address, data | {"seen_version": row.version + 1}).status_code == 302


# -- placements


def test_a_button_on_a_stale_page_decides_nothing(page: Client, placement: Placement) -> None:
    address = f"/admin/chains/placement/{placement.pk}/change/"
    Placement.objects.filter(pk=placement.pk).update(state="rejected", probability=0)
    answer = page.post(address, {"revenue_share": "1.0", "seen_version": 1, "chains_placement_confirm_one": "1"})
    assert answer.status_code == 200
    placement.refresh_from_db()
    assert placement.state == "rejected"


def act(page: Client, name: str, *rows: Placement) -> str:
    data = {"action": name, "_selected_action": [row.pk for row in rows]}
    return str(page.post("/admin/chains/placement/", data, follow=True).content.decode())


def test_many_at_once_leave_a_colleagues_decision_and_name_every_result(
    page: Client, officer: User, colleague: User, placement: Placement, chain: Chain
) -> None:
    theirs = make.place(chain, "screen", placement.company, state="rejected", decided_by=colleague)
    mine = make.place(chain, "oled", placement.company, state="confirmed", decided_by=officer)
    html = act(page, "confirm", placement, theirs, mine)
    assert "已确认 1 条" in html
    assert "1 条原已确认" in html
    assert "1 条已由他人作出相反的决定" in html
    assert set(Placement.objects.values_list("state", flat=True)) == {"confirmed", "rejected"}
    theirs.refresh_from_db()
    assert (theirs.state, theirs.decided_by) == ("rejected", colleague)
    assert "已否定 1 条" in act(page, "reject", mine)


def test_many_at_once_stay_within_what_the_person_may_change(
    page: Client, officer: User, placement: Placement, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = scope.changeable_by
    monkeypatch.setattr(scope, "changeable_by", lambda user, rows: real(user, rows).none())
    assert "1 条不在您的权限内" in act(page, "confirm", placement)
    placement.refresh_from_db()
    assert placement.state == "candidate"
    assert SETS
