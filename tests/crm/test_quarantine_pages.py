"""Quarantined records on screen: corrected field by field, replayed, set aside, never over a colleague's correction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from crm.admin import quarantine
from crm.admin.quarantine_forms import JsonValueField, field_name, parse_json
from crm.models import QuarantinedRow, Source, SyncIssue, SyncRun
from crm.services import replay_quarantine as service
from crm.services import start_replay
from crm.services.dismiss_quarantine import NoReason, dismiss_quarantine
from office import jobs
from office.clock import database_now
from office.http import NextStep, OutboundError
from office.models import Job
from office.roles import AUDITOR, OFFICER, TEAM_LEAD
from tests.factories import user
from tests.matrix.pages import form_values

pytestmark = pytest.mark.django_db
LIST = "admin:crm_quarantinedrow_changelist"
REPLAY = "crm_quarantinedrow_save_and_replay"
PAYLOAD = {"name": "某某有限公司", "employees": 12, "active": True, "grades": [{"g": 1}], "note": None, "regCap": "12万"}


@pytest.fixture
def run() -> SyncRun:
    return SyncRun.objects.create(source=Source.objects.create(code="s", name="某源"), slot="one", mode="full", status="done")


@pytest.fixture
def row(run: SyncRun) -> QuarantinedRow:
    found = QuarantinedRow.objects.create(run=run, source_key="K1", payload=PAYLOAD, page=3)
    SyncIssue.objects.create(run=run, row=found, source_key="K1", field="regCap", reason="注册资本看不懂")
    return found


@pytest.fixture
def sign_in() -> Callable[..., Client]:
    def sign(name: str, role: str) -> Client:
        client = Client()
        client.force_login(user(name, role))
        return client

    return sign


@pytest.fixture
def officer(sign_in: Callable[..., Client]) -> Client:
    return sign_in("officer", OFFICER)


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The replay: K1 arrives, whatever else stays with a new reason."""
    asked: list[list[int]] = []

    def replay(*, rows: list[int], by: Any, now: Any, companies: Any = None) -> dict[str, int]:
        asked.append(list(rows))
        QuarantinedRow.objects.filter(pk__in=rows, source_key="K1").update(state="replayed", handled_by=by, handled_at=now)
        return {"REPLAYED": 1}

    monkeypatch.setattr(service, "replay_quarantine", replay)
    return asked


def page(row: QuarantinedRow) -> str:
    return reverse("admin:crm_quarantinedrow_change", args=[row.pk])


def said(response: Any) -> str:
    return "".join(str(message) for message in get_messages(response.wsgi_request))


def opened(client: Client, row: QuarantinedRow) -> dict[str, Any]:
    return form_values(client.get(page(row)).content.decode())


def test_each_key_is_a_field_with_its_reason_beside_it(officer: Client, row: QuarantinedRow) -> None:
    form = officer.get(page(row)).context["adminform"].form
    assert [form.fields[field_name(key)].label for key in PAYLOAD] == list(PAYLOAD)
    assert "注册资本看不懂" in form.fields[field_name("regCap")].help_text
    assert form.fields[field_name("name")].help_text == ""


def test_a_correction_keeps_every_value_of_its_kind(officer: Client, row: QuarantinedRow) -> None:
    values = opened(officer, row)
    values |= {field_name("regCap"): "120000", field_name("employees"): "13", field_name("grades"): '[{"g": 2}]'}
    assert officer.post(page(row), values | {"added": '{"district": "000000"}'}).status_code == 302
    row.refresh_from_db()
    assert row.corrected == {
        **PAYLOAD, "regCap": "120000", "employees": 13, "grades": [{"g": 2}], "district": "000000",
    }
    assert row.payload == PAYLOAD
    assert row.state == "open"


def test_saving_without_a_change_corrects_nothing(officer: Client, row: QuarantinedRow) -> None:
    assert officer.post(page(row), opened(officer, row)).status_code == 302
    row.refresh_from_db()
    assert (row.corrected, row.version) == (None, 1)


@pytest.mark.parametrize(
    ("key", "text", "reason"),
    [
        ("grades", '[{"g": ', "第 1 行第 8 个字符"), ("grades", '{"g": 1}', "应为列表"),
        ("employees", "many", "不是合法的 JSON"),
        ("employees", "true", "应为数字"), ("active", "1", "应为true"), ("grades", '["\\u0000"]', "空字符"),
        ("employees", "NaN", "不是合法的 JSON"), ("grades", "[" * 100_000, "JSON"), ("grades", '["\\ud800"]', "不能保存"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_field(
    officer: Client, row: QuarantinedRow, key: str, text: str, reason: str
) -> None:
    answer = officer.post(page(row), opened(officer, row) | {field_name(key): text})
    assert answer.status_code == 200
    assert reason in "".join(answer.context["adminform"].form.errors[field_name(key)])
    row.refresh_from_db()
    assert row.corrected is None


def test_a_parked_record_is_edited_inside_its_values(officer: Client, run: SyncRun) -> None:
    row = QuarantinedRow.objects.create(run=run, source_key="K2", payload={"values": {"name": "某某", "employees": 1}})
    officer.post(page(row), opened(officer, row) | {field_name("name"): "某某有限公司"})
    row.refresh_from_db()
    assert row.corrected == {"values": {"name": "某某有限公司", "employees": 1}}


def test_the_second_of_two_people_is_shown_what_the_first_wrote(
    officer: Client, sign_in: Callable[..., Client], row: QuarantinedRow
) -> None:
    lead = sign_in("lead", TEAM_LEAD)
    first, second = opened(officer, row), opened(lead, row)
    assert officer.post(page(row), first | {field_name("name"): "甲"}).status_code == 302
    answer = lead.post(page(row), second | {field_name("name"): "乙"})
    assert answer.status_code == 200
    [dispute] = answer.context["versions"]["disputes"]
    assert (dispute.label, dispute.mine, dispute.now) == ("name", "乙", "甲")
    row.refresh_from_db()
    assert row.corrected["name"] == "甲"  # type: ignore[index]


def test_canary_without_the_version_the_second_would_win(
    officer: Client, sign_in: Callable[..., Client], row: QuarantinedRow
) -> None:
    lead = sign_in("lead", TEAM_LEAD)
    second = opened(lead, row)
    officer.post(page(row), opened(officer, row) | {field_name("name"): "甲"})
    row.refresh_from_db()
    assert lead.post(page(row), second | {field_name("name"): "乙", "seen_version": str(row.version)}).status_code == 302
    row.refresh_from_db()
    assert row.corrected["name"] == "乙"  # type: ignore[index]


def test_corrected_and_replayed_in_one_step(officer: Client, row: QuarantinedRow, replayed: list[list[int]]) -> None:
    answer = officer.post(page(row), opened(officer, row) | {field_name("regCap"): "120000", REPLAY: "1"})
    assert replayed == [[row.pk]]
    assert "已并入 1 条：K1" in said(answer)
    row.refresh_from_db()
    assert (row.state, row.corrected["regCap"]) == ("replayed", "120000")  # type: ignore[index]


def test_the_correction_is_stored_before_it_is_replayed_and_a_bad_one_is_not_replayed(
    officer: Client, row: QuarantinedRow, replayed: list[list[int]]
) -> None:
    officer.post(page(row), opened(officer, row) | {field_name("grades"): "[", REPLAY: "1"})
    assert replayed == []


def test_every_chosen_row_gets_its_result(
    officer: Client, run: SyncRun, row: QuarantinedRow, replayed: list[list[int]]
) -> None:
    bad = QuarantinedRow.objects.create(run=run, source_key="K2", payload={})
    SyncIssue.objects.create(run=run, row=bad, field="name", reason="必填字段缺失")
    done = QuarantinedRow.objects.create(run=run, source_key="K3", payload={}, state="dismissed")
    chosen = {"action": "replay_chosen", "_selected_action": [row.pk, bad.pk, done.pk]}
    text = said(officer.post(reverse(LIST), chosen))
    assert replayed == [[row.pk, bad.pk]]
    assert "已并入 1 条：K1" in text
    assert "仍未并入 1 条：K2（name 必填字段缺失）" in text
    assert "未改动 1 条：K3" in text


def test_all_rows_of_a_filtered_list_are_replayed_by_a_worker(
    officer: Client, run: SyncRun, replayed: list[list[int]]
) -> None:
    rows = QuarantinedRow.objects.bulk_create(
        QuarantinedRow(run=run, source_key=f"R{number}", payload={}) for number in range(1_001)
    )
    QuarantinedRow.objects.filter(pk=rows[500].pk).update(state="dismissed")
    other = QuarantinedRow.objects.create(
        run=SyncRun.objects.create(source=run.source, slot="two", mode="full"), source_key="other", payload={}
    )
    chosen = {"action": "replay_chosen", "_selected_action": [rows[0].pk], "select_across": "1"}
    text = said(officer.post(f"{reverse(LIST)}?of_run={run.pk}", chosen))
    assert replayed == [], "the page does not wait for so many"
    assert "1000 条已排队" in text
    assert "另有 1 条" in text
    [job] = jobs.run_due(clock=database_now)
    job.refresh_from_db()
    assert (job.kind, job.state, job.result) == (start_replay.KIND, Job.State.DONE, {"counts": {"REPLAYED": 1}})
    wanted = [row.pk for row in rows if row.pk != rows[500].pk]
    assert replayed == [wanted]
    assert other.pk not in wanted


def test_as_many_as_a_page_waits_for_are_replayed_at_once_and_one_more_is_a_job(
    officer: Client, run: SyncRun, replayed: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "AT_ONCE", 2)
    rows = [QuarantinedRow.objects.create(run=run, source_key=f"R{number}", payload={}).pk for number in range(3)]
    officer.post(reverse(LIST), {"action": "replay_chosen", "_selected_action": rows[:2]})
    assert (replayed, Job.objects.count()) == ([rows[:2]], 0)
    officer.post(reverse(LIST), {"action": "replay_chosen", "_selected_action": rows})
    assert (replayed, Job.objects.count()) == ([rows[:2]], 1)


@given(st.sets(st.integers(1, 60)))
def test_spans_name_the_same_rows(numbers: set[int]) -> None:
    assert start_replay.from_spans(start_replay.as_spans(numbers)) == sorted(numbers)


def test_a_hundred_thousand_rows_are_named_in_a_line() -> None:
    assert start_replay.as_spans(range(1, 100_001)) == "1-100000"


def test_a_busy_source_is_told_and_changes_nothing(
    officer: Client, row: QuarantinedRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(**words: Any) -> dict[str, int]:
        raise OutboundError("数据源 s 正在同步", next_step=NextStep.RETRY)

    monkeypatch.setattr(service, "replay_quarantine", busy)
    answer = officer.post(reverse("admin:crm_quarantinedrow_replay", args=[row.pk]))
    assert "没有重放：数据源 s 正在同步" in said(answer)


def test_a_link_replays_and_dismisses_nothing(officer: Client, row: QuarantinedRow, replayed: list[list[int]]) -> None:
    for name in ("replay", "dismiss"):
        assert officer.get(reverse(f"admin:crm_quarantinedrow_{name}", args=[row.pk])).status_code == 200
    row.refresh_from_db()
    assert (replayed, row.state) == ([], "open")


def test_a_dismissed_row_is_closed_to_everybody_and_says_why(officer: Client, row: QuarantinedRow) -> None:
    address = reverse("admin:crm_quarantinedrow_dismiss", args=[row.pk])
    assert "已忽略" in said(officer.post(address, {"reason": " 测试数据，数据源已确认 "}))
    row.refresh_from_db()
    assert (row.state, row.handled_by.username) == ("dismissed", "officer")  # type: ignore[union-attr]
    assert row.dismissed_because == "测试数据，数据源已确认"
    assert officer.post(address, {"reason": "再来一次"}).status_code in (403, 404)
    body = officer.get(page(row)).content.decode()
    assert "测试数据，数据源已确认" in body
    assert 'name="_save"' not in body
    assert officer.post(page(row), {"added": "{}"}).status_code in (403, 404)


@pytest.mark.parametrize("reason", ["", "   ", "长" * 201])
def test_without_a_reason_nothing_is_dismissed(officer: Client, row: QuarantinedRow, reason: str) -> None:
    answer = officer.post(reverse("admin:crm_quarantinedrow_dismiss", args=[row.pk]), {"reason": reason})
    assert answer.status_code == 200
    assert answer.context["form"].errors["reason"]
    row.refresh_from_db()
    assert (row.state, row.dismissed_because, row.handled_by) == ("open", "", None)


def test_the_service_too_refuses_to_dismiss_without_a_reason(row: QuarantinedRow) -> None:
    """Whatever calls it: a form is one caller of many."""
    with pytest.raises(NoReason):
        dismiss_quarantine(row=row.pk, by=user("officer", OFFICER), reason=" ", now=database_now())
    row.refresh_from_db()
    assert row.state == "open"


def test_the_auditor_reads_and_has_no_button(sign_in: Callable[..., Client], row: QuarantinedRow) -> None:
    auditor = sign_in("auditor", AUDITOR)
    body = auditor.get(page(row)).content.decode()
    assert "注册资本看不懂" in body
    assert "save_and_replay" not in body
    assert auditor.post(reverse("admin:crm_quarantinedrow_replay", args=[row.pk])).status_code == 403


def test_the_list_is_filtered_by_run_and_by_field(officer: Client, run: SyncRun, row: QuarantinedRow) -> None:
    other = QuarantinedRow.objects.create(run=run, source_key="K2", payload={})
    SyncIssue.objects.create(run=run, row=other, field="name", reason="必填字段缺失")

    def listed(**query: Any) -> set[int]:
        return {found.pk for found in officer.get(reverse(LIST), query).context["cl"].result_list}

    assert listed(field="name") == {other.pk}
    assert listed(of_run=run.pk) == listed(run__source__id__exact=run.source_id) == {row.pk, other.pk}
    assert listed(state__exact="replayed") == set()


@pytest.mark.parametrize("value", ["text", "", 1, 1.5, True, None, [1, {"a": None}], {"a": [1]}, "两\n行", "1234567890" * 2])
def test_an_untouched_value_comes_back_as_it_was(value: Any) -> None:
    field = JsonValueField(value)
    back = field.clean(field.prepare_value(value).replace("\n", "\r\n"))
    assert back == value
    assert type(back) is type(value)


def test_json_with_a_fault_says_where() -> None:
    with pytest.raises(ValidationError, match="第 2 行第 1 个字符"):
        parse_json("[1,\n}")


def test_results_of_many_rows_stay_short() -> None:
    assert len(quarantine._named(f"K{number}" for number in range(5_000))) < 200


