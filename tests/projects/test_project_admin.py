"""The officers' project pages, through the forms that they post."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from office.forms import amount_text
from office.models import User
from office.roles import ADMINISTRATOR, CHAIN_LEADER, OFFICER, TEAM_LEAD
from projects.models import Carrier, Commitment, Project, StageChange, Zone
from projects.services import register
from projects.services.transition import change_side_state
from projects.services.update import update_project
from tests import factories as make

pytestmark = pytest.mark.django_db
LIST, ADD = "admin:projects_project_changelist", "admin:projects_project_add"
START = dt.date(2026, 3, 2)
BLANK_SETS = ("commitments", "stage_changes", "assignments", "placements")
MEANINGLESS = ["NaN", "Infinity", "1e30", "abc", "3000万元/年", "一百万"]


@pytest.fixture
def officer() -> User:
    return make.user("officer", OFFICER)


@pytest.fixture
def page(client: Client, officer: User) -> Client:
    client.force_login(officer)
    return client


@pytest.fixture
def project(officer: User) -> Project:
    return make.project(officer, make.company("深圳市示例芯有限公司"), on=START, expected_output=Decimal(60_000_000))


def address(project: Project) -> str:
    return reverse("admin:projects_project_change", args=[project.pk])


def form_data(project: Project | None, **values: Any) -> dict[str, Any]:
    """What the browser posts when an officer opens the page, changes `values` and saves."""
    data: dict[str, Any] = {}
    for name in BLANK_SETS:
        data |= {f"{name}-TOTAL_FORMS": 0, f"{name}-INITIAL_FORMS": 0}
    if project is not None:
        project.refresh_from_db()
        data |= {
            "name": project.name, "company": project.company_id, "track": project.track, "officer": project.officer_id,
            "carrier": project.carrier_id or "", "source_place": project.source_place, "summary": project.summary,
            "next_step": project.next_step, "total_investment": "", "move_to": "", "side_to": "", "move_reason": "",
            "expected_output": amount_text(project.expected_output) if project.expected_output else "",
            "move_date": timezone.localdate().isoformat(), "seen_version": project.version,
        }
    return data | values


def save(page: Client, project: Project, **values: Any) -> Any:
    response = page.post(address(project), form_data(project, **values))
    assert response.status_code in (200, 302)
    project.refresh_from_db()
    return response


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200, "saved, though it should have been refused"
    return dict(response.context["adminform"].form.errors)


def new(officer: User, **values: Any) -> dict[str, Any]:
    company = make.company("深圳市示例屏有限公司", number=7)
    fresh = {
        "name": "示例显示项目", "company": company.pk, "track": "building", "officer": officer.pk,
        "total_investment": "1.2亿元", "expected_output": "3000万元", "move_date": timezone.localdate().isoformat(),
    }
    return form_data(None, **(fresh | values))


# -- adding


def test_an_officer_adds_a_project(page: Client, officer: User) -> None:
    chain = make.chain()
    node = chain.nodes.get(code="chip")
    aim = {"placements-TOTAL_FORMS": 1, "placements-0-node": node.pk}
    response = page.post(reverse(ADD), new(officer, **aim))
    assert response.status_code == 302, response.context["errors"]
    project = Project.objects.get()
    assert (project.stage, project.total_investment, project.expected_output) == ("lead", 120_000_000, 30_000_000)
    assert project.code == f"P{timezone.localdate().year}-0001"
    assert project.stage_changes.get().by == officer
    assert project.assignments.get().officer == officer
    placement = project.placements.get()
    assert (placement.node, placement.probability, placement.state, placement.source) == (node, 1.0, "confirmed", "officer")


def test_the_form_proposes_the_officer_who_opens_it(page: Client, officer: User) -> None:
    form = page.get(reverse(ADD)).context["adminform"].form
    assert form.initial["officer"] == officer.pk
    assert "move_to" not in form.fields


def test_a_project_needs_a_name_and_a_company(page: Client, officer: User) -> None:
    found = errors(page.post(reverse(ADD), new(officer, name="", company="")))
    assert set(found) == {"name", "company"}
    assert not Project.objects.exists()


def test_two_officers_get_two_numbers(page: Client, officer: User) -> None:
    """The second reads the newest number before the first has written it."""
    taken = make.project(officer, make.company("先到的企业", number=3), code=register.next_code(on=timezone.localdate()))
    real, answers = register.next_code, [taken.code]
    with mock.patch.object(register, "next_code", lambda *, on: answers.pop() if answers else real(on=on)):
        assert page.post(reverse(ADD), new(officer)).status_code == 302
    assert not answers
    assert Project.objects.get(name="示例显示项目").code == f"P{timezone.localdate().year}-0002"


def test_a_number_taken_in_the_same_moment_is_tried_again(officer: User) -> None:
    answers = [IntegrityError('duplicate key value violates unique constraint "projects_project_code_key"')]
    real = register.register_project

    def register_project(**values: Any) -> Project:
        if answers:
            raise answers.pop()
        return real(**values)

    with mock.patch.object(register, "register_project", register_project):
        made = register.register_next(on=START, name="项目", company=make.company("企业"), officer=officer, by=officer)
    assert made.code == "P2026-0001"


def test_another_fault_is_not_tried_again(officer: User) -> None:
    fault = IntegrityError("null value in column officer_id")
    with mock.patch.object(register, "register_project", side_effect=fault) as called, pytest.raises(IntegrityError):
        register.register_next(on=START, name="项目", company=None, officer=officer, by=officer)
    assert called.call_count == 1


def test_numbers_go_on_after_9999_and_pass_over_foreign_ones(officer: User) -> None:
    company = make.company("企业")
    for code in ("P2026-9999", "P2026-10000", "P2026-试点"):
        make.project(officer, company, code=code)
    assert register.next_code(on=START) == "P2026-10001"


# -- editing and money


def test_an_edit_stores_the_fields_and_raises_the_version(page: Client, project: Project) -> None:
    assert save(page, project, next_step="上门走访", expected_output="1.2亿元").status_code == 302
    assert (project.next_step, project.expected_output, project.version) == ("上门走访", 120_000_000, 2)
    assert project.stage_changes.count() == 1
    assert project.assignments.count() == 1


@pytest.mark.parametrize(("text", "yuan"), [
    ("3000万元", 30_000_000), ("1.2亿元", 120_000_000), ("５０００万", 50_000_000), ("5,000,000", 5_000_000), ("", None),
])
def test_money_is_read_exactly(page: Client, project: Project, text: str, yuan: int | None) -> None:
    assert save(page, project, total_investment=text).status_code == 302
    assert project.total_investment == yuan


@pytest.mark.parametrize(("text", "message"), [
    *((text, "看不懂的金额") for text in MEANINGLESS), ("500万美元", "折算为人民币"), ("-300万元", "不能为负"),
    ("0", "须大于 0"), ("2000000000亿元", "检查单位"), ("0.001元", "小数"),
])
def test_money_that_makes_no_sense_is_refused_at_its_field(page: Client, project: Project, text: str, message: str) -> None:
    found = errors(save(page, project, expected_output=text, next_step="没有丢"))
    assert message in "".join([*found.get("expected_output", []), *found.get("__all__", [])])
    assert (project.expected_output, project.version) == (60_000_000, 1)


def test_what_was_entered_is_kept_beside_the_error(page: Client, project: Project) -> None:
    html = save(page, project, expected_output="NaN", next_step="约下周面谈").content.decode()
    assert 'value="NaN"' in html
    assert 'value="约下周面谈"' in html


@pytest.mark.parametrize("yuan", ["30000000", "123456789.01", "0.01", "999999999999", "10000", "9999.99", "120000000.00"])
def test_the_amount_that_is_shown_says_the_amount_that_is_stored(page: Client, project: Project, yuan: str) -> None:
    Project.objects.filter(pk=project.pk).update(total_investment=Decimal(yuan))
    form = page.get(address(project)).context["adminform"].form
    save(page, project, total_investment=form["total_investment"].value())
    assert project.total_investment == Decimal(yuan)


# -- moves


def test_one_step_forward(page: Client, project: Project, officer: User) -> None:
    assert save(page, project, move_to="screening").status_code == 302
    assert (project.stage, project.stage_since) == ("screening", timezone.localdate())
    change = project.stage_changes.order_by("id").last()
    assert (change.from_stage, change.to_stage, change.by) == ("lead", "screening", officer)


def test_a_jump_is_refused_at_the_field(page: Client, project: Project) -> None:
    assert "请按当前阶段重选" in "".join(errors(save(page, project, move_to="signed"))["move_to"])
    assert project.stage == "lead"


def test_a_step_back_needs_a_reason(page: Client, project: Project) -> None:
    save(page, project, move_to="screening", move_date="2026-03-05")
    found = errors(save(page, project, move_to="lead"))
    assert "须写明原因" in "".join(found["move_to"])
    assert project.stage == "screening"
    assert save(page, project, move_to="lead", move_reason="企业暂无选址计划").status_code == 302
    assert project.stage == "lead"


def test_pausing_needs_a_reason_and_a_paused_project_stands_still(page: Client, project: Project) -> None:
    assert "须写明原因" in "".join(errors(save(page, project, side_to="paused"))["side_to"])
    assert save(page, project, side_to="paused", move_reason="等批复").status_code == 302
    assert project.side_state == "paused"
    assert "须先重启" in "".join(errors(save(page, project, move_to="screening"))["move_to"])


def test_pause_and_move_in_one_form_is_refused_and_restart_and_move_is_not(page: Client, project: Project) -> None:
    found = errors(save(page, project, side_to="paused", move_to="screening", move_reason="等批复"))
    assert "须先重启" in "".join(found["move_to"])
    save(page, project, side_to="paused", move_reason="等批复")
    assert save(page, project, side_to="active", move_to="screening").status_code == 302
    assert (project.side_state, project.stage) == ("active", "screening")


def test_track_and_stage_change_together(page: Client, project: Project) -> None:
    for stage in ("screening", "negotiating", "pre_signing", "signed", "registered"):
        save(page, project, move_to=stage)
    found = errors(save(page, project, track="land", move_to="moved_in"))
    assert "不能从" in "".join(found["move_to"])
    assert save(page, project, track="land").status_code == 302
    assert save(page, project, move_to="landed").status_code == 302
    assert "没有这个阶段" in "".join(errors(save(page, project, track="building"))["track"])
    assert (project.track, project.stage) == ("land", "landed")


@pytest.mark.parametrize(("day", "message"), [
    ("2026-03-01", "早于上一次变动"), ("2199-01-01", "不能晚于今天"), ("昨天", "有效的日期"),
])
def test_a_wrong_date_is_refused_at_its_field(page: Client, project: Project, day: str, message: str) -> None:
    found = errors(save(page, project, move_to="screening", move_date=day))
    assert message in "".join(found["move_date"])
    assert project.stage == "lead"


# -- handover


def test_a_handover(page: Client, project: Project) -> None:
    other = make.user("colleague", OFFICER)
    assert "须写明原因" in "".join(errors(save(page, project, officer=other.pk))["move_reason"])
    assert save(page, project, officer=other.pk, move_reason="调岗").status_code == 302
    assert project.officer == other
    assert [row.officer.username for row in project.assignments.order_by("period")] == ["officer", "colleague"]


def test_a_handover_before_the_last_one_is_refused(page: Client, project: Project) -> None:
    other = make.user("colleague", OFFICER)
    found = errors(save(page, project, officer=other.pk, move_reason="调岗", move_date="2026-01-01"))
    assert "不能早于" in "".join(found["move_date"])
    assert project.officer.username == "officer"


@pytest.mark.parametrize("role", [CHAIN_LEADER, ADMINISTRATOR])
def test_only_officers_answer_for_projects(page: Client, project: Project, role: str) -> None:
    found = errors(save(page, project, officer=make.user("other", role).pk, move_reason="调岗"))
    assert "不能担任专人" in "".join(found["officer"])
    assert project.officer.username == "officer"


def test_a_project_of_a_former_officer_can_still_be_edited(client: Client, project: Project) -> None:
    """By the lead of the group, since a colleague does not see it."""
    group = make.department("team-1")
    User.objects.filter(pk=project.officer_id).update(is_active=False, department=group)
    client.force_login(make.user("lead", TEAM_LEAD, department=group))
    assert save(client, project, next_step="交接前先更新").status_code == 302
    assert project.next_step == "交接前先更新"


# -- two at once


def test_the_same_form_sent_twice_makes_one_transition(page: Client, project: Project) -> None:
    data = form_data(project, move_to="screening", next_step="第二步")
    assert page.post(address(project), data).status_code == 302
    second = page.post(address(project), data)
    assert "同一表单提交了两次" in "".join(errors(second)["__all__"])
    assert StageChange.objects.filter(project=project, to_stage="screening").count() == 1


def test_a_step_back_sent_twice_makes_one_transition(page: Client, project: Project) -> None:
    """After a pause, a second pause would be refused anyway; a step back by two stages would not."""
    for stage in ("screening", "negotiating"):
        save(page, project, move_to=stage)
    data = form_data(project, move_to="lead", move_reason="重新研判")
    assert page.post(address(project), data).status_code == 302
    assert page.post(address(project), data).status_code == 200
    assert project.stage_changes.filter(to_stage="lead", from_stage="negotiating").count() == 1


def test_an_edit_over_a_colleagues_edit_is_shown_first(page: Client, project: Project) -> None:
    mine = form_data(project, next_step="我写的")
    project.next_step = "同事写的"
    update_project(project=project, by=project.officer, on=timezone.localdate())
    refused = page.post(address(project), mine)
    assert "没有保存" in "".join(errors(refused)["__all__"])
    dispute, = refused.context["versions"]["disputes"]
    assert (dispute.name, dispute.mine, dispute.now) == ("next_step", "我写的", "同事写的")
    assert 'value="我写的"' in refused.content.decode()
    project.refresh_from_db()
    assert project.next_step == "同事写的"
    again = mine | {"seen_version": refused.context["adminform"].form["seen_version"].value()}
    assert page.post(address(project), again).status_code == 302
    project.refresh_from_db()
    assert project.next_step == "我写的"


def test_a_form_without_the_version_is_refused(page: Client, project: Project) -> None:
    data = form_data(project, next_step="新")
    del data["seen_version"]
    assert "__all__" in errors(page.post(address(project), data))


def test_the_check_and_the_save_hold_one_lock(page: Client, project: Project) -> None:
    """The row is locked before the version is compared: a second post waits for the first to finish."""
    with CaptureQueriesContext(connection) as queries:
        save(page, project, move_to="screening")
    statements = [query["sql"] for query in queries]
    first_lock = next(place for place, sql in enumerate(statements) if "FOR UPDATE" in sql and "projects_project" in sql)
    first_write = next(place for place, sql in enumerate(statements) if sql.startswith('UPDATE "projects_project"'))
    assert first_lock < first_write


# -- mass assignment


def test_columns_that_the_form_does_not_offer_cannot_be_posted(page: Client, project: Project) -> None:
    evil = {
        "stage": "signed", "side_state": "closed", "stage_since": "2020-01-01", "version": 99, "is_sample": "on",
        "code": "P1999-0001", "officer_id": make.user("leader", CHAIN_LEADER).pk, "id": 4711, "created": "2020-01-01",
    }
    kept = ["stage", "side_state", "stage_since", "is_sample", "code", "officer_id"]
    before = Project.objects.filter(pk=project.pk).values(*kept)
    expected = before.get()
    assert save(page, project, **evil).status_code == 302
    assert before.get() == expected
    assert project.version == 1
    assert project.stage_changes.count() == 1


def test_nor_when_adding(page: Client, officer: User) -> None:
    evil = {"stage": "signed", "is_sample": "on", "version": 50, "code": "P1999-0001", "side_state": "closed"}
    assert page.post(reverse(ADD), new(officer, **evil)).status_code == 302
    made = Project.objects.get()
    assert (made.stage, made.is_sample, made.version, made.side_state) == ("lead", False, 1, "active")
    assert made.code != "P1999-0001"


def test_another_projects_aim_cannot_be_taken_over(page: Client, project: Project, officer: User) -> None:
    chain = make.chain()
    theirs = make.aim(chain, "chip", make.project(officer, make.company("别的企业", number=5), code="P2026-0002"))
    stolen = {
        "placements-TOTAL_FORMS": 1, "placements-INITIAL_FORMS": 1, "placements-0-id": theirs.pk,
        "placements-0-project": project.pk, "placements-0-node": theirs.node_id,
    }
    page.post(address(project), form_data(project, **stolen))
    theirs.refresh_from_db()
    assert theirs.project.code == "P2026-0002"
    assert not project.placements.exists()


def test_an_aim_can_be_taken_back(page: Client, project: Project) -> None:
    aim = make.aim(make.chain(), "chip", project)
    front = {"placements-TOTAL_FORMS": 1, "placements-INITIAL_FORMS": 1, "placements-0-id": aim.pk}
    gone = {**front, "placements-0-project": project.pk, "placements-0-node": aim.node_id, "placements-0-DELETE": "on"}
    assert save(page, project, **gone).status_code == 302
    assert not project.placements.exists()


def test_the_history_stands_on_the_page_and_not_on_the_page_that_adds(page: Client, project: Project) -> None:
    save(page, project, side_to="paused", move_reason="等批复文件")
    html = page.get(address(project)).content.decode()
    assert "等批复文件" in html
    assert "至今" in html
    assert "阶段变动" not in page.get(reverse(ADD)).content.decode()


# -- commitments


def commitment(metric: str, amount: str) -> dict[str, Any]:
    front = "commitments-0-"
    return {
        "commitments-TOTAL_FORMS": 1, f"{front}agreement_version": 1, f"{front}metric": metric, f"{front}year": 2027,
        f"{front}amount": amount,
    }


def test_a_commitment_keeps_the_words_of_the_agreement(page: Client, project: Project) -> None:
    assert save(page, project, **commitment("tax", "1.2 亿元")).status_code == 302
    row = Commitment.objects.get()
    assert (row.amount, row.entered_as) == (120_000_000, "1.2 亿元")
    assert save(page, project, **{"commitments-TOTAL_FORMS": 1, **commitment("jobs", "120")}).status_code == 302
    assert Commitment.objects.get(metric="jobs").amount == 120


@pytest.mark.parametrize(("metric", "amount", "message"), [
    ("tax", "NaN", "看不懂的金额"), ("tax", "-1万元", "不能为负"), ("tax", "100万美元", "折算为人民币"),
    ("jobs", "120万元", "只写人数"), ("jobs", "1.5", "整数"), ("tax", "1e30", "看不懂的金额"),
])
def test_a_senseless_commitment_is_refused(page: Client, project: Project, metric: str, amount: str, message: str) -> None:
    response = save(page, project, **commitment(metric, amount))
    assert response.status_code == 200
    assert message in response.content.decode()
    assert not Commitment.objects.exists()


# -- finding and walking


def test_search_and_filters(client: Client, project: Project, officer: User) -> None:
    chain, group, page = make.chain(), make.department("team-1"), client
    make.aim(chain, "chip", project)
    page.force_login(make.user("lead", TEAM_LEAD, department=group))
    User.objects.filter(pk=officer.pk).update(department=group)
    colleague = make.user("colleague", OFFICER, department=group)
    other = make.project(colleague, make.company("别的企业", number=5), code="P2026-0002", on=START)
    change_side_state(project_id=other.pk, target="paused", by=officer, on=START, reason="等")

    def listed(**query: str) -> list[str]:
        response = page.get(reverse(LIST), query)
        assert response.status_code == 200
        return sorted(row.code for row in response.context["cl"].result_list)

    assert listed() == ["P2026-0001", "P2026-0002"]
    assert listed(q="示例芯") == ["P2026-0001"]
    assert listed(q="P2026-0002") == ["P2026-0002"]
    assert listed(chain="demo") == ["P2026-0001"]
    assert listed(chain="nothing") == []
    assert listed(officer="me") == []
    assert listed(officer=str(officer.pk)) == ["P2026-0001"]
    assert listed(officer=str(other.officer_id)) == ["P2026-0002"]
    assert listed(officer="没有") == []
    assert listed(side_state__exact="paused") == ["P2026-0002"]


def test_from_a_project_to_everything_around_it(page: Client, project: Project) -> None:
    chain, zone = make.chain(), Zone.objects.create(code="z", name="示例片区", kind="area", clause=make.clause())
    carrier = Carrier.objects.create(code="c", name="示例大厦", kind="building", zone=zone, clause=make.clause())
    Project.objects.filter(pk=project.pk).update(carrier=carrier)
    make.aim(chain, "chip", project)
    html = page.get(address(project)).content.decode()
    for target in (
        reverse("admin:crm_company_change", args=[project.company_id]),
        reverse("admin:projects_carrier_change", args=[carrier.pk]),
        reverse("admin:projects_zone_change", args=[zone.pk]),
        reverse("admin:plans_clause_change", args=[carrier.clause_id]),
        reverse("chain-node", args=["demo", "chip"]),
    ):
        assert f'href="{target}"' in html
    carrier_page = page.get(reverse("admin:projects_carrier_change", args=[carrier.pk])).content.decode()
    assert address(project) in carrier_page
    assert reverse("admin:projects_carrier_change", args=[carrier.pk]) in page.get(
        reverse("admin:projects_zone_change", args=[zone.pk])
    ).content.decode()


@pytest.mark.parametrize("stage", ["lead", "operating", "registered", "full_capacity"])
def test_stages_are_named_in_chinese_in_the_list(page: Client, project: Project, stage: str) -> None:
    track = "land" if stage == "full_capacity" else "building"
    Project.objects.filter(pk=project.pk).update(stage=stage, track=track)
    html = page.get(reverse(LIST)).content.decode()
    assert Project(stage=stage).get_stage_display() in html
    assert f">{stage}<" not in html.replace(" ", "").replace("\n", "")


def test_a_carriers_directions_are_chains_by_name(page: Client) -> None:
    make.chain()
    Carrier.objects.create(code="c", name="示例大厦", kind="building", industries=["demo"], clause=make.clause())
    Carrier.objects.create(code="d", name="另一大厦", kind="building", industries=[], clause=make.clause())
    response = page.get(reverse("admin:projects_carrier_changelist"), {"chain": "demo"})
    assert [row.name for row in response.context["cl"].result_list] == ["示例大厦"]
    assert "演示链" in page.get(reverse("admin:projects_carrier_changelist")).content.decode()
    html = page.get(reverse("admin:projects_carrier_change", args=[Carrier.objects.get(code="c").pk])).content.decode()
    assert "演示链" in html
    assert "&quot;demo&quot;" not in html


# -- rights


def test_a_leader_reads_and_does_not_write(client: Client, project: Project) -> None:
    leader, chain = make.user("leader", CHAIN_LEADER), make.chain()
    make.lead(chain, leader)
    make.aim(chain, "chip", project)
    client.force_login(leader)
    html = client.get(address(project)).content.decode()
    assert 'name="_save"' not in html
    assert 'name="next_step"' not in html
    assert "6,000万元" in html
    assert reverse("admin:office_user_change", args=[project.officer_id]) not in html, "a link that ends at 403"
    assert client.post(address(project), form_data(project, next_step="x")).status_code == 403
    assert client.get(reverse(ADD)).status_code == 403
    assert "新增" not in client.get(reverse(LIST)).content.decode()
    for name in ("zone", "carrier"):
        assert client.get(reverse(f"admin:projects_{name}_changelist")).status_code == 200
        assert client.get(reverse(f"admin:projects_{name}_add")).status_code == 403


def test_nobody_deletes_a_project_and_the_administrator_sees_none(client: Client, page: Client, project: Project) -> None:
    assert page.post(reverse("admin:projects_project_delete", args=[project.pk]), {"post": "yes"}).status_code == 403
    client.force_login(make.user("sysadmin", ADMINISTRATOR))
    for model in ("project", "zone", "carrier"):
        assert client.get(reverse(f"admin:projects_{model}_changelist")).status_code == 403
    assert client.get(address(project)).status_code == 403


# -- questions to the database


def fill(officer: User, count: int) -> None:
    chain = make.chain()
    for number in range(Project.objects.count(), count):
        zone = Zone.objects.create(code=f"z{number}", name=f"片区{number}", kind="area", clause=make.clause(f"一{number}"))
        carrier = Carrier.objects.create(
            code=f"c{number}", name=f"载体{number}", kind="park", zone=zone, clause=zone.clause, industries=["demo"]
        )
        company = make.company(f"企业{number}", number=number + 1)
        made = make.project(officer, company, code=f"P2026-{number:04d}", carrier=carrier)
        make.aim(chain, "chip", made)


@pytest.mark.parametrize("model", ["project", "zone", "carrier"])
def test_lists_ask_the_same_questions_for_5_and_50_rows(page: Client, officer: User, model: str) -> None:
    counts = []
    for size in (5, 5, 50):  # the first fills caches
        fill(officer, size)
        with CaptureQueriesContext(connection) as queries:
            response = page.get(reverse(f"admin:projects_{model}_changelist"))
        assert len(response.context["cl"].result_list) == size
        counts.append(len(queries))
    assert counts[1] == counts[2]


def test_a_project_page_asks_the_same_questions_for_few_and_many_changes(page: Client, project: Project) -> None:
    counts = []
    for size in (2, 2, 20):  # the first fills caches
        with transaction.atomic():
            while project.stage_changes.count() < size:
                side = "paused" if Project.objects.get(pk=project.pk).side_state == "active" else "active"
                change_side_state(project_id=project.pk, target=side, by=project.officer, on=START, reason="等")
        with CaptureQueriesContext(connection) as queries:
            page.get(address(project))
        counts.append(len(queries))
    assert counts[1] == counts[2]


# -- truly at once


@pytest.mark.django_db(transaction=True)
def test_four_posts_at_once_make_one_transition() -> None:
    officer = make.user("officer", OFFICER)
    project = make.project(officer, make.company("深圳市示例芯有限公司"), on=START)
    data, gate = form_data(project, move_to="screening"), threading.Barrier(4)

    def post() -> int:
        try:
            browser = Client()
            browser.force_login(officer)
            gate.wait()
            return browser.post(address(project), data).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(future.result() for future in [pool.submit(post) for _ in range(4)])
    assert answers == [200, 200, 200, 302]
    assert StageChange.objects.filter(to_stage="screening").count() == 1


@pytest.mark.django_db(transaction=True)
def test_four_projects_added_at_once_get_four_numbers() -> None:
    officer = make.user("officer", OFFICER)
    forms = [new(officer, name="项目0")]
    forms += [forms[0] | {"name": f"项目{number}"} for number in range(1, 4)]
    gate = threading.Barrier(4)

    def post(data: dict[str, Any]) -> int:
        try:
            browser = Client()
            browser.force_login(officer)
            gate.wait()
            return browser.post(reverse(ADD), data).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(post, forms)) == [302] * 4
    year = timezone.localdate().year
    assert sorted(Project.objects.values_list("code", flat=True)) == [f"P{year}-{number:04d}" for number in range(1, 5)]
