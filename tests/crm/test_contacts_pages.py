"""The officers' pages through the forms that they post: nothing is shown by a GET, and no number comes back to the browser."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from crm.models import Contact, Disclosure
from crm.models.contacts import ERASED_NAME
from office.csvfile import FORMULA
from tests import factories as make
from tests.crm.contacts_world import CLEAR, EMAIL, NAME, PHONE, PURPOSE, SHARED_PHONE, World, standing_world
from tests.screens.english import english_in

pytestmark = pytest.mark.django_db
LIST, ADD, EXPORT = "admin:crm_contact_changelist", "admin:crm_contact_add", "admin:crm_contact_export"
NEW = {"name": "示例赵某某", "title": "", "department": "", "purpose": "policy", "basis": "duty", "new_phone": "",
       "new_other_phone": "", "new_email": "", "new_wechat": "", "agreed_until": ""}


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with standing_world(django_db_blocker, timezone.now()) as made:
        yield made


@pytest.fixture
def world(built: World, db: None) -> World:
    return deepcopy(built)


@pytest.fixture
def page(world: World) -> Client:
    return world.client("officer")


def address(world: World, name: str) -> str:
    return reverse(f"admin:crm_contact_{name}", args=[world.own.pk])


def form_data(world: World, **values: Any) -> dict[str, Any]:
    counters = {"disclosures-TOTAL_FORMS": 0, "disclosures-INITIAL_FORMS": 0}
    today = timezone.localdate().isoformat()
    return {**NEW, **counters, "company": world.own.company_id, "collected_on": today, **values}


def edit(world: World, page: Client, **values: Any) -> Any:
    kept = {"name": NAME, "keeper": world.own.keeper_id, "seen_version": Contact.objects.get(pk=world.own.pk).version}
    answer = page.post(address(world, "change"), form_data(world, **{**kept, **values}))
    world.own.refresh_from_db()
    return answer


def errors(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 200, "saved, though it should have been refused"
    return dict(answer.context["adminform"].form.errors)


# --- the form -----------------------------------------------------------------------------------------------------


def test_an_officer_adds_a_contact_and_keeps_it(world: World, page: Client) -> None:
    answer = page.post(reverse(ADD), form_data(world, new_phone="+86 139-8765-0777"), follow=True)
    made = Contact.objects.get(name="示例赵某某")
    assert (made.phone, made.keeper, made.keep_until_agreed) == ("13987650777", world.people["officer"], False)
    assert made.keep_until.year == made.last_used_on.year + 2
    assert "13987650777" not in answer.content.decode()
    assert "139****0777" in answer.content.decode()


def test_the_form_shows_masks_and_empty_fields(world: World, page: Client) -> None:
    form = page.get(address(world, "change")).context["adminform"].form
    for name in ("new_phone", "new_other_phone", "new_email", "new_wechat"):
        assert form[name].value() is None
        assert "****" in form[name].help_text


def test_an_empty_field_keeps_a_new_one_replaces_and_a_dash_empties(world: World, page: Client) -> None:
    edit(world, page, title="董事长")
    assert (world.own.title, world.own.phone, world.own.email) == ("董事长", PHONE, EMAIL)
    edit(world, page, new_phone="139 8765 0888", new_email="-")
    assert (world.own.phone, world.own.email) == ("13987650888", "")


@pytest.mark.parametrize(("values", "field"), [
    ({"new_phone": "打电话"}, "new_phone"), ({"new_email": "not-an-address"}, "new_email"), ({"purpose": ""}, "purpose"),
    ({"basis": ""}, "basis"), ({"collected_on": "2099-01-01"}, "collected_on"), ({"keeper": "1000000"}, "keeper"),
    ({"agreed_until": "2099-01-01"}, "agreed_until"), ({"agreed_until": "2001-01-01"}, "agreed_until"),
    ({"new_phone": "-", "new_other_phone": "-", "new_email": "-", "new_wechat": "-"}, "new_phone"),
])
def test_what_the_form_refuses(world: World, page: Client, values: dict[str, str], field: str) -> None:
    assert field in errors(edit(world, page, **values))
    assert world.own.phone == PHONE


def test_a_contact_passes_to_another_keeper_and_out_of_sight(world: World, page: Client) -> None:
    edit(world, page, keeper=world.people["colleague"].pk)
    assert world.own.keeper == world.people["colleague"]
    assert page.get(address(world, "change")).status_code == 404
    assert world.client("colleague").get(address(world, "change")).status_code == 200


def test_only_those_who_may_keep_are_offered(world: World, page: Client) -> None:
    form = page.get(address(world, "change")).context["adminform"].form
    assert {person.username for person in form.fields["keeper"].queryset} == {"officer", "colleague", "lead"}


@pytest.mark.parametrize("person", ["head", "leader", "auditor"])
def test_readers_change_nothing(world: World, person: str) -> None:
    edit(world, world.client(person), name="改名")
    assert world.own.name == NAME
    assert world.client(person).get(reverse(ADD)).status_code == 403
    assert world.client(person).post(reverse(ADD), form_data(world, new_phone="13987650777")).status_code == 403


def test_an_erasure_while_the_form_was_open_wins(world: World, page: Client) -> None:
    world.client("lead").post(address(world, "erase"), {"purpose": "本人要求删除"})
    assert edit(world, page, new_phone="13987650888").status_code == 403
    assert (world.own.name, world.own.phone) == (ERASED_NAME, "")


# --- reveal -------------------------------------------------------------------------------------------------------


def test_a_reveal_asks_first_and_shows_once(world: World, page: Client) -> None:
    asked = page.get(address(world, "reveal"))
    assert not any(text in asked.content.decode() for text in CLEAR)
    assert not Disclosure.objects.exists()
    shown = page.post(address(world, "reveal"), {"purpose": PURPOSE}, headers={"X-Request-ID": "req-1"})
    assert PHONE in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    assert Disclosure.objects.get().request_id == "req-1"
    assert not any(text in page.get(address(world, "reveal")).content.decode() for text in CLEAR)


@pytest.mark.parametrize(("header", "kept"), [(PHONE, ""), ("a b", ""), ("x" * 65, ""), ("0af7651916cd", "0af7651916cd")])
def test_a_request_number_is_kept_only_if_it_is_one(world: World, page: Client, header: str, kept: str) -> None:
    page.post(address(world, "reveal"), {"purpose": PURPOSE}, headers={"X-Request-ID": header})
    assert Disclosure.objects.get().request_id == kept


@pytest.mark.parametrize("purpose", ["", "联系", f"给{NAME}打电话"])
def test_a_reveal_without_a_purpose_says_what_is_missing(world: World, page: Client, purpose: str) -> None:
    refused = page.post(address(world, "reveal"), {"purpose": purpose})
    assert refused.context["form"].errors["purpose"]
    assert not any(text in refused.content.decode() for text in CLEAR)
    assert not Disclosure.objects.exists()


def test_a_reveal_by_a_foreign_page_is_refused(world: World) -> None:
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(world.people["officer"])
    assert forged.post(address(world, "reveal"), {"purpose": PURPOSE}).status_code == 403
    assert not Disclosure.objects.exists()


def test_the_daily_limit_is_said_on_the_page(world: World, page: Client, settings: Any) -> None:
    settings.CONTACT_REVEALS_A_DAY = 1
    assert "今天还可查阅 0 次" in page.post(address(world, "reveal"), {"purpose": PURPOSE}).content.decode()
    refused = page.post(address(world, "reveal"), {"purpose": PURPOSE}).content.decode()
    assert "达到每人每天的上限" in refused
    assert PHONE not in refused


# --- export -------------------------------------------------------------------------------------------------------


def choose(page: Client, *contacts: Contact) -> Any:
    return page.post(reverse(LIST), {"action": "export_chosen", "_selected_action": [row.pk for row in contacts]})


def test_an_export_asks_logs_and_streams(world: World, page: Client) -> None:
    asked = choose(page, world.own, world.shared)
    assert asked.status_code == 200
    assert not Disclosure.objects.exists()
    assert not any(text in asked.content.decode() for text in CLEAR)
    refused = page.post(reverse(EXPORT), {"contact": [world.own.pk], "purpose": "用"})
    assert f'value="{world.own.pk}"' in refused.content.decode()
    assert not Disclosure.objects.exists()
    answer = page.post(reverse(EXPORT), {"contact": [world.own.pk, world.shared.pk], "purpose": PURPOSE})
    assert Disclosure.objects.count() == 2, "logged before the first byte is taken"
    assert answer.streaming
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"), newline="")))
    assert {row["姓名"]: row["电话"] for row in rows} == {NAME: PHONE, "示例王某某": SHARED_PHONE}
    assert page.get(reverse(EXPORT)).status_code == 302


@pytest.mark.parametrize("start", [sign for sign in FORMULA if sign != "\x00"])
def test_no_exported_cell_starts_a_formula(world: World, page: Client, start: str) -> None:
    Contact.objects.filter(pk=world.own.pk).update(name=f"{start}1+1", title=f"{start}HYPERLINK()", phone="+85251234567")
    answer = page.post(reverse(EXPORT), {"contact": [world.own.pk], "purpose": PURPOSE})
    cells = list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"), newline="")))[1]
    assert not any(cell.startswith(FORMULA) for cell in cells)
    assert {"'+85251234567", f"'{start}1+1"} <= set(cells)


def test_too_many_are_refused_before_the_purpose_is_asked_and_after(world: World, page: Client, settings: Any) -> None:
    settings.CONTACT_EXPORT_MOST = 1
    assert "一次最多导出 1 位联系人" in page.get(choose(page, world.own, world.shared).url).content.decode()
    body = {"contact": [world.own.pk, world.shared.pk], "purpose": PURPOSE}
    assert "一次最多导出 1 位联系人" in page.post(reverse(EXPORT), body).content.decode()
    assert not Disclosure.objects.exists()


@pytest.mark.parametrize("person", ["head", "leader", "auditor"])
def test_readers_are_not_offered_an_export(world: World, person: str) -> None:
    client = world.client(person)
    assert "export_chosen" not in client.get(reverse(LIST)).content.decode()
    assert "记录并导出" not in choose(client, world.own).content.decode()
    assert client.post(reverse(EXPORT), {"contact": [world.own.pk], "purpose": PURPOSE}).status_code == 403


# --- erase --------------------------------------------------------------------------------------------------------


def test_erasing_asks_says_who_holds_copies_and_is_final(world: World, page: Client) -> None:
    page.post(reverse(EXPORT), {"contact": [world.own.pk], "purpose": "园区对接会邀请"})
    lead = world.client("lead")
    assert "园区对接会邀请" in lead.get(address(world, "erase")).content.decode()
    assert lead.post(address(world, "erase"), {"purpose": ""}).context["form"].errors
    done = lead.post(address(world, "erase"), {"purpose": "本人要求删除"}, follow=True).content.decode()
    assert "请召回以下导出的文件" in done
    assert "园区对接会邀请" in done
    assert NAME not in done
    shown = page.get(address(world, "change"))
    assert not any(text in shown.content.decode() for text in (*CLEAR, NAME))
    assert "查阅完整联系方式" not in shown.content.decode()
    assert page.post(address(world, "reveal"), {"purpose": PURPOSE}).context.get("revealed") is None
    assert ERASED_NAME in page.get(reverse(LIST)).content.decode()


def test_a_lead_is_offered_erasing_only_where_he_may(world: World) -> None:
    lead = world.client("lead")
    assert address(world, "erase") in lead.get(address(world, "change")).content.decode()
    shared = reverse("admin:crm_contact_change", args=[world.shared.pk])
    assert "/erase/" not in lead.get(shared).content.decode()


def test_log_entries_name_nobody(world: World, page: Client) -> None:
    page.post(reverse(ADD), form_data(world, new_phone="13987650777"))
    edit(world, page, title="董事长", new_phone="13987650888")
    entries = [f"{entry.object_repr} {entry.change_message}" for entry in LogEntry.objects.all()]
    assert len(entries) == 2
    secrets = (*CLEAR, NAME, "示例赵某某", "13987650777", "13987650888", "董事长")
    assert not any(text in entry for entry in entries for text in secrets)


# --- lists, company page, words ------------------------------------------------------------------------------------


def test_filters_by_term_and_keeper(world: World, page: Client) -> None:
    Contact.objects.filter(pk=world.own.pk).update(keep_until=timezone.localdate() + dt.timedelta(days=3))

    def listed(**query: str) -> list[int]:
        return [row.pk for row in page.get(reverse(LIST), query).context["cl"].result_list]

    assert listed(due="soon") == [world.own.pk]
    assert listed(keeper="me") == [world.own.pk]
    assert listed(keeper=str(world.people["colleague"].pk)) == [world.shared.pk]
    assert listed(keeper="x") == listed(keeper="9" * 30) == []
    assert "即将到期，剩 3 天" in page.get(reverse(LIST)).content.decode()


def test_a_company_shows_its_contacts_masked_and_only_those_in_reach(world: World, page: Client) -> None:
    company = reverse("admin:crm_company_change", args=[world.own.company_id])
    assert "139****0123" in page.get(company).content.decode()
    assert NAME not in world.client("colleague").get(company).content.decode()


def test_the_side_bar_offers_what_may_be_opened(world: World) -> None:
    for person, (contacts, log) in {"officer": (True, True), "leader": (True, False), "administrator": (False, False)}.items():
        body = world.client(person).get(reverse("admin:index")).content.decode()
        assert (reverse(LIST) in body, reverse("admin:crm_disclosure_changelist") in body) == (contacts, log), person


def test_every_page_speaks_chinese(world: World) -> None:
    lead, codes = world.client("lead"), {"lead", "officer", "colleague"}
    lead.post(reverse(EXPORT), {"contact": [world.own.pk], "purpose": PURPOSE})
    row = Disclosure.objects.get()
    pages = [lead.get(address(world, name)) for name in ("change", "reveal", "erase", "history")]
    pages += [lead.get(reverse(name)) for name in (LIST, ADD, "admin:crm_disclosure_changelist")]
    pages += [lead.get(reverse("admin:crm_disclosure_change", args=[row.pk])), choose(lead, world.own)]
    pages += [lead.post(address(world, "reveal"), {"purpose": PURPOSE}), lead.post(reverse(ADD), form_data(world, name=""))]
    pages += [lead.post(address(world, "erase"), {"purpose": "项目终止不再需要"}, follow=True)]
    pages += [lead.get(address(world, "change"))]
    for answer in pages:
        assert answer.status_code == 200
        body = answer.content.decode().replace("wx_li_8765", "").replace(EMAIL, "").replace("example.com", "")
        assert english_in(body, codes=codes) == [], answer.request["PATH_INFO"]


def test_the_list_asks_a_fixed_number_of_questions(world: World, page: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        Contact.objects.create(
            company=make.company(f"示例{number}", number=100 + number), keeper=world.people["officer"], name="示例甲",
            purpose="project", basis="self", collected_on=make.DAY, last_used_on=make.DAY, keep_until=make.DAY,
        )
    page.get(reverse(LIST))
    with django_assert_max_num_queries(12):
        assert len(page.get(reverse(LIST)).context["cl"].result_list) == 22
