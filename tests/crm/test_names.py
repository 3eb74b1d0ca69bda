from __future__ import annotations

import random
from typing import Any

import pytest

from crm.models import Company, CompanyName, PossibleMatch, QuarantinedRow, Source, SyncRun
from crm.services import match_names
from crm.services.decide_match import decide_match
from crm.services.identity import IdentityRefused
from crm.services.match_names import find_duplicates, nightly_duplicates, propose_for_rows
from crm.services.merge_companies import merge_companies
from crm.sync import names
from crm.sync.names import NO_MATCH, NameIndex, name_parts, normalise
from office.models import User
from office.roles import TEAM_LEAD
from tests import factories as make


@pytest.mark.parametrize("written", [
    "深圳市羅湖區砚檀珠寶（集團）有限公司", "深圳市罗湖区砚檀珠宝(集团)有限公司", "深圳罗湖区砚檀珠宝集团",
    "砚檀珠宝（深圳市）（罗湖区）集团公司",
    "深圳市罗湖区 砚檀珠宝【集团】有限公司",
])
def test_writings_of_one_name_are_one(written: str) -> None:
    assert normalise(written) == normalise("深圳市罗湖区砚檀珠宝集团有限公司")


@pytest.mark.parametrize(("name", "place", "core", "form"), [
    ("ＡＢＣ科技（深圳）有限公司", "深圳", "ABC科技", "有限"),
    ("深圳市霁芃电池股份有限公司", "深圳", "霁芃电池", "股份"),
    ("和平饭店有限公司", "", "和平饭店", "有限"),
    ("深圳市", "", "深圳市", ""), ("中国", "", "中国", ""), ("公司", "", "公司", ""), ("", "", "", ""), ("（）", "", "", ""),
    ("霁芃（电池）有限公司", "", "霁芃电池", "有限"),
    ("广东深圳霁芃合伙企业（有限合伙）", "广东深圳", "霁芃", "合伙"),
])
def test_the_parts_of_a_name(name: str, place: str, core: str, form: str) -> None:
    found = name_parts(name)
    assert (found.place, found.core, found.form) == (place, core, form)


def test_two_forms_of_a_name_are_two() -> None:
    assert normalise("砚檀珠宝有限公司") != normalise("砚檀珠宝股份有限公司")
    assert normalise("深圳砚檀珠宝有限公司") != normalise("东莞砚檀珠宝有限公司")


def thousands(count: int) -> list[str]:
    rng = random.Random(3)
    letters, trades = [chr(at) for at in range(0x6800, 0x6900)], ["珠宝", "电池科技", "供应链管理", "餐饮服务", "软件"]
    return sorted({f"深圳市{rng.choice(letters)}{rng.choice(letters)}{rng.choice(trades)}有限公司" for _ in range(count)})


def test_noise_is_seen_through_and_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    known = thousands(4_000)
    noisy = [name.removeprefix("深圳市").removesuffix("有限公司") for name in known[::40]]
    noisy += [name[:4] + "某" + name[5:] for name in known[::40]]
    whole = NameIndex(range(len(known)), known).best(noisy, k=3)
    monkeypatch.setattr(names, "BLOCK", 500)
    monkeypatch.setattr(names, "CHUNK", 7)
    parts = NameIndex(range(len(known)), known).best(noisy, k=3)
    assert (whole[1] == parts[1]).mean() > 0.99
    wanted = [*range(0, len(known), 40)] * 2
    right = [known[found].removeprefix("深圳市") for found in whole[0][: len(wanted) // 2, 0]]
    assert sum(name.startswith(asked) for name, asked in zip(right, noisy, strict=False)) == len(right)
    near = sum(want in found for want, found in zip(wanted, whole[0].tolist(), strict=True))
    assert near / len(wanted) > 0.85


def test_canary_a_budget_for_nothing_costs_recall(monkeypatch: pytest.MonkeyPatch) -> None:
    known = thousands(4_000)
    noisy = [name[:4] + "某" + name[5:] for name in known]

    def recall() -> float:
        found = NameIndex(range(len(known)), known).best(noisy, k=10)[0].tolist()
        return sum(at in row for at, row in enumerate(found)) / len(known)

    before = recall()
    monkeypatch.setattr(names, "BUDGET", 1)
    monkeypatch.setattr(names, "RAREST", 0)
    assert recall() < before


def test_an_empty_index_and_names_of_nothing() -> None:
    assert NameIndex([], []).best(["甲"], k=2)[0].tolist() == [[NO_MATCH, NO_MATCH]]
    assert NameIndex([1], ["甲乙"]).best([], k=1)[0].shape == (0, 1)
    ids, scores = NameIndex([7, 8], ["", "砚檀珠宝"]).best(["", "（）", "砚檀珠宝", "甲"], k=1)
    assert ids[2, 0] == 8
    assert scores[2, 0] == pytest.approx(1.0)


# --- proposals -------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(db: None) -> SyncRun:
    return SyncRun.objects.create(source=Source.objects.create(code="s", name="来源"), slot="1", mode="full")


@pytest.fixture
def lead(db: None) -> User:
    return make.user("lead", TEAM_LEAD)


def waiting(run: SyncRun, name: str, key: str = "k1") -> QuarantinedRow:
    return QuarantinedRow.objects.create(run=run, source_key=key, payload={"values": {"name": name}})


def test_a_row_without_a_code_gets_scored_candidates(run: SyncRun, monkeypatch: pytest.MonkeyPatch) -> None:
    near = make.company("深圳市砚檀珠宝有限公司", number=1)
    make.company("深圳市霁芃电池有限公司", number=2)
    old = make.company("深圳市新名有限公司", number=3)
    CompanyName.objects.create(company=old, name="深圳市砚檀首饰有限公司")
    row = waiting(run, "砚檀珠寶（深圳）有限公司")
    QuarantinedRow.objects.create(run=run, source_key="bad", payload={"名称": "砚檀珠宝"})
    monkeypatch.setattr(match_names, "BLOCK", 2)
    assert propose_for_rows(run_id=run.pk, now=make.NOW) == 2
    matches = list(PossibleMatch.objects.all())
    assert [(match.row, match.company) for match in matches] == [(row, near), (row, old)]
    assert matches[0].score > matches[1].score
    assert propose_for_rows(run_id=run.pk, now=make.NOW) == 0, "once is enough"


def test_candidates_are_live_companies(run: SyncRun, lead: User) -> None:
    survivor, absorbed = make.company("深圳市全然不同有限公司", number=1), make.company("深圳市砚檀珠宝有限公司", number=2)
    merge_companies(survivor_id=survivor.pk, absorbed_id=absorbed.pk, by=lead, reason="x", now=make.NOW)
    waiting(run, "砚檀珠宝")
    propose_for_rows(run_id=run.pk, now=make.NOW)
    assert [match.company for match in PossibleMatch.objects.all()] == [survivor]


def test_duplicates_are_proposed_once_and_judged_pairs_never_again(lead: User) -> None:
    one, other = make.company("深圳市砚檀珠宝有限公司", number=1), make.company("砚檀珠寶（深圳）有限公司", number=2)
    make.company("深圳市霁芃电池有限公司", number=3)
    make.company("东莞市砚檀珠宝有限公司", number=4)
    assert nightly_duplicates({}, make.NOW) == {"proposed": 1}
    pair = PossibleMatch.objects.get()
    assert (pair.company, pair.other, pair.reasons) == (one, other, [match_names.SAME_NAME])
    decide_match(match_id=pair.pk, same=False, by=lead, now=make.NOW)
    assert find_duplicates(now=make.NOW, limit=10) == 0
    assert PossibleMatch.objects.get().state == "different"


def test_the_limit_keeps_the_likeliest(db: None) -> None:
    for number, name in enumerate(["深圳市砚檀珠宝有限公司", "砚檀珠宝有限公司", "深圳砚檀珠宝有限公司"], start=1):
        make.company(name, number=number)
    assert find_duplicates(now=make.NOW, limit=1) == 1
    assert PossibleMatch.objects.get().score == 1


# --- decisions -------------------------------------------------------------------------------------------------------


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was asked of the replay, which has tests of its own."""
    import sys
    import types

    calls: list[Any] = []
    fake = types.ModuleType("crm.services.replay_quarantine")
    fake.replay_quarantine = lambda **asked: calls.append(asked) or {"REPLAYED": 1}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "crm.services.replay_quarantine", fake)
    return calls


@pytest.fixture
def two(run: SyncRun) -> list[PossibleMatch]:
    row = waiting(run, "砚檀")
    companies = [make.company(f"砚檀{at}", number=at) for at in (1, 2)]
    return [PossibleMatch.objects.create(row=row, company=company, score=0.8) for company in companies]


def test_the_same_sends_the_row_into_the_company(lead: User, two: list[PossibleMatch], replayed: list[Any]) -> None:
    decide_match(match_id=two[0].pk, same=True, by=lead, now=make.NOW)
    assert replayed == [{"rows": [two[0].row_id], "by": lead, "now": make.NOW, "companies": {two[0].row_id: two[0].company_id}}]
    assert list(PossibleMatch.objects.order_by("pk").values_list("state", flat=True)) == ["same", "different"]
    with pytest.raises(IdentityRefused, match="已判断"):
        decide_match(match_id=two[1].pk, same=True, by=lead, now=make.NOW)
    assert len(replayed) == 1


def test_a_row_that_is_none_of_them_becomes_a_new_company(lead: User, two: list[PossibleMatch], replayed: list[Any]) -> None:
    decide_match(match_id=two[0].pk, same=False, by=lead, now=make.NOW)
    assert replayed == []
    decide_match(match_id=two[1].pk, same=False, by=lead, now=make.NOW)
    assert [call["companies"] for call in replayed] == [{two[0].row_id: None}]


def test_a_pair_is_merged_into_the_chosen_one(lead: User, db: None) -> None:
    one, other = make.company("砚檀", number=1), make.company("砚檀", number=2)
    pair = PossibleMatch.objects.create(company=one, other=other, score=1)
    with pytest.raises(IdentityRefused, match="留存"):
        decide_match(match_id=pair.pk, same=True, by=lead, now=make.NOW, reason="x")
    decided = decide_match(match_id=pair.pk, same=True, by=lead, now=make.NOW, reason="同址", survivor_id=other.pk)
    assert decided.state == "same"
    assert Company.objects.get(pk=one.pk).merged_into == other
