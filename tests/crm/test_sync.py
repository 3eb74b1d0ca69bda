"""The sync against a real sandbox on loopback: first that it works, then each refusal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from crm.models import (
    Company,
    CompanyEvent,
    CompanyGrade,
    CompanyIdentifier,
    CompanyName,
    FieldConflict,
    QuarantinedRow,
    Source,
    SourceLink,
    SyncIssue,
    SyncRun,
)
from crm.sandbox.generate import make_world, uscc_for
from crm.sandbox.server import Api
from crm.services.save_company import save_company
from crm.services.sync_companies import _LOCK_SPACE, SyncBusy, sync_companies
from crm.sync.connector import ConnectorError
from crm.sync.staging import open_staging
from tests.crm.conftest import AS_OF, Sandbox
from tests.crm.oracle import expected_state, state_of_database

pytestmark = pytest.mark.django_db(transaction=True)


def staging_tables(run_id: int) -> list[str]:
    with connection.cursor() as db:
        db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'staging' AND tablename LIKE %s", [f"%\\_{run_id}"])
        return [row[0] for row in db.fetchall()]


def company(key: str) -> Company:
    return Company.objects.get(links__key=key)


def test_the_first_sync_takes_the_whole_listing(sandbox: Sandbox) -> None:
    result = sandbox.sync("one")
    assert (result.status, result.mode) == ("done", "full")
    assert {name: count for name, count in result.counts.items() if count and name != "seconds"} == {
        "fetched": 60, "NEW": 60, "calls": 1,
    }
    assert state_of_database() == expected_state(sandbox.world)
    source = Source.objects.get()
    assert source.cursor == {"since": 60}
    assert source.last_ok_at is not None
    assert Company.objects.filter(first_run=result.run_id, source=source).count() == 60
    assert SourceLink.objects.filter(gone="").exclude(digest=0).count() == 60
    assert not staging_tables(result.run_id)


def test_companies_get_public_codes_industries_and_pinyin(sandbox: Sandbox) -> None:
    sandbox.sync("one")
    first = Company.objects.order_by("id").first()
    assert first is not None
    assert first.code.startswith("C")
    assert len(set(Company.objects.values_list("code", flat=True))) == 60
    assert not Company.objects.filter(industry__isnull=True).exists()
    assert first.industry is not None
    assert first.industry.code == first.industry_code
    assert first.name_pinyin
    assert first.is_sample


def test_a_second_sync_reads_changes_and_writes_nothing(sandbox: Sandbox) -> None:
    sandbox.sync("one")
    before = (state_of_database(), list(Company.objects.order_by("id").values_list("version", "updated_at")))
    result = sandbox.sync("two")
    assert (result.mode, result.counts["SKIP"], result.counts["NEW"], result.counts["UPDATE"]) == ("changes", 60, 0, 0)
    assert (state_of_database(), list(Company.objects.order_by("id").values_list("version", "updated_at"))) == before
    assert not CompanyEvent.objects.filter(run_id=result.run_id).exists()
    assert not SyncIssue.objects.exists()


def test_a_second_full_listing_writes_nothing_either(sandbox: Sandbox) -> None:
    sandbox.sync("one")
    result = sandbox.sync("two", full=True)
    assert (result.mode, result.counts["SKIP"], result.counts["UPDATE"]) == ("full", 60, 0)
    assert not CompanyEvent.objects.exists()


def test_changes_become_rows_events_and_versions(sandbox: Sandbox) -> None:
    sandbox.sync("one")
    sandbox.world.advance(40)
    result = sandbox.sync("two")
    assert state_of_database() == expected_state(sandbox.world, 60)
    assert result.counts["UPDATE"] == CompanyEvent.objects.filter(run_id=result.run_id, kind="update").count() > 0
    assert result.counts["removed"] == CompanyEvent.objects.filter(run_id=result.run_id, kind="delete").count()
    assert result.counts["NEW"] == Company.objects.filter(first_run=result.run_id).count()
    changed = set(Company.objects.exclude(version=1).values_list("id", flat=True))
    assert changed == set(CompanyEvent.objects.values_list("company_id", flat=True))


def test_an_event_holds_only_the_changed_fields(sandbox: Sandbox) -> None:
    key = sandbox.keys()[0]
    sandbox.edit(key, employees=10)
    sandbox.sync("one")
    sandbox.edit(key, employees=11)
    sandbox.sync("two")
    event = CompanyEvent.objects.get(kind="update")
    assert (event.before, event.after) == ({"employees": 10}, {"employees": 11})
    assert company(key).version == 2


def test_null_never_overwrites_a_value(sandbox: Sandbox) -> None:
    key = sandbox.keys()[0]
    sandbox.edit(key, annualRevenue="100.00", revenueYear=2025, employees=5)
    sandbox.sync("one")
    sandbox.edit(
        key,
        annualRevenue=None,
        revenueYear=None,
        employees=None,
        address="",
        products=[],
        businessScope=None,
        grades=[],
    )
    result = sandbox.sync("two")
    assert result.counts["UPDATE"] == 0
    row = company(key)
    assert (row.annual_revenue, row.employees) == (Decimal("100.0000"), 5)
    assert row.address
    assert row.business_scope


def test_a_capital_in_another_currency_takes_the_old_yuan_with_it(sandbox: Sandbox) -> None:
    key = sandbox.keys()[0]
    sandbox.edit(key, regCapital="500万人民币")
    sandbox.sync("one")
    assert company(key).registered_capital == 5_000_000
    sandbox.edit(key, regCapital="80万港元")
    sandbox.sync("two")
    row = company(key)
    assert (row.registered_capital, row.registered_capital_currency, row.registered_capital_text) == (
        None,
        "HKD",
        "80万港元",
    )


def test_a_move_out_of_the_city_drops_the_street(sandbox: Sandbox) -> None:
    key = sandbox.keys()[0]
    sandbox.edit(key, districtCode="440303", streetCode="440303001")
    sandbox.sync("one")
    sandbox.edit(key, districtCode="441900", streetCode="")
    sandbox.sync("two")
    assert (company(key).district_code, company(key).street_code) == ("441900", "")


def test_a_rename_keeps_the_old_name(sandbox: Sandbox) -> None:
    key = sandbox.keys()[0]
    sandbox.sync("one")
    old = company(key).name
    sandbox.edit(key, name="深圳市新名示例有限公司")
    sandbox.sync("two")
    row = company(key)
    assert (row.name, row.name_initials) == ("深圳市新名示例有限公司", "szsxmslyxgs")
    assert CompanyName.objects.get(company=row, name=old).valid_to == AS_OF


def test_a_new_code_closes_the_old_alias_and_never_moves_the_company(sandbox: Sandbox) -> None:
    """A → B → A: three live periods, one company."""
    key = sandbox.keys()[0]
    sandbox.sync("one")
    row, first, second = company(key), sandbox.world.records[key]["creditCode"], uscc_for(9_999_999)
    for slot, code in (("two", second), ("three", first)):
        sandbox.edit(key, creditCode=code)
        assert sandbox.sync(slot).ok
    aliases = list(CompanyIdentifier.objects.filter(company=row).order_by("id").values_list("value", "valid_to"))
    assert [value for value, _end in aliases] == [first, second, first]
    assert [end is None for _value, end in aliases] == [False, False, True]
    assert Company.objects.count() == 60
    assert SyncIssue.objects.filter(severity="notice", reason__contains="变更").count() == 2


def test_grades_are_dated_rows_and_officers_rows_stay(sandbox: Sandbox) -> None:
    key = sandbox.keys()[0]
    grade = {"grade": "high_tech", "issuer": "科技部门", "level": "", "validFrom": "2024-01-01", "validTo": None}
    sandbox.edit(key, grades=[grade])
    sandbox.sync("one")
    row = company(key)
    by_hand = CompanyGrade.objects.create(company=row, grade="gazelle", valid_from="2024-05-01", issuer="人工录入")
    theirs = grade | {"grade": "gazelle", "validFrom": "2024-05-01", "validTo": "2025-05-01"}
    sandbox.edit(key, grades=[grade | {"validTo": "2027-01-01"}, theirs])
    sandbox.sync("two")
    assert CompanyGrade.objects.get(company=row, grade="high_tech").valid_to == dt.date(2027, 1, 1)
    by_hand.refresh_from_db()
    assert (by_hand.issuer, by_hand.valid_to) == ("人工录入", None)
    assert "grades" in CompanyEvent.objects.get(company=row, kind="update").after


def test_a_tombstone_marks_and_a_return_revives(sandbox: Sandbox) -> None:
    key = sandbox.keys()[0]
    record = sandbox.world.records[key]
    sandbox.sync("one")
    sandbox.world.remove(key)
    result = sandbox.sync("two")
    assert (result.counts["UPDATE"], result.counts["removed"]) == (0, 1)
    assert SourceLink.objects.get(key=key).gone == "removed"
    assert (company(key).status, company(key).is_operating) == ("removed", False)
    assert CompanyEvent.objects.get(kind="delete").after == {"status": "removed"}
    assert sandbox.sync("three").counts["removed"] == 0
    sandbox.world.put(record)
    sandbox.sync("four")
    assert company(key).status != "removed"
    assert SourceLink.objects.get(key=key).gone == ""
    assert Company.objects.count() == 60


def test_absence_from_a_full_listing_marks(sandbox: Sandbox) -> None:
    sandbox.sync("one")
    for key in sandbox.keys()[:3]:
        del sandbox.world.records[key]
    result = sandbox.sync("two", full=True)
    assert (result.counts["absent"], result.counts["removed"]) == (3, 0)
    assert Company.objects.filter(status="absent", is_operating=False).count() == 3
    assert SourceLink.objects.filter(gone="absent").count() == 3


def test_bad_rows_go_to_quarantine_and_the_rest_is_merged(sandbox: Sandbox) -> None:
    bad = sandbox.keys()[:5]
    good = {key: dict(sandbox.world.records[key]) for key in bad}
    for key in bad:
        sandbox.edit(key, creditCode="91000000MA0000000X")
    result = sandbox.sync("one")
    assert (result.counts["NEW"], result.counts["INVALID"]) == (55, 5)
    issues = SyncIssue.objects.filter(severity="error")
    assert {issue.source_key for issue in issues} == set(bad)
    assert all(issue.field == "creditCode" and "校验位" in issue.reason and issue.row.payload for issue in issues)
    assert "legalPerson" not in repr(list(QuarantinedRow.objects.values_list("payload", flat=True)))
    for record in good.values():
        sandbox.world.put(record)
    sandbox.sync("two")
    assert state_of_database() == expected_state(sandbox.world)
    assert set(QuarantinedRow.objects.values_list("state", flat=True)) == {"superseded"}


def test_an_unknown_status_is_an_issue(sandbox: Sandbox) -> None:
    sandbox.edit(sandbox.keys()[0], regStatus="在天上")
    assert sandbox.sync("one").counts["INVALID"] == 1
    assert "在天上" in SyncIssue.objects.get().reason


def test_more_than_a_tenth_bad_halts_and_merges_nothing(sandbox: Sandbox) -> None:
    sandbox.sync("one")
    before = state_of_database()
    for key in sandbox.keys()[:7]:
        sandbox.edit(key, establishDate="2023-02-29", employees=77)
    sandbox.edit(sandbox.keys()[20], employees=4_321)
    result = sandbox.sync("two", full=True)
    assert (result.status, result.next_step) == ("halted", "放弃")
    assert "60 行中有 7 行" in result.reason
    assert state_of_database() == before
    assert Source.objects.get().cursor == {"since": 60}
    assert SyncIssue.objects.filter(run_id=result.run_id, field="establishDate").count() == 7


def test_a_few_bad_changes_do_not_halt_a_feed(sandbox: Sandbox) -> None:
    """8 of 68 rows are over a tenth, but fewer than ten bad rows in a feed are a person's task, not a broken source."""
    sandbox.sync("one")
    for key in sandbox.keys()[:8]:
        sandbox.edit(key, regCapital="很多钱")
    result = sandbox.sync("two")
    assert (result.status, result.mode, result.counts["INVALID"]) == ("done", "changes", 8)
    for key in sandbox.keys()[:12]:
        sandbox.edit(key, regCapital="很多钱")
    assert sandbox.sync("three").status == "halted"


def test_vanishing_companies_halt(sandbox: Sandbox) -> None:
    sandbox.sync("one")
    for key in sandbox.keys()[:10]:
        del sandbox.world.records[key]
    result = sandbox.sync("two", full=True)
    assert result.status == "halted"
    assert "10 家从数据源消失" in result.reason
    assert not Company.objects.filter(status__in=["removed", "absent"]).exists()


def test_a_required_field_missing_everywhere_halts(sandbox: Sandbox) -> None:
    for record in sandbox.world.records.values():
        record["regStat"] = record.pop("regStatus")
    result = sandbox.sync("one")
    assert result.status == "halted"
    assert "regStatus" in result.reason
    assert not Company.objects.exists()


def test_a_new_field_is_told_and_harmless(sandbox: Sandbox) -> None:
    for record in sandbox.world.records.values():
        record["creditRating"] = "A"
    assert sandbox.sync("one").counts["NEW"] == 60
    assert SyncIssue.objects.get(severity="notice").field == "creditRating"


def test_the_same_name_under_another_code_is_another_company(sandbox: Sandbox) -> None:
    sandbox.sync("one")
    twin = sandbox.world.found()
    twin["name"] = sandbox.world.records[sandbox.keys()[0]]["name"]
    sandbox.world.put(twin)
    assert sandbox.sync("two").counts["NEW"] == 1
    assert "同名但代码不同" in SyncIssue.objects.get().reason
    assert Company.objects.filter(name=twin["name"]).count() == 2


def test_a_contradiction_is_an_error_row_that_waits_for_a_person(sandbox: Sandbox) -> None:
    sandbox.sync("one")
    one, two = sandbox.keys()[:2]
    sandbox.edit(one, creditCode=sandbox.world.records[two]["creditCode"])
    result = sandbox.sync("two")
    assert result.counts["ERROR"] == 1
    assert "人工判断" in SyncIssue.objects.get(severity="error").reason
    assert QuarantinedRow.objects.get().source_key == one


def test_a_slot_is_merged_once(sandbox: Sandbox) -> None:
    first = sandbox.sync("one")
    sandbox.world.advance(5)
    assert sandbox.sync("one") == first
    assert SyncRun.objects.count() == 1


def test_two_syncs_of_one_source_exclude_each_other(sandbox: Sandbox) -> None:
    sandbox.sync("one")
    other = connection.copy()
    try:
        with other.cursor() as db:
            db.execute("SELECT pg_advisory_lock(%s, %s)", [_LOCK_SPACE, Source.objects.get().pk])
        with pytest.raises(SyncBusy, match="正在同步"):
            sandbox.sync("two")
    finally:
        other.close()
    assert sandbox.sync("two").ok


def test_a_sequence_that_goes_back_stops_and_loses_nothing(start_sandbox: Callable[..., Sandbox]) -> None:
    """A source rebuilt from scratch: the change feed refuses, an operator's full listing goes on."""
    grown = start_sandbox()
    grown.world.advance(10)
    grown.sync("one")
    before = state_of_database()
    rebuilt = start_sandbox(api=Api(make_world(7, 60)))
    result = rebuilt.sync("two")
    assert (result.status, result.next_step) == ("failed", "改设置")
    assert "倒退" in result.reason
    assert state_of_database() == before
    assert Source.objects.get().cursor == {"since": 70}
    assert rebuilt.sync("three", full=True).ok
    assert Source.objects.get().cursor == {"since": 60}


def test_a_failed_slot_can_be_tried_again(sandbox: Sandbox) -> None:
    assert sandbox.sync("one", key="wrong").next_step == "改设置"
    assert SyncRun.objects.get().status == "failed"
    assert sandbox.sync("one").ok
    assert SyncRun.objects.count() == 1


def test_a_run_that_was_left_running_is_taken_over(sandbox: Sandbox) -> None:
    sandbox.sync("one")
    dead = SyncRun.objects.create(source=Source.objects.get(), slot="dead", mode="changes")
    open_staging(dead)
    assert staging_tables(dead.pk)
    assert sandbox.sync("two").ok
    dead.refresh_from_db()
    assert (dead.status, staging_tables(dead.pk)) == ("failed", [])
    assert "中途停止" in dead.reason


def test_a_change_in_mid_listing_is_not_taken_for_an_absence(
    start_sandbox: Callable[..., Sandbox], monkeypatch: Any
) -> None:
    sandbox = start_sandbox(companies=1_100)
    sandbox.sync("one")
    asked: list[str] = []
    plain = sandbox.api.companies

    def companies(query: dict[str, str]) -> dict[str, Any]:
        asked.append(query["page"])
        if asked.count("2") == 1 and query["page"] == "2":
            sandbox.world.remove(sandbox.keys()[0])  # every later record moves up by one
        return plain(query)

    monkeypatch.setattr(sandbox.api, "companies", companies)
    result = sandbox.sync("two", full=True)
    assert result.counts["absent"] == 0
    sandbox.sync("three")
    assert state_of_database() == expected_state(sandbox.world, 1_100)


def test_officers_edits_survive_a_sync_that_brings_nothing_new(sandbox: Sandbox) -> None:
    sandbox.sync("one")
    row = Company.objects.order_by("id").first()
    assert row is not None
    row.short_name = "人工简称"
    save_company(company=row, as_of=AS_OF)
    sandbox.sync("two", full=True)
    row.refresh_from_db()
    assert (row.short_name, row.version) == ("人工简称", 2)


def test_a_source_that_contradicts_an_officer_asks_and_writes_nothing(sandbox: Sandbox) -> None:
    key = sandbox.keys()[0]
    sandbox.edit(key, shortName="来源简称", employees=5)
    sandbox.sync("one")
    row = company(key)
    row.short_name = "人工简称"
    save_company(company=row, as_of=AS_OF)
    sandbox.edit(key, shortName="来源新简称", employees=6)
    result = sandbox.sync("two")
    row.refresh_from_db()
    assert (row.short_name, row.employees, result.counts["CONFLICT"]) == ("人工简称", 6, 1)
    conflict = FieldConflict.objects.get()
    assert (conflict.field, conflict.ours, conflict.theirs, conflict.state) == ("short_name", "人工简称", "来源新简称", "open")
    assert CompanyEvent.objects.get(run_id=result.run_id).after == {"employees": 6}
    sandbox.edit(key, employees=7)
    assert sandbox.sync("three").counts["CONFLICT"] == 0, "the same contradiction asks once"
    sandbox.edit(key, shortName="人工简称")
    sandbox.sync("four")
    conflict.refresh_from_db()
    assert conflict.state == "withdrawn"


def test_canary_without_the_origin_the_source_wins(sandbox: Sandbox) -> None:
    key = sandbox.keys()[0]
    sandbox.sync("one")
    row = company(key)
    row.short_name = "人工简称"
    save_company(company=row, as_of=AS_OF)
    row.origins.all().delete()
    sandbox.edit(key, shortName="来源新简称")
    sandbox.sync("two")
    row.refresh_from_db()
    assert row.short_name == "来源新简称"


def test_it_refuses_to_run_inside_a_transaction(sandbox: Sandbox) -> None:
    with pytest.raises(RuntimeError, match="transaction"), transaction.atomic():
        sandbox.sync("one")


def test_an_unknown_source_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ConnectorError):
        sync_companies(source_code="nowhere", base_url=sandbox.url, slot="x", as_of=AS_OF)


def test_a_program_fault_is_recorded_and_raised(sandbox: Sandbox, monkeypatch: Any) -> None:
    def broken(*args: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("crm.services.sync_companies.merge", broken)
    with pytest.raises(ZeroDivisionError):
        sandbox.sync("one")
    assert SyncRun.objects.get().reason == "程序出错：ZeroDivisionError"
    monkeypatch.undo()
    assert sandbox.sync("one").ok


def test_the_number_of_queries_does_not_grow_with_the_rows(start_sandbox: Callable[..., Sandbox]) -> None:
    """One page each: 20 and 400 companies are merged by the same statements."""
    from django.test.utils import CaptureQueriesContext

    start_sandbox(companies=1, seed=1).sync("warm-up")  # loads the code tables
    counts = []
    for companies in (20, 400):
        Source.objects.all().update(cursor={})
        with CaptureQueriesContext(connection) as queries:
            start_sandbox(companies=companies, seed=companies).sync(f"slot-{companies}", full=True)
        counts.append(len(queries))
    assert counts[0] == counts[1] < 100


def test_the_command(sandbox: Sandbox, capsys: Any, settings: Any) -> None:
    settings.ENTERPRISE_DB_URL = sandbox.url
    call_command("sync_companies")
    assert "NEW=60" in capsys.readouterr().out
    call_command("sync_companies", full=True)
    assert "SKIP=60" in capsys.readouterr().out


def test_the_command_says_what_is_wrong(sandbox: Sandbox, settings: Any) -> None:
    settings.ENTERPRISE_DB_URL = ""
    with pytest.raises(CommandError, match="ENTERPRISE_DB_URL"):
        call_command("sync_companies")
    with pytest.raises(CommandError, match="没有名为"):
        call_command("sync_companies", "nowhere", base_url=sandbox.url)
    settings.ENTERPRISE_DB_KEY = "wrong"
    with pytest.raises(CommandError, match="改设置"):
        call_command("sync_companies", base_url=sandbox.url)
    with pytest.raises(CommandError, match="内网"):
        call_command("sync_companies", base_url="http://10.0.0.1:9/")
