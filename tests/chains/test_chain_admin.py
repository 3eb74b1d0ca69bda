"""Chains, files, reports and placements in the admin, through the forms that officers post."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chains.admin.upload import MOST_BYTES
from chains.models import Chain, ChainLeader, ChainVersion, GapReport, NodeSpec, Placement
from chains.services.make_report import make_report
from chains.services.publish import publish_chain
from crm.models import Company, CompanyEvent, QuarantinedRow, Source, SyncIssue, SyncRun
from office.models import User
from office.roles import ADMINISTRATOR, CHAIN_LEADER, OFFICER
from tests import factories as make

pytestmark = pytest.mark.django_db
UPLOAD = "admin:chains_chain_upload"
MODELS = ["chain", "chainversion", "node", "placement", "gapreport"]


@pytest.fixture
def officer() -> User:
    return make.user("officer", OFFICER)


@pytest.fixture
def page(client: Client, officer: User) -> Client:
    client.force_login(officer)
    return client


@pytest.fixture
def chain() -> Chain:
    return make.chain()


def upload(page: Client, content: bytes | str | dict[str, Any], note: str = "") -> Any:
    if isinstance(content, dict):
        content = json.dumps(content, ensure_ascii=False)
    body = content if isinstance(content, bytes) else content.encode()
    return page.post(reverse(UPLOAD), {"file": SimpleUploadedFile("chain.json", body), "note": note})


def refusals(response: Any) -> str:
    assert response.status_code == 200, "published, though it should have been refused"
    return "\n".join(response.context["form"].errors.get("file", []))


# -- chain files


def test_a_good_file_becomes_the_next_version(page: Client, chain: Chain, officer: User) -> None:
    body = make.chain_document()
    body["nodes"][0]["target_capacity"] = 12.0
    response = upload(page, body, "调高芯片目标")
    version = ChainVersion.objects.get(number=2)
    assert response["Location"] == reverse("admin:chains_chainversion_change", args=[version.pk])
    assert (version.chain, version.published_by, version.note) == (chain, officer, "调高芯片目标")
    html = page.get(response["Location"]).content.decode()
    assert "已发布" in html
    assert html.count(reverse("chain-node", args=["demo", "chip"])) == 1
    assert NodeSpec.objects.get(version__number=1, node__code="chip").target_capacity == 10


def test_the_same_file_makes_no_version(page: Client, chain: Chain) -> None:
    response = upload(page, make.chain_document())
    assert "与现行版本相同" in page.get(response["Location"]).content.decode()
    assert ChainVersion.objects.count() == 1


def test_a_file_can_begin_a_chain(page: Client) -> None:
    make.clause()
    assert upload(page, make.chain_document()).status_code == 302
    assert Chain.objects.get().code == "demo"


def test_every_bad_place_is_named_at_once(page: Client, chain: Chain) -> None:
    body = make.chain_document()
    body["nodes"][0]["target_capacity"] = -1
    body["nodes"][1]["external_availability"] = 7
    body["supply"][0]["alternatives"][0]["node"] = "nowhere"
    said = refusals(upload(page, body))
    for place in ("nodes[0].target_capacity", "nodes[1].external_availability", "supply[0].alternatives[0].node"):
        assert place in said
    assert ChainVersion.objects.count() == 1


@pytest.mark.parametrize(("content", "message"), [
    (b"not json at all", "不是完整的 JSON"), (b"", "空"), ("产业链缺口".encode("gbk"), "不是 UTF-8"),
    (b"[" * 20_000, "嵌套"), (b"[]", "$"), (b"null", "$"), (b'{"format": "chain/1"}', "nodes"),
])
def test_what_is_no_chain_file_is_refused(page: Client, chain: Chain, content: bytes, message: str) -> None:
    assert message in refusals(upload(page, content))
    assert ChainVersion.objects.count() == 1


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_numbers_that_are_none_are_refused(page: Client, chain: Chain, number: str) -> None:
    text = json.dumps(make.chain_document()).replace('"target_capacity": 10.0', f'"target_capacity": {number}')
    assert refusals(upload(page, text))
    assert ChainVersion.objects.count() == 1


def test_repeated_keys_are_refused(page: Client, chain: Chain) -> None:
    twice = '"target_capacity": 10.0, "target_capacity": 99.0'
    text = json.dumps(make.chain_document()).replace('"target_capacity": 10.0', twice)
    assert "target_capacity" in refusals(upload(page, text))
    assert ChainVersion.objects.count() == 1


def test_a_file_above_5_mb_is_refused_unread(page: Client, chain: Chain) -> None:
    assert "超过 5 MB" in refusals(upload(page, b" " * (MOST_BYTES + 1)))


def test_no_file_is_asked_for(page: Client) -> None:
    assert page.post(reverse(UPLOAD), {"note": "忘了文件"}).context["form"].errors["file"]


def test_an_unknown_clause_is_named(page: Client, chain: Chain) -> None:
    body = make.chain_document()
    body["nodes"][0]["clause"] = "九(九)9"
    assert "chip 引用 九(九)9" in refusals(upload(page, body))


def test_texts_that_no_column_holds_are_named(page: Client, chain: Chain) -> None:
    body = make.chain_document()
    body["nodes"][1]["name"] = "长" * 65
    body["nodes"][2]["reason"] = "由" * 256
    body["supply"][0]["label"] = "需" * 65
    body["chain"]["group"] = "组" * 33
    said = refusals(upload(page, body))
    for place in ("nodes[1].name", "nodes[2].reason", "supply[0].label", "chain.group"):
        assert f"{place}：" in said
    assert ChainVersion.objects.count() == 1


def test_a_name_that_another_chain_has_is_refused(page: Client, chain: Chain) -> None:
    body = copy.deepcopy(make.chain_document())
    body["chain"]["code"] = "other"
    assert "另一条产业链已叫“演示链”" in refusals(upload(page, body))
    assert Chain.objects.count() == 1


def test_only_officers_upload(client: Client, chain: Chain) -> None:
    for role in (CHAIN_LEADER, ADMINISTRATOR):
        client.force_login(make.user(role, role))
        assert client.get(reverse(UPLOAD)).status_code == 403
        assert upload(client, make.chain_document()).status_code == 403


# -- reports


def test_a_report_is_made_by_a_post_and_not_by_a_link(page: Client, chain: Chain, officer: User) -> None:
    address = reverse("admin:chains_chain_report_now", args=[chain.pk])
    assert "生成报告" in page.get(address).content.decode()
    assert not GapReport.objects.exists()
    response = page.post(address)
    assert response["Location"] == reverse("chain", args=["demo"])
    assert GapReport.objects.get().created_by == officer
    page.post(address)
    assert GapReport.objects.count() == 1, "nothing changed since"


def test_a_chain_without_a_map_says_what_to_do(page: Client) -> None:
    empty = Chain.objects.create(code="empty", name="空链")
    response = page.post(reverse("admin:chains_chain_report_now", args=[empty.pk]), follow=True)
    assert "请先导入链文件" in response.content.decode()
    assert page.get(reverse("admin:chains_chain_report_now", args=[empty.pk + 1])).status_code == 404


def test_a_leader_makes_no_report(client: Client, chain: Chain) -> None:
    client.force_login(make.user("leader", CHAIN_LEADER))
    assert client.post(reverse("admin:chains_chain_report_now", args=[chain.pk])).status_code == 403
    assert "report-now" not in client.get(reverse("admin:chains_chain_change", args=[chain.pk])).content.decode()


def test_the_report_list_reads_one_number_and_not_the_documents(page: Client, chain: Chain) -> None:
    make.place(chain, "chip", make.company("深圳市示例芯有限公司"))
    made = make_report(chain=chain, as_of=make.DAY, now=make.NOW).report
    with CaptureQueriesContext(connection) as queries:
        html = page.get(reverse("admin:chains_gapreport_changelist")).content.decode()
    assert not [query for query in queries if '"input_document"' in query["sql"]]
    assert f"{made.analysis['chain']['current']['completeness']:.1%}" in html
    assert reverse("report", args=["demo", 1]) in html
    detail = page.get(reverse("admin:chains_gapreport_change", args=[made.pk])).content.decode()
    assert made.input_hash in detail
    assert "{" + "&quot;" not in detail


# -- placements


@pytest.fixture
def waiting(chain: Chain) -> list[Placement]:
    return [make.place(chain, "chip", make.company(f"示例企业{n}", number=n + 1), 0.5 + n / 10) for n in range(3)]


def act(page: Client, name: str, rows: list[Placement]) -> Any:
    data = {"action": name, "_selected_action": [row.pk for row in rows]}
    return page.post(reverse("admin:chains_placement_changelist"), data, follow=True)


@pytest.mark.parametrize(("name", "state", "word", "probability"), [
    ("confirm", "confirmed", "已确认 2 条", 1.0), ("reject", "rejected", "已否定 2 条", 0.0),
])
def test_placements_are_decided_in_bulk(
    page: Client, officer: User, waiting: list[Placement], name: str, state: str, word: str, probability: float
) -> None:
    html = act(page, name, waiting[:2]).content.decode()
    assert word in html
    assert "示例企业0 → 芯片" in html
    decided = Placement.objects.filter(state=state)
    assert {row.pk for row in decided} == {row.pk for row in waiting[:2]}
    assert {(row.probability, row.decided_by) for row in decided} == {(probability, officer)}
    assert Placement.objects.get(pk=waiting[2].pk).state == "candidate"


def test_one_placement_is_decided_on_its_page(page: Client, waiting: list[Placement]) -> None:
    address, button = reverse("admin:chains_placement_change", args=[waiting[0].pk]), "chains_placement_reject_one"
    assert f'name="{button}"' in page.get(address).content.decode()
    response = page.post(address, {"revenue_share": "0.4", "seen_version": 1, button: "1"})
    assert response.status_code == 302
    row = Placement.objects.get(pk=waiting[0].pk)
    assert (row.state, row.probability, row.revenue_share) == ("rejected", 0.0, 0.4)


@pytest.mark.parametrize("share", ["NaN", "Infinity", "1.5", "-0.1", "一半", ""])
def test_a_senseless_share_is_refused(page: Client, waiting: list[Placement], share: str) -> None:
    data = {"revenue_share": share, "seen_version": 1}
    response = page.post(reverse("admin:chains_placement_change", args=[waiting[0].pk]), data)
    assert "revenue_share" in response.context["adminform"].form.errors
    assert Placement.objects.get(pk=waiting[0].pk).revenue_share == 1


def test_what_the_placer_found_cannot_be_posted_over(page: Client, waiting: list[Placement]) -> None:
    row = waiting[0]
    other = make.company("别的企业", number=50)
    evil = {
        "revenue_share": "1", "probability": "1", "state": "confirmed", "source": "officer", "company": other.pk,
        "placed_on": "2020-01-01", "decided_by": 1, "evidence": "[]", "seen_version": 1,
    }
    assert page.post(reverse("admin:chains_placement_change", args=[row.pk]), evil).status_code == 302
    stored = Placement.objects.get(pk=row.pk)
    assert (stored.probability, stored.state, stored.source, stored.company) == (0.5, "candidate", "placer", row.company)
    assert stored.evidence == row.evidence


def test_an_officer_places_by_hand(page: Client, officer: User, chain: Chain) -> None:
    node, company = chain.nodes.get(code="screen"), make.company("深圳市示例屏有限公司")
    data = {"node": node.pk, "company": company.pk, "project": "", "revenue_share": "0.6", "probability": "0.1"}
    assert page.post(reverse("admin:chains_placement_add"), data).status_code == 302
    row = Placement.objects.get()
    assert (row.probability, row.state, row.source, row.decided_by) == (1.0, "confirmed", "officer", officer)
    again = page.post(reverse("admin:chains_placement_add"), data)
    assert again.status_code == 200
    assert "已挂在本环节" in again.content.decode()


@pytest.mark.parametrize("both", [True, False])
def test_a_placement_is_of_a_company_or_of_a_project(page: Client, officer: User, chain: Chain, both: bool) -> None:
    company = make.company("深圳市示例屏有限公司")
    project = make.project(officer, company)
    data = {"node": chain.nodes.get(code="screen").pk, "revenue_share": "1"}
    data |= {"company": company.pk, "project": project.pk} if both else {}
    response = page.post(reverse("admin:chains_placement_add"), data)
    assert response.status_code == 200
    assert "企业或项目之一" in response.content.decode()


def test_what_waits_stands_first_and_filters_work(page: Client, waiting: list[Placement]) -> None:
    act(page, "confirm", waiting[2:])
    rows = page.get(reverse("admin:chains_placement_changelist")).context["cl"].result_list
    assert [row.pk for row in rows] == [waiting[1].pk, waiting[0].pk, waiting[2].pk]
    rows = page.get(reverse("admin:chains_placement_changelist"), {"state__exact": "confirmed"}).context["cl"].result_list
    assert [row.pk for row in rows] == [waiting[2].pk]
    rows = page.get(reverse("admin:chains_placement_changelist"), {"q": "示例企业1"}).context["cl"].result_list
    assert [row.pk for row in rows] == [waiting[1].pk]


# -- companies: what the chains add to their pages


def test_companies_are_filtered_by_chain_and_lead_to_their_gaps(page: Client, chain: Chain, waiting: list[Placement]) -> None:
    make.company("无关企业", number=40)
    act(page, "reject", waiting[:1])
    rows = page.get(reverse("admin:crm_company_changelist"), {"chain": "demo"}).context["cl"].result_list
    assert {row.name for row in rows} == {"示例企业1", "示例企业2"}
    html = page.get(reverse("admin:crm_company_change", args=[waiting[1].company_id])).content.decode()
    assert reverse("chain-node", args=["demo", "chip"]) in html
    assert reverse("admin:chains_placement_change", args=[waiting[1].pk]) in html
    assert "芯片设计" in html


def company_form(company: Company, **values: str) -> dict[str, str]:
    sets = ("identifiers", "former_names", "grades", "grades-2", "events", "projects", "projects-2", "placements", "contacts",
            "absorbed")
    data = {f"{name}-{key}": "0" for name in sets for key in ("TOTAL_FORMS", "INITIAL_FORMS")}
    company.refresh_from_db()
    data["seen_version"] = str(company.version)
    kept = {"name": company.name, "status": company.status, "district_code": company.district_code, "products": ""}
    return data | kept | values


@pytest.fixture
def by_hand() -> Company:
    return make.company("人工录入的企业", revenue=None)


def test_a_companys_money_and_products_are_written_as_people_write_them(page: Client, by_hand: Company) -> None:
    address = reverse("admin:crm_company_change", args=[by_hand.pk])
    values = {
        "annual_revenue": "3000万元", "revenue_year": "2025", "registered_capital": "1.2亿元",
        "products": "显示模组 60%\n\n柔性屏 40 %\n样机试制",
    }
    response = page.post(address, company_form(by_hand, **values))
    assert response.status_code == 302, response.context["errors"]
    by_hand.refresh_from_db()
    assert (by_hand.annual_revenue, by_hand.registered_capital) == (Decimal(30_000_000), Decimal(120_000_000))
    assert (by_hand.registered_capital_currency, by_hand.registered_capital_text) == ("CNY", "1.2亿元")
    assert by_hand.products == [
        {"name": "显示模组", "revenue_share": 0.6}, {"name": "柔性屏", "revenue_share": 0.4},
        {"name": "样机试制", "revenue_share": None},
    ]
    html = page.get(address).content.decode()
    assert "显示模组 60%\n柔性屏 40%\n样机试制" in html
    assert "revenue_share" not in html


@pytest.mark.parametrize(("field", "text", "message"), [
    ("annual_revenue", "NaN", "看不懂的金额"), ("annual_revenue", "100万美元", "折算为人民币"),
    ("annual_revenue", "-1万元", "不能为负"), ("annual_revenue", "3000万元", "注明是哪一年"),
    ("products", "甲 60%\n乙 50%", "合计超过 100%"), ("products", "甲 130%", "超过 100%"),
    ("products", "60%", "第 1 行看不懂"), ("district_code", "999999", "GB/T 2260"), ("district_code", "罗湖", "区划代码"),
])
def test_a_senseless_company_is_refused(page: Client, by_hand: Company, field: str, text: str, message: str) -> None:
    data = company_form(by_hand, **{field: text})
    response = page.post(reverse("admin:crm_company_change", args=[by_hand.pk]), data)
    assert response.status_code == 200
    assert message in response.content.decode()
    by_hand.refresh_from_db()
    assert str(by_hand.version) == data["seen_version"]


@pytest.fixture
def synced() -> Company:
    source = Source.objects.create(code="sandbox", name="示例企业库")
    made = make.company(
        "来自数据源的企业", source=source, products=[{"name": "显示模组", "revenue_share": 0.6}], employees=12
    )
    run = SyncRun.objects.create(source=source, slot="one", mode="full", status="done", counts={"NEW": 1, "SKIP": 0})
    CompanyEvent.objects.create(
        company=made, run=run, kind="update", after={"employees": 12, "status": "active", "annual_revenue": 100000000},
        before={"employees": 9, "status": "revoked", "annual_revenue": None},
    )
    row = QuarantinedRow.objects.create(run=run, source_key="SZ2", payload={"creditCode": "9144"})
    SyncIssue.objects.create(run=run, row=row, source_key="SZ2", field="creditCode", reason="校验位不符")
    return made


def test_what_a_source_keeps_is_read_and_what_it_does_not_know_is_filled_in(page: Client, synced: Company) -> None:
    address = reverse("admin:crm_company_change", args=[synced.pk])
    html = page.get(address).content.decode()
    assert 'name="name"' not in html
    assert "显示模组 60%" in html
    evil = {"name": "改名", "employees": "99999", "annual_revenue": "1元", "is_sample": "on", "version": "50"}
    assert page.post(address, company_form(synced, address="示例路 1 号", **evil)).status_code == 302
    stored = Company.objects.get(pk=synced.pk)
    assert (stored.name, stored.employees, stored.annual_revenue, stored.is_sample) == (synced.name, 12, 100_000_000, False)
    assert (stored.address, stored.version) == ("示例路 1 号", synced.version + 1)
    assert stored.products == synced.products


def test_changes_and_runs_are_told_in_words(page: Client, synced: Company) -> None:
    html = page.get(reverse("admin:crm_company_change", args=[synced.pk])).content.decode()
    for line in ("从业人数：9 → 12", "登记状态：吊销 → 存续/在业", "年营业收入：未填 → 1亿元"):
        assert line in html
    assert "&#x27;employees&#x27;" not in html
    run, issue = SyncRun.objects.get(), SyncIssue.objects.get()
    html = page.get(reverse("admin:crm_syncrun_changelist")).content.decode()
    assert "新增 1" in html
    assert "NEW 1" not in html
    html = page.get(reverse("admin:crm_syncrun_change", args=[run.pk])).content.decode()
    assert "{" + "}" not in html.split("<main", 1)[-1].split("<script", 1)[0]
    assert f"run__id__exact={run.pk}" in html
    assert len(page.get(reverse("admin:crm_syncissue_changelist"), {"run__id__exact": run.pk}).context["cl"].result_list) == 1
    assert "creditCode：9144" in page.get(reverse("admin:crm_syncissue_change", args=[issue.pk])).content.decode()


def test_adding_a_company_shows_no_machine_words(page: Client) -> None:
    html = page.get(reverse("admin:crm_company_add")).content.decode()
    assert "DatabaseDefault" not in html
    assert "企业变更" not in html


# -- rights and links


def test_the_chain_page_leads_to_everything_on_the_chain(page: Client, chain: Chain, officer: User) -> None:
    ChainLeader.objects.create(chain=chain, user=make.user("leader", CHAIN_LEADER), term=("2026-01-01", None))
    html = page.get(reverse("admin:chains_chain_change", args=[chain.pk])).content.decode()
    assert "2026年1月1日 至今" in html
    assert "None)" not in html
    assert reverse("admin:chains_chainversion_change", args=[chain.versions.get().pk]) in html
    for address in (
        f"{reverse('admin:chains_node_changelist')}?chain__id__exact={chain.pk}",
        f"{reverse('admin:projects_project_changelist')}?chain=demo",
        f"{reverse('admin:chains_placement_changelist')}?node__chain__id__exact={chain.pk}",
        reverse("chain", args=["demo"]),
    ):
        assert address in html
        if "admin" in address:
            assert page.get(address).status_code == 200
    node = chain.nodes.get(code="chip")
    html = page.get(reverse("admin:chains_node_change", args=[node.pk])).content.decode()
    assert reverse("admin:plans_clause_change", args=[make.clause().pk]) in html
    assert page.get(reverse("admin:chains_placement_changelist"), {"node__id__exact": node.pk}).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_a_leader_reads_every_page_and_writes_none(client: Client, chain: Chain, waiting: list[Placement], model: str) -> None:
    make_report(chain=chain, as_of=make.DAY, now=make.NOW)
    leader = make.user("leader", CHAIN_LEADER)
    make.lead(chain, leader)
    client.force_login(leader)
    listed = client.get(reverse(f"admin:chains_{model}_changelist"))
    assert listed.status_code == 200
    assert 'name="action"' not in listed.content.decode()
    row = listed.context["cl"].result_list[0]
    html = client.get(reverse(f"admin:chains_{model}_change", args=[row.pk])).content.decode()
    assert 'name="_save"' not in html
    assert "confirm_one" not in html
    assert "/admin/office/user/" not in html, "a link that ends at 403"
    assert client.post(reverse(f"admin:chains_{model}_change", args=[row.pk]), {"revenue_share": "0"}).status_code == 403
    assert client.get(reverse(f"admin:chains_{model}_add")).status_code == 403


def test_a_leader_decides_no_placement(client: Client, waiting: list[Placement]) -> None:
    client.force_login(make.user("leader", CHAIN_LEADER))
    act(client, "confirm", waiting)
    assert not Placement.objects.exclude(state="candidate").exists()


@pytest.mark.parametrize("model", MODELS)
def test_the_administrator_opens_no_business_page(client: Client, chain: Chain, model: str) -> None:
    client.force_login(make.user("sysadmin", ADMINISTRATOR))
    assert client.get(reverse(f"admin:chains_{model}_changelist")).status_code == 403


# -- questions to the database


def fill(size: int) -> None:
    for number in range(Chain.objects.count(), size):
        body = make.chain_document()
        body["chain"] |= {"code": f"chain-{number}", "name": f"链{number}", "clause": "四(一)2"}
        made = make.chain(**body)
        make.place(made, "chip", make.company(f"企业{number}", number=number + 1))
        make_report(chain=made, as_of=make.DAY, now=make.NOW)


def test_lists_ask_the_same_questions_for_5_and_50_rows(page: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every list over the same rows: making fifty chains with their reports is what takes long."""
    monkeypatch.setattr("office.sessions.WRITE_EVERY", 10**9)  # a session is written once a minute, and no list is to blame
    counts: dict[str, list[int]] = {model: [] for model in MODELS}
    for size in (5, 5, 50):  # the first fills caches
        fill(size)
        for model, asked in counts.items():
            with CaptureQueriesContext(connection) as queries:
                response = page.get(reverse(f"admin:chains_{model}_changelist"))
            assert len(response.context["cl"].result_list) >= size
            asked.append(len(queries))
    assert {model: asked[1] for model, asked in counts.items()} == {model: asked[2] for model, asked in counts.items()}


@pytest.mark.parametrize("model", ["company", "syncrun", "syncissue"])
def test_the_lists_of_companies_and_syncs_ask_the_same_questions_too(page: Client, synced: Company, model: str) -> None:
    counts = []
    for size in (5, 5, 50):  # the first fills caches
        for number in range(SyncRun.objects.count(), size):
            run = SyncRun.objects.create(source=synced.source, slot=str(number), mode="full", counts={"NEW": 1})
            SyncIssue.objects.create(run=run, source_key=str(number), reason="校验位不符")
            make.company(f"企业{number}", number=number + 100)
        with CaptureQueriesContext(connection) as queries:
            response = page.get(reverse(f"admin:crm_{model}_changelist"))
        assert len(response.context["cl"].result_list) == size
        counts.append(len(queries))
    assert counts[1] == counts[2]


def test_the_page_of_a_version_asks_the_same_questions_for_4_and_40_nodes(page: Client, chain: Chain) -> None:
    from chains.analysis.chainfile import parse_chain

    body = make.chain_document()
    body["nodes"] += [
        {"code": f"n{n}", "name": f"环节{n}", "tier": "upstream", "target_capacity": 1.0, "clause": "四(一)2"}
        for n in range(36)
    ]
    large = publish_chain(document=parse_chain(body), now=timezone.now()).version
    counts = []
    small = chain.versions.get(number=1)
    for version in (small, small, large):  # the first fills caches
        with CaptureQueriesContext(connection) as queries:
            html = page.get(reverse("admin:chains_chainversion_change", args=[version.pk])).content.decode()
        assert "芯片" in html
        counts.append(len(queries))
    assert counts[1] == counts[2]
    assert "环节35" in html
