"""Other sources through the whole way: file → commands → companies, their codes, their quarantine, the export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from crm.models import Company, CompanyIdentifier, PossibleMatch, QuarantinedRow, Source, SourceLink
from crm.services.replay_quarantine import replay_quarantine
from crm.services.save_company import save_company
from crm.services.sync_companies import sync_companies
from tests.crm.conftest import AS_OF, Sandbox
from tests.crm.scripted import Reply, Scripted
from tests.crm.test_undescribed_source import ENVIRON, FILE, ROWS, Harbour

pytestmark = pytest.mark.django_db(transaction=True)


def run(capsys: pytest.CaptureFixture[str], *words: Any, **options: Any) -> Any:
    capsys.readouterr()
    call_command(*words, **options)
    return capsys.readouterr().out


def test_a_source_that_nobody_described_before_fills_the_register(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "harbour.yaml"
    file.write_text(FILE.replace("fields:", "thresholds: {bad_rows: 0.5, vanished: 0.5}\nfields:", 1), encoding="utf-8")
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    harbour = Harbour(list(ROWS))
    source = Scripted(harbour)
    try:
        told = json.loads(run(capsys, "sync_companies", str(file), base_url=source.url, format="json"))
        harbour.rows[0] = {**ROWS[0], "secret": True}
        again = json.loads(run(capsys, "sync_companies", str(file), base_url=source.url, format="json", full=True))
    finally:
        source.close()
    assert (told["status"], told["fetched"], told["NEW"], told["INVALID"]) == ("done", 5, 3, 1)
    assert set(told["gone"].values()) == {0}, "the record that was hidden from the start is gone from nowhere"
    assert (again["gone"]["redacted"], again["gone"]["removed"]) == (1, 0)
    assert SourceLink.objects.get(key="1").gone == "redacted"
    assert told["calls"] == 4
    assert told["seconds"] >= 0
    assert dict(Company.objects.values_list("links__key", "status")) == {"1": "removed", "2": "deregistered", "3": "active"}
    assert Source.objects.get().department == "customs"
    bad = QuarantinedRow.objects.get(state="open")
    bad.corrected = {**bad.payload, "st": "1"}
    bad.save()
    assert replay_quarantine(rows=[bad.pk], by=None, now=timezone.now())["REPLAYED"] == 1
    assert Company.objects.count() == 4


def test_every_exported_field_names_its_source_and_its_time(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    key = sandbox.keys()[0]
    sandbox.edit(key, shortName="简称", employees=5)
    sandbox.sync("one")
    company = Company.objects.get(links__key=key)
    company.short_name = "人工简称"
    save_company(company=company, as_of=AS_OF)
    sandbox.edit(key, employees=6)
    sandbox.sync("two")
    rows = [json.loads(line) for line in run(capsys, "export_companies", format="jsonl").splitlines()]
    assert len(rows) == Company.objects.count() == 60
    told = next(row for row in rows if row["code"] == company.code)
    fields = told["fields"]
    assert {name for name, field in fields.items() if not (field["source"] and field["at"])} == set()
    assert (fields["short_name"]["value"], fields["short_name"]["source"]) == ("人工简称", "officer")
    assert (fields["employees"]["value"], fields["employees"]["source"]) == (6, "sandbox")
    assert fields["employees"]["at"] > fields["address"]["at"]
    assert told["records"][0]["key"] == key
    assert {one["scheme"] for one in told["identifiers"]} == {"uscc"}


NAMES_ONLY = """
code: list
name: 走访名单
local: true
department: commerce
auth: {kind: none}
key: no
identity: name
listing: {request: {path: /list}, items: rows, paging: {kind: none}}
thresholds: {bad_rows: 0.5, vanished: 0.5}
fields:
  name: {from: name, required: true}
  uscc: {from: credit}
  employees: {from: staff}
  status: {from: state, transform: [{default: 存续}]}
"""


def test_a_record_without_a_code_waits_beside_the_company_that_it_may_be(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.sync("one")
    known = Company.objects.order_by("id")[5]
    file = tmp_path / "list.yaml"
    file.write_text(NAMES_ONLY, encoding="utf-8")
    rows = [{"no": 1, "name": known.name.replace("有限公司", "公司"), "staff": 7},
            {"no": 2, "name": "甲乙丙丁示例商行", "staff": 3}]
    source = Scripted(lambda _told: Reply({"rows": rows}))
    try:
        result = sync_companies(source_code=str(file), base_url=source.url, slot="list", as_of=AS_OF)
    finally:
        source.close()
    assert (result.status, result.counts["REVIEW"], result.counts["NEW"]) == ("done", 2, 0), result.reason
    one, two = QuarantinedRow.objects.order_by("source_key")
    assert PossibleMatch.objects.filter(row=one).order_by("-score")[0].company == known
    assert PossibleMatch.objects.filter(row=one, reasons=[]).count() == 0
    now = timezone.now()
    assert not two.candidates.exists()
    assert replay_quarantine(rows=[one.pk], by=None, now=now) == {"ERROR": 1}, "somebody must say first whether it is that firm"
    assert replay_quarantine(rows=[two.pk], by=None, now=now)["REPLAYED"] == 1, "nobody is proposed: who replays it says new"
    assert replay_quarantine(rows=[one.pk], by=None, now=now, companies={one.pk: known.pk})["REPLAYED"] == 1
    assert SourceLink.objects.get(key="1", source__code="list").company == known
    assert Company.objects.get(links__key="2", links__source__code="list").name == "甲乙丙丁示例商行"
    known.refresh_from_db()
    assert known.name != rows[0]["name"], "a list of the commerce department does not rename what the register keeps"


def test_two_sources_meet_in_one_company_and_the_owner_of_a_field_is_heard(tmp_path: Path, sandbox: Sandbox) -> None:
    key = sandbox.keys()[0]
    sandbox.edit(key, employees=5)
    sandbox.sync("one")
    code = sandbox.world.records[key]["creditCode"]
    file = tmp_path / "list.yaml"
    file.write_text(NAMES_ONLY.replace("commerce", "social"), encoding="utf-8")
    rows = [{"no": 9, "name": "别的写法", "credit": code, "staff": 50}]
    source = Scripted(lambda _told: Reply({"rows": rows}))
    try:
        assert sync_companies(source_code=str(file), base_url=source.url, slot="s", as_of=AS_OF).counts["UPDATE"] == 1
    finally:
        source.close()
    company = Company.objects.get(links__key="9")
    assert company.links.count() == 2
    assert (company.employees, company.source.code if company.source else "") == (50, "sandbox"), "社保 speaks for employees"
    assert company.name != "别的写法", "市监 speaks for names"
    sandbox.edit(key, employees=6)
    sandbox.sync("two")
    company.refresh_from_db()
    assert company.employees == 50, "and is not talked over afterwards"


def test_a_foreign_register_keeps_its_own_numbers(tmp_path: Path) -> None:
    file = tmp_path / "north.yaml"
    file.write_text(NAMES_ONLY.replace("code: list", "code: north\nscheme: foreign").replace("identity: name\n", "").replace(
        "uscc: {from: credit}", "foreign_code: {from: nr, required: true}"), encoding="utf-8")
    rows = [{"no": 1, "name": "Invented AS", "nr": "NO:912345678"}]
    source = Scripted(lambda _told: Reply({"rows": rows}))
    try:
        first = sync_companies(source_code=str(file), base_url=source.url, slot="a", as_of=AS_OF)
        rows[0]["name"] = "Renamed AS"
        second = sync_companies(source_code=str(file), base_url=source.url, slot="b", as_of=AS_OF, full=True)
    finally:
        source.close()
    assert (first.counts["NEW"], second.counts["UPDATE"]) == (1, 1), (first.reason, second.reason)
    assert CompanyIdentifier.objects.get().scheme == "foreign"
