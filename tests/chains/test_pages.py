"""The pages: who may see them, what stands on them, and how many queries they take."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chains.analysis.analysis import analyse
from chains.analysis.chainfile import parse_chain
from chains.models import GapReport, Node, Placement
from chains.services.make_report import make_report
from crm.models import Company
from office.roles import CHAIN_LEADER
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain():
    return make.chain()


@pytest.fixture
def leader(client: Client, chain) -> Client:
    who = make.user("leader", CHAIN_LEADER)
    make.lead(chain, who)
    client.force_login(who)
    return client


def report(chain, day=make.DAY):
    return make_report(chain=chain, as_of=day, now=make.NOW).report


@pytest.mark.parametrize(
    "address", ["/", "/plan/", "/model/", "/chains/demo/", "/chains/demo/chain.json", "/chains/demo/nodes/chip/", "/admin/"]
)
def test_a_stranger_is_sent_to_the_login_page(client: Client, chain, address: str) -> None:
    report(chain)
    response = client.get(address)
    assert response.status_code == 302
    assert "login" in response["Location"]


def test_health_needs_no_login_and_tells_nothing(client: Client) -> None:
    assert client.get("/healthz").content == b"ok"


def test_the_report_page_names_gap_action_and_person(leader: Client, chain) -> None:
    make.place(chain, "chip", make.company("东莞示例大芯有限公司", district="441900"))
    made = report(chain)
    html = leader.get("/chains/demo/").content.decode()
    for text in ("缺口报告", "芯片", "补链", "空白", "东莞示例大芯有限公司", "完整度", made.input_hash):
        assert text in html
    for row in made.rows.all():
        assert reverse("report-node", args=["demo", made.number, row.code]) in html


def test_every_node_page_shows_what_its_score_was_made_of(leader: Client, chain) -> None:
    make.place(chain, "chip", make.company("深圳市示例芯有限公司"), 0.7)
    made = report(chain)
    for row in made.rows.all():
        html = leader.get(reverse("report-node", args=["demo", made.number, row.code])).content.decode()
        assert f"{row.gap:,.4f}" in html
    html = leader.get("/chains/demo/nodes/chip/").content.decode()
    assert "深圳市示例芯有限公司" in html
    assert "芯片设计" in html


def test_an_old_issue_says_that_it_is_old(leader: Client, chain) -> None:
    report(chain)
    make.place(chain, "chip", make.company("深圳市示例芯有限公司"))
    report(chain, make.DAY + dt.timedelta(days=1))
    assert "这是旧的一期" in leader.get("/chains/demo/reports/1/").content.decode()
    assert "这是旧的一期" not in leader.get("/chains/demo/").content.decode()


def test_a_chain_without_a_report_says_what_to_do(leader: Client, chain) -> None:
    html = leader.get("/chains/demo/").content.decode()
    assert "还没有缺口报告" in html
    assert "还没有缺口报告" in leader.get("/").content.decode()


def test_anyone_can_compute_a_report_again_from_its_file(leader: Client, chain) -> None:
    make.place(chain, "chip", make.company("深圳市示例芯有限公司"), 0.7)
    made = report(chain)
    make.place(chain, "screen", make.company("深圳市示例屏有限公司", number=2))  # later, and not in the frozen file
    document = parse_chain(leader.get("/chains/demo/reports/1/chain.json").json())
    assert document.input_hash == made.input_hash
    assert analyse(document).to_dict() == GapReport.objects.get(pk=made.pk).analysis
    assert parse_chain(leader.get("/chains/demo/chain.json").json()).input_hash != made.input_hash


@pytest.mark.parametrize("page", ["nothing/", "demo/reports/99/", "demo/reports/99/chain.json", "demo/nodes/nothing/"])
def test_what_does_not_exist_is_not_found(leader: Client, chain, page: str) -> None:
    report(chain)
    assert leader.get(f"/chains/{page}").status_code == 404


def test_names_are_never_markup(leader: Client) -> None:
    body = make.chain_document()
    body["nodes"][0]["name"] = "<script>alert(1)</script>"
    chain = make.chain(**body)
    make.place(chain, "chip", make.company("<img src=x onerror=alert(2)>", district="441900"))
    report(chain)
    for address in ("/", "/chains/demo/", "/chains/demo/nodes/chip/"):
        html = leader.get(address).content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html


def test_no_request_leaves_the_machine(leader: Client, chain) -> None:
    report(chain)
    for address in ("/", "/plan/", "/model/", "/chains/demo/", "/chains/demo/nodes/chip/"):
        html = leader.get(address).content.decode().replace("http://www.w3.org/", "")
        assert "http://" not in html
        assert "https://" not in html
        assert '="//' not in html


def fill(chain, count: int) -> None:
    companies = Company.objects.bulk_create(
        Company(
            name=f"示例企业{number}", district_code=("440303", "441900")[number % 2], annual_revenue=10_000_000,
            revenue_year=2025,
        )
        for number in range(count)
    )
    nodes = list(Node.objects.filter(chain=chain))
    Placement.objects.bulk_create(
        Placement(node=nodes[number % 4], company=company, probability=0.8, placed_on=make.DAY, evidence=[])
        for number, company in enumerate(companies)
    )


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


@pytest.mark.parametrize("address", ["/", "/chains/demo/", "/chains/demo/nodes/chip/", "/chains/demo/chain.json"])
def test_the_same_number_of_queries_for_10_and_1000_placements(leader: Client, chain, address: str) -> None:
    fill(chain, 10)
    report(chain)
    few = queries(leader, address)
    fill(chain, 990)
    made = report(chain, make.DAY + dt.timedelta(days=1))
    assert len(made.input_document["placements"]) == 500
    assert queries(leader, address) == few
    assert few <= 14


def test_making_a_report_takes_the_same_number_of_queries(chain) -> None:
    fill(chain, 10)
    with CaptureQueriesContext(connection) as few:
        report(chain)
    fill(chain, 990)
    with CaptureQueriesContext(connection) as many:
        report(chain, make.DAY + dt.timedelta(days=1))
    assert len(many) == len(few)
