"""A source that answers about one company at a time: everybody gets a turn, nobody two, and nobody too soon."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.db.models import F

from crm.models import Company, Source, SourceLink
from crm.services.sync_companies import SyncResult, sync_companies
from tests.crm.conftest import AS_OF, Sandbox
from tests.crm.scripted import Reply, Scripted, Told

pytestmark = pytest.mark.django_db(transaction=True)
FILE = """
code: register
name: 逐个查询的登记库
local: true
department: vendor
auth: {kind: none}
key: id
refresh: {by: uscc, older_than_days: 30, at_most: 4}
gone: {statuses: {"410": removed}}
response: {empty_when: body.none}
listing:
  request: {path: /one, params: {keyword: "{key}"}}
  items: result
  single: true
  paging: {kind: lookup}
thresholds: {bad_rows: 0.5, vanished: 0.5}
fields:
  uscc: {from: code, required: true}
  name: {from: name, required: true}
  status: {from: state, required: true}
  employees: {from: staff}
"""


class Register:
    """Knows every company but those whose code it was told to deny."""

    def __init__(self, denied: set[str]) -> None:
        self.denied, self.staff = denied, 1
        self.ended: set[str] = set()
        self.known_as: dict[str, str] = {}  # name → code, where it is asked by names

    def __call__(self, told: Told) -> Reply:
        code = self.known_as.get(told.query["keyword"], told.query["keyword"])
        if code in self.ended:
            return Reply({"none": True}, status=410)
        if code in self.denied:
            return Reply({"none": True})
        record = {"id": f"R-{code}", "code": code, "name": "登记名称", "state": "存续", "staff": self.staff}
        return Reply({"none": False, "result": record})


class Asked:
    def __init__(self, folder: Path, denied: set[str]) -> None:
        self.file = folder / "register.yaml"
        self.file.write_text(FILE, encoding="utf-8")
        self.register = Register(denied)
        self.source, self.runs = Scripted(self.register), 0

    def sync(self) -> tuple[SyncResult, list[str]]:
        before, self.runs = len(self.source.asked), self.runs + 1
        result = sync_companies(source_code=str(self.file), base_url=self.source.url, slot=f"run-{self.runs}", as_of=AS_OF)
        assert result.ok, result.reason
        return result, [told.query["keyword"] for told in self.source.asked[before:]]


def codes() -> list[str]:
    return list(Company.objects.order_by("pk").filter(identifiers__valid_to=None).values_list("identifiers__value", flat=True))


@pytest.fixture
def asked(tmp_path: Path, sandbox: Sandbox) -> Asked:
    for key in sandbox.keys()[10:]:
        del sandbox.world.records[key]
    sandbox.sync("one")
    return Asked(tmp_path, denied={codes()[1], codes()[2]})


def test_each_run_goes_on_where_the_last_one_stopped_and_nobody_is_asked_about_twice(asked: Asked) -> None:
    all_codes = codes()
    rounds = [asked.sync()[1] for _ in range(4)]
    assert [len(one) for one in rounds] == [4, 4, 2, 0]
    assert [code for one in rounds for code in one] == all_codes
    assert SourceLink.objects.filter(source__code="register", asked_at__isnull=False).count() == 8


def test_the_stale_are_asked_about_again_before_anybody_new(asked: Asked) -> None:
    first = asked.sync()[1]
    known = [code for code in first if code not in asked.register.denied]
    SourceLink.objects.filter(source__code="register").update(asked_at=F("asked_at") - dt.timedelta(days=31))
    asked.register.staff = 7
    result, second = asked.sync()
    assert second == [*known, *codes()[4:6]]
    assert result.counts["fetched"] == 4


def test_strangers_whom_the_source_did_not_know_get_another_turn_when_the_round_is_old(asked: Asked) -> None:
    for _ in range(3):
        asked.sync()
    source = Source.objects.get(code="register")
    began = dt.datetime.fromisoformat(source.cursor["round"]) - dt.timedelta(days=31)
    Source.objects.filter(pk=source.pk).update(cursor={**source.cursor, "round": began.isoformat()})
    assert asked.sync()[1] == sorted(asked.register.denied, key=codes().index)


@pytest.mark.parametrize("by", ["uscc", "name"])
def test_who_is_gone_for_good_is_marked_by_the_key_of_the_source_not_by_what_was_asked(asked: Asked, by: str) -> None:
    """One that the source knew, and one that it never knew: a stranger has no record there that could end."""
    asked.file.write_text(FILE.replace("by: uscc", f"by: {by}"), encoding="utf-8")
    asked.register.known_as = dict(Company.objects.filter(identifiers__valid_to=None).values_list("name", "identifiers__value"))
    known, stranger = codes()[0], codes()[4]
    asked.sync()
    links = SourceLink.objects.filter(source__code="register")
    links.update(asked_at=F("asked_at") - dt.timedelta(days=31))
    Company.objects.filter(links__key=f"R-{known}").update(source=Source.objects.get(code="register"))
    asked.register.ended = {known, stranger}
    result, second = asked.sync()
    said = [asked.register.known_as.get(one, one) for one in second]
    assert {known, stranger} <= set(said)
    assert dict(links.exclude(gone="").values_list("key", "gone")) == {f"R-{known}": "removed"}
    assert list(Company.objects.filter(status="removed")) == [Company.objects.get(links__key=f"R-{known}")]
    assert result.counts["removed"] == 1
    assert result.counts["ended"] == result.counts["absent"] == 0, "three kinds of gone stay apart"
    assert second[0] not in asked.sync()[1], "who is gone is not asked about again"


def test_canary_without_their_own_keys_the_gone_are_missed(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.sync.asking.Questions._rename", lambda *_: None)
    asked.sync()
    SourceLink.objects.filter(source__code="register").update(asked_at=F("asked_at") - dt.timedelta(days=31))
    asked.register.ended = {codes()[0]}
    asked.sync()
    assert not SourceLink.objects.filter(source__code="register").exclude(gone="").exists()


def test_canary_without_the_stamp_the_same_ones_are_asked_about_for_ever(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.sync.asking.Questions.stamp", lambda *_: None)
    first, second = asked.sync()[1], asked.sync()[1]
    assert set(first) & set(second)
