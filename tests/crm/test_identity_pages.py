"""The pages: who may, what they ask for, and that every list and look-up follows a merge to the live company."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chains import loading
from chains.models import Chain, Placement
from crm.models import Company, CompanyName, IdentityChange, PossibleMatch, QuarantinedRow, Source, SyncRun
from crm.services.merge_companies import merge_companies
from crm.services.save_company import edit_company
from office.models import User
from office.roles import AUDITOR, CHAIN_LEADER, DEPARTMENT, OFFICER, TEAM_LEAD
from tests import factories as make

pytestmark = pytest.mark.django_db
LIST = "admin:crm_company_changelist"


def signed_in(*roles: str) -> Client:
    client = Client()
    client.force_login(make.user(f"u{User.objects.count()}", *roles))
    return client


@pytest.fixture
def lead() -> User:
    return make.user("lead", TEAM_LEAD)


@pytest.fixture
def merged(lead: User) -> tuple[Company, Company]:
    """甲 has absorbed 乙, whose former name was 丙; both have a project, 乙 has one more officer at work."""
    first, second = make.company("甲方实业有限公司", number=1), make.company("乙方贸易有限公司", number=2)
    CompanyName.objects.create(company=second, name="丙方旧称有限公司")
    officer = make.user("keeper", OFFICER)
    make.project(officer, first, code="P2026-0001")
    make.project(officer, second, code="P2026-0002")
    merge_companies(survivor_id=first.pk, absorbed_id=second.pk, by=lead, reason="同址同人", now=make.NOW)
    return first, second


def listed(client: Client, **query: str) -> list[str]:
    response = client.get(reverse(LIST), query)
    assert response.status_code == 200
    return [company.name for company in response.context["cl"].result_list]


def text(client: Client, name: str, *args: Any) -> str:
    response = client.get(reverse(f"admin:{name}", args=args))
    assert response.status_code == 200
    return response.content.decode()


def test_lists_show_live_companies_and_find_them_by_what_they_absorbed(merged: tuple[Company, Company]) -> None:
    client, (first, second) = signed_in(OFFICER), merged
    assert listed(client) == [first.name]
    code = second.identifiers.get().value
    for term in ("乙方贸易", "丙方旧称", code, second.code):
        assert listed(client, q=term) == [first.name], term
    assert listed(client, absorbed="yes") == [second.name]
    assert len(listed(client, absorbed="all")) == 2


def test_look_ups_offer_live_companies_alone(merged: tuple[Company, Company]) -> None:
    query = {"app_label": "projects", "model_name": "project", "field_name": "company"}
    client = signed_in(OFFICER)
    for term in ("", "乙方"):
        found = client.get(reverse("admin:autocomplete"), query | {"term": term}).json()["results"]
        assert [entry["text"] for entry in found] == [merged[0].name], term


def test_the_survivors_page_lists_what_it_absorbed_and_its_projects(merged: tuple[Company, Company]) -> None:
    first, second = merged
    client = Client()
    client.force_login(User.objects.get(username="keeper"))
    page = text(client, "crm_company_change", first.pk)
    assert f"{second.code} {second.name}" in page
    assert second.identifiers.get().value in page
    assert "项目P2026-0001" in page
    assert "项目P2026-0002" in page


def test_the_absorbed_page_points_on_and_is_read_only(merged: tuple[Company, Company]) -> None:
    first, second = merged
    client = signed_in(OFFICER)
    page = text(client, "crm_company_change", second.pk)
    assert "已并入" in page
    assert reverse("admin:crm_company_change", args=[first.pk]) in page
    assert 'name="_save"' not in page
    assert 'name="_save"' in text(client, "crm_company_change", first.pk), "canary: a live company can be edited"
    assert client.post(reverse("admin:crm_company_change", args=[second.pk]), {"name": "x"}).status_code == 403
    with pytest.raises(ValidationError, match=first.code):
        edit_company(company=Company.objects.get(pk=second.pk), values={"short_name": "x"}, as_of=make.DAY)


def test_projects_show_the_live_company(merged: tuple[Company, Company]) -> None:
    client = Client()
    client.force_login(User.objects.get(username="keeper"))
    page = text(client, "projects_project_changelist")
    assert merged[0].name in page
    assert merged[1].name not in page


@pytest.mark.parametrize("size", [2, 20])
def test_the_survivors_page_takes_the_same_queries_for_few_and_many(lead: User, size: int) -> None:
    first = make.company("甲方实业有限公司", number=1)
    for number in range(size):
        other = make.company(f"被并入{number}", number=number + 2)
        merge_companies(survivor_id=first.pk, absorbed_id=other.pk, by=lead, reason="x", now=make.NOW)
    client = signed_in(OFFICER)
    client.get(reverse("admin:crm_company_change", args=[first.pk]))
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("admin:crm_company_change", args=[first.pk]))
    by_table = [query["sql"] for query in queries if 'FROM "crm_companyidentifier"' in query["sql"]]
    assert len(by_table) <= 4


# --- chains ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def chain() -> Chain:
    return make.chain()


def placed(chain: Chain) -> list[tuple[str, float]]:
    return [(row["company"], row["probability"]) for row in loading.company_placements(loading.current_version(chain))]


def test_a_merged_pair_counts_once_a_node_as_the_live_company(lead: User, chain: Chain) -> None:
    first, second = make.company("甲", number=1, revenue=300_000_000), make.company("乙", number=2)
    make.place(chain, "chip", first, 0.4)
    make.place(chain, "chip", second, 0.9)
    make.place(chain, "screen", second, 0.7)
    assert len(placed(chain)) == 3
    merge_companies(survivor_id=first.pk, absorbed_id=second.pk, by=lead, reason="x", now=make.NOW)
    assert sorted(placed(chain)) == [(first.code, 0.4), (first.code, 0.7)]
    rows = loading.company_placements(loading.current_version(chain))
    assert {row["size"] for row in rows} == {3.0}


def test_of_several_absorbed_the_likeliest_counts_and_a_rejection_of_the_firm_holds(lead: User, chain: Chain) -> None:
    first, second, third = (make.company(name, number=at) for at, name in enumerate("甲乙丙", start=1))
    make.place(chain, "chip", second, 0.5)
    make.place(chain, "chip", third, 0.8)
    for other in (second, third):
        merge_companies(survivor_id=first.pk, absorbed_id=other.pk, by=lead, reason="x", now=make.NOW)
    assert placed(chain) == [(first.code, 0.8)]
    make.place(chain, "chip", first, 0.3, state=Placement.State.REJECTED)
    assert placed(chain) == []


def test_the_leader_of_the_chain_sees_the_survivor(lead: User, chain: Chain) -> None:
    first, second = make.company("甲方", number=1), make.company("乙方", number=2)
    make.place(chain, "chip", second)
    leader = make.user("leader", CHAIN_LEADER)
    make.lead(chain, leader)
    client = Client()
    client.force_login(leader)
    assert listed(client) == ["乙方"]
    merge_companies(survivor_id=first.pk, absorbed_id=second.pk, by=lead, reason="x", now=make.NOW)
    assert listed(client) == ["甲方"]


# --- merge, split, undo ----------------------------------------------------------------------------------------------


def test_merging_and_undoing_on_screen() -> None:
    first, second = make.company("甲方", number=1), make.company("乙方", number=2)
    client = signed_in(DEPARTMENT)
    address = reverse("admin:crm_company_merge", args=[second.pk])
    assert client.post(address, {"survivor": first.pk, "reason": ""}).status_code == 200
    assert not IdentityChange.objects.exists(), "no reason, no merge"
    assert client.post(address, {"survivor": first.pk, "reason": "同一家"}).status_code == 302
    change = IdentityChange.objects.get()
    assert (change.survivor, change.other) == (first, second)
    page = text(client, "crm_identitychange_changelist")
    assert reverse("admin:crm_identitychange_undo", args=[change.pk]) in page
    undo = reverse("admin:crm_identitychange_undo", args=[change.pk])
    client.get(undo)
    second.refresh_from_db()
    assert second.merged_into == first, "looking is not undoing"
    assert client.post(undo, {"confirm": "yes"}).status_code == 302
    second.refresh_from_db()
    assert second.merged_into is None
    assert "撤销。" in client.post(undo, {"confirm": "yes"}).content.decode()
    assert IdentityChange.objects.count() == 1


def test_splitting_and_taking_out_on_screen(merged: tuple[Company, Company]) -> None:
    first, second = merged
    client = signed_in(TEAM_LEAD)
    assert client.post(reverse("admin:crm_company_take_out", args=[second.pk]), {"reason": "不是一家"}).status_code == 302
    second.refresh_from_db()
    assert second.merged_into is None
    alias = first.identifiers.get()
    split = reverse("admin:crm_company_split", args=[first.pk])
    data = {"name": "拆出企业", "reason": "两家", "parts": [f"identifiers:{alias.pk}"]}
    foreign = client.post(split, data | {"parts": [f"identifiers:{second.identifiers.get().pk}"]})
    assert list(foreign.context["form"].errors) == ["parts"]
    assert client.post(split, data).status_code == 302
    assert Company.objects.get(name="拆出企业").identifiers.get() == alias


@pytest.mark.parametrize(("role", "allowed"), [(OFFICER, False), (AUDITOR, False), (TEAM_LEAD, True), (DEPARTMENT, True)])
def test_who_may_merge(role: str, allowed: bool) -> None:
    first, second = make.company("甲方", number=1), make.company("乙方", number=2)
    client = signed_in(role)
    address = reverse("admin:crm_company_merge", args=[second.pk])
    assert (address in text(client, "crm_company_change", second.pk)) == allowed
    status = client.post(address, {"survivor": first.pk, "reason": "同一家"}).status_code
    assert status == (302 if allowed else 403)
    assert IdentityChange.objects.exists() == allowed


def test_a_merge_without_the_token_is_refused(lead: User) -> None:
    first, second = make.company("甲方", number=1), make.company("乙方", number=2)
    client = Client(enforce_csrf_checks=True)
    client.force_login(lead)
    address = reverse("admin:crm_company_merge", args=[second.pk])
    assert client.post(address, {"survivor": first.pk, "reason": "x"}).status_code == 403
    assert not IdentityChange.objects.exists()


# --- the review queue ------------------------------------------------------------------------------------------------


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []
    fake = types.ModuleType("crm.services.replay_quarantine")
    fake.replay_quarantine = lambda **asked: calls.append(asked) or {"REPLAYED": 1}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "crm.services.replay_quarantine", fake)
    return calls


@pytest.fixture
def row_match() -> PossibleMatch:
    run = SyncRun.objects.create(source=Source.objects.create(code="s", name="市场监管库"), slot="1", mode="full")
    values = {"name": "砚檀珠寶有限公司", "registered_capital": "5000000", "district_code": "440303"}
    row = QuarantinedRow.objects.create(run=run, source_key="SZ9", payload={"values": values})
    return PossibleMatch.objects.create(company=make.company("砚檀珠宝有限公司", number=1), row=row, score=0.97)


@pytest.fixture
def pair() -> PossibleMatch:
    one, other = make.company("砚檀甲", number=5), make.company("砚檀乙", number=6)
    return PossibleMatch.objects.create(company=one, other=other, score=0.95)


def test_the_queue_is_ordered_by_score_with_both_sides(row_match: PossibleMatch, pair: PossibleMatch) -> None:
    page = text(signed_in(OFFICER), "crm_possiblematch_changelist")
    assert page.index("砚檀珠寶有限公司") < page.index("砚檀乙")
    for shown in ("砚檀珠宝有限公司", "市场监管库（SZ9）", "500万元", "罗湖区", make.uscc(5), make.uscc(6)):
        assert shown in page, shown


def judge(client: Client, match: PossibleMatch, **data: Any) -> int:
    return client.post(reverse("admin:crm_possiblematch_judge", args=[match.pk]), data).status_code


def test_an_officer_judges_a_record(row_match: PossibleMatch, replayed: list[Any]) -> None:
    client = signed_in(OFFICER)
    assert client.get(reverse("admin:crm_possiblematch_judge", args=[row_match.pk])).status_code == 200
    assert replayed == [], "looking is not judging"
    assert judge(client, row_match, answer="same") == 302
    assert [call["companies"] for call in replayed] == [{row_match.row_id: row_match.company_id}]


def test_an_officer_says_that_two_are_two_and_leaves_merging_to_others(pair: PossibleMatch) -> None:
    client = signed_in(OFFICER)
    assert 'value="same"' not in text(client, "crm_possiblematch_judge", pair.pk)
    assert judge(client, pair, answer="same", survivor=pair.company_id, reason="x") == 403
    assert not IdentityChange.objects.exists()
    assert judge(client, pair, answer="different") == 302
    pair.refresh_from_db()
    assert pair.state == "different"


def test_a_team_lead_merges_a_pair(pair: PossibleMatch) -> None:
    client = signed_in(TEAM_LEAD)
    assert judge(client, pair, answer="same", reason="同址") == 200, "no survivor was chosen"
    assert judge(client, pair, answer="same", reason="", survivor=pair.other_id) == 200, "no reason was given"
    assert not IdentityChange.objects.exists()
    assert judge(client, pair, answer="same", reason="同址", survivor=pair.other_id) == 302
    assert IdentityChange.objects.get().survivor_id == pair.other_id


@pytest.mark.parametrize("role", [AUDITOR, DEPARTMENT])
def test_who_may_not_judge(pair: PossibleMatch, role: str) -> None:
    assert judge(signed_in(role), pair, answer="different") == 403
    pair.refresh_from_db()
    assert pair.state == "open"
