"""Reveal, export, erase and retire: what is written down, where each stops, and the laws in the database behind them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project_settings
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from crm.models import Contact, Disclosure
from crm.models.contacts import ERASED_NAME
from crm.retention import KeptTooLong, end_of_keeping, months_after
from crm.services.disclosure import ContactErased, DailyLimitReached, DisclosureRefused, ExportTooLarge, PurposeUnclear
from crm.services.erase_contact import erase_contact
from crm.services.export_contacts import export_contacts
from crm.services.load_contacts import load_demo_contacts
from crm.services.retire_contacts import TERM_OVER, due_soon, retire_contacts
from crm.services.reveal_contact import reveal_contact
from crm.services.save_contact import save_contact
from office import jobs
from office.models import User
from office.roles import OFFICER
from tests import factories as make
from tests.crm.contacts_world import (
    CLEAR,
    EMAIL,
    NAME,
    OTHER,
    PHONE,
    PURPOSE,
    WECHAT,
    World,
    contact,
    make_world,
)

NOW = make.NOW
TODAY = timezone.localdate(NOW)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def reveal(world: World, who: str = "officer", *, purpose: str = PURPOSE, now: dt.datetime = NOW) -> Any:
    return reveal_contact(contact_id=world.own.pk, by=world.people[who], purpose=purpose, now=now, request_id="r-1")


# --- reveal -------------------------------------------------------------------------------------------------------


def test_a_reveal_returns_the_values_and_says_who_when_and_what_for(world: World) -> None:
    revealed = reveal(world)
    assert revealed.values == {"phone": PHONE, "other_phone": "0755-87650124", "email": EMAIL, "wechat": WECHAT}
    row = Disclosure.objects.get()
    assert (row.contact, row.by, row.at, row.kind, row.purpose) == (world.own, world.people["officer"], NOW, "reveal", PURPOSE)
    assert row.fields == ["phone", "other_phone", "email", "wechat"]
    assert (row.channel, row.batch, row.request_id) == ("admin", None, "r-1")
    assert not any(text in repr(revealed) + repr(row) + repr(world.own) + str(world.own) for text in (*CLEAR, NAME))


@pytest.mark.parametrize("purpose", [
    "", "   ", "联系", "a b", f"联系{NAME}到访", f"拨打{PHONE}", "拨打 139-8765-0999 核实", "拨打１３９８７６５０９９９",
    "发邮件给 other@example.com", f"加 {WECHAT} 联系",
])
def test_without_a_purpose_that_may_be_kept_nothing_is_shown(world: World, purpose: str) -> None:
    with pytest.raises(PurposeUnclear):
        reveal(world, purpose=purpose)
    assert not Disclosure.objects.exists()


def test_so_many_reveals_a_day(world: World, settings: Any) -> None:
    settings.CONTACT_REVEALS_A_DAY = 2
    midnight = timezone.localtime(NOW).replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(days=1)
    assert [reveal(world).left_today, reveal(world, now=midnight - dt.timedelta(seconds=1)).left_today] == [1, 0]
    with pytest.raises(DailyLimitReached, match="达到每人每天的上限"):
        reveal(world)
    assert reveal(world, "lead").left_today == 1  # each person by himself
    assert reveal(world, now=midnight).left_today == 1
    assert Disclosure.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_haste_does_not_pass_the_limit(settings: Any) -> None:
    world = make_world()
    settings.CONTACT_REVEALS_A_DAY = 2

    def attempt(_number: int) -> bool:
        try:
            reveal(world)
        except DailyLimitReached:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(attempt, range(6))) == 2
    assert Disclosure.objects.count() == 2


def test_using_a_contact_prolongs_its_keeping_unless_a_date_was_agreed(world: World) -> None:
    later = NOW + dt.timedelta(days=100)
    reveal(world, now=later)
    world.own.refresh_from_db()
    assert world.own.last_used_on == timezone.localdate(later)
    assert world.own.keep_until == months_after(timezone.localdate(later), 24)
    agreed = TODAY + dt.timedelta(days=200)
    save_contact(contact=world.own, by=world.people["officer"], now=NOW, agreed_until=agreed)
    reveal(world, now=later)
    world.own.refresh_from_db()
    assert (world.own.last_used_on, world.own.keep_until) == (timezone.localdate(later), agreed)


# --- export -------------------------------------------------------------------------------------------------------


def export(world: World, *contacts: Contact, who: str = "officer", purpose: str = PURPOSE) -> Any:
    ids = [row.pk for row in contacts]
    return export_contacts(contact_ids=ids, by=world.people[who], purpose=purpose, now=NOW)


def test_an_export_logs_every_contact_before_it_leaves(world: World) -> None:
    taken = export(world, world.own, world.shared, world.own)
    assert taken.header[:2] == ["企业", "姓名"]
    assert {row[1] for row in taken.rows} == {NAME, "示例王某某"}
    assert any(PHONE in row for row in taken.rows)
    logged = Disclosure.objects.all()
    assert {row.contact_id for row in logged} == {world.own.pk, world.shared.pk}
    assert {(row.kind, row.purpose, row.batch) for row in logged} == {("export", PURPOSE, taken.batch)}
    assert PHONE not in repr(taken)


def test_an_export_is_all_or_nothing(world: World, settings: Any) -> None:
    with pytest.raises(Contact.DoesNotExist):
        export(world, world.own, world.other)
    with pytest.raises(DisclosureRefused, match="请先勾选"):
        export(world)
    with pytest.raises(PurposeUnclear):
        export(world, world.own, world.shared, purpose="给示例王某某寄材料")
    settings.CONTACT_EXPORT_MOST = 1
    with pytest.raises(ExportTooLarge, match="一次最多导出 1 位联系人，现选了 2 位"):
        export(world, world.own, world.shared)
    assert not Disclosure.objects.exists()
    assert len(export(world, world.own).rows) == 1


# --- erase --------------------------------------------------------------------------------------------------------


def erase(world: World, who: str = "lead", reason: str = "本人要求删除") -> Any:
    return erase_contact(contact_id=world.own.pk, by=world.people[who], reason=reason, now=NOW)


def test_erasing_overwrites_the_person_and_names_the_copies(world: World) -> None:
    salt = world.own.privacy_salt
    taken = export(world, world.own, world.shared)
    reveal(world)
    erased = erase(world)
    assert [(copy.by, copy.purpose, copy.batch, copy.at) for copy in erased.copies] == [
        (world.people["officer"], PURPOSE, taken.batch, NOW)
    ]
    world.own.refresh_from_db()
    assert world.own.name == ERASED_NAME
    assert [getattr(world.own, name) for name in Contact.PERSONAL_FIELDS[1:]] == [""] * 6
    assert world.own.privacy_salt != salt
    assert (world.own.status, world.own.erased_by, world.own.erased_at) == ("erased", world.people["lead"], NOW)
    assert world.own.erased_reason == "本人要求删除"
    assert Disclosure.objects.filter(contact=world.own).count() == 2


def test_what_is_erased_cannot_be_shown_changed_or_erased_again(world: World) -> None:
    opened_before = Contact.objects.get(pk=world.own.pk)
    erase(world)
    for attempt in (
        lambda: reveal(world), lambda: erase(world), lambda: export(world, world.own),
        lambda: save_contact(contact=opened_before, by=world.people["officer"], now=NOW),
    ):
        with pytest.raises(ContactErased):
            attempt()
    world.own.refresh_from_db()
    assert world.own.name == ERASED_NAME


@pytest.mark.parametrize("reason", ["", "不要", f"{NAME}要求删除", f"{PHONE} 停用了"])
def test_erasing_needs_a_reason_that_may_be_kept(world: World, reason: str) -> None:
    with pytest.raises(PurposeUnclear):
        erase(world, reason=reason)
    world.own.refresh_from_db()
    assert world.own.phone == PHONE


def test_personal_fields_are_all_that_a_person_may_have_filled() -> None:
    """A new text column has to be declared personal, or named here as one that is not."""
    ours = {"purpose", "basis", "status", "erased_reason"}
    kinds = ("CharField", "EmailField", "TextField")
    texts = {f.name for f in Contact._meta.concrete_fields if f.get_internal_type() in kinds}
    assert texts == ours | set(Contact.PERSONAL_FIELDS)
    assert set(Contact.CONFIDENTIAL_FIELDS) < set(Contact.PERSONAL_FIELDS)


# --- the database's own laws --------------------------------------------------------------------------------------


def _raw(sql: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


LAWBREAKERS: list[Callable[[World], Any]] = [
    lambda w: Disclosure.objects.update(purpose="改写用途"),
    lambda w: Disclosure.objects.all()._raw_delete("default"),
    lambda w: _raw("UPDATE crm_disclosure SET at = now()"),
    lambda w: _raw("DELETE FROM crm_disclosure"),
    lambda w: Disclosure.objects.create(at=NOW, by=w.people["officer"], kind="reveal", contact=w.own, purpose="短"),
    lambda w: Contact.objects.filter(pk=w.shared.pk).update(status="erased"),
    lambda w: Contact.objects.filter(pk=w.shared.pk).update(
        status="erased", erased_at=NOW, erased_reason="到期", name=ERASED_NAME
    ),
    lambda w: Contact.objects.filter(pk=w.own.pk).update(status="active"),
    lambda w: Contact.objects.filter(pk=w.own.pk).update(phone=PHONE),
    lambda w: Contact.objects.filter(pk=w.own.pk).delete(),
    lambda w: Contact.objects.filter(pk=w.shared.pk).update(last_used_on=dt.date(2000, 1, 1)),
    lambda w: w.shared.company.delete(),
]


@pytest.mark.parametrize("number", range(len(LAWBREAKERS)))
def test_the_database_refuses_as_well(world: World, number: int) -> None:
    reveal(world)
    erase(world)
    with pytest.raises(IntegrityError), transaction.atomic():
        LAWBREAKERS[number](world)


@pytest.mark.parametrize("number", [0, 2, 3])
def test_canary_without_the_trigger_the_log_can_be_rewritten(world: World, number: int) -> None:
    reveal(world)
    _raw("SET CONSTRAINTS ALL IMMEDIATE")
    _raw("ALTER TABLE crm_disclosure DISABLE TRIGGER crm_disclosure_append_only")
    LAWBREAKERS[number](world)
    assert not Disclosure.objects.filter(purpose=PURPOSE, at=NOW).exists()


# --- retention ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("day", "months", "expected"), [
    ((2026, 1, 31), 1, (2026, 2, 28)), ((2024, 2, 29), 12, (2025, 2, 28)), ((2026, 11, 23), 24, (2028, 11, 23)),
    ((2026, 12, 31), 2, (2027, 2, 28)), ((2026, 12, 1), 12, (2027, 12, 1)), ((2026, 5, 5), 0, (2026, 5, 5)),
])
def test_months_after(day: Any, months: int, expected: Any) -> None:
    assert months_after(dt.date(*day), months) == dt.date(*expected)


def test_a_date_is_agreed_within_the_term() -> None:
    day = dt.date(2026, 11, 23)
    assert end_of_keeping(last_used=day, months=24) == dt.date(2028, 11, 23)
    assert end_of_keeping(last_used=day, months=24, agreed=dt.date(2027, 1, 1)) == dt.date(2027, 1, 1)
    for wrong in (dt.date(2026, 11, 22), dt.date(2028, 11, 24)):
        with pytest.raises(KeptTooLong):
            end_of_keeping(last_used=day, months=24, agreed=wrong)


def test_the_job_erases_what_is_over_and_counts_what_is_due(world: World, settings: Any) -> None:
    last_day = TODAY + dt.timedelta(days=10)
    save_contact(contact=world.own, by=world.people["officer"], now=NOW, agreed_until=last_day)
    at = {days: NOW + dt.timedelta(days=days) for days in (0, 10, 11)}
    assert vars(retire_contacts(now=at[0])) == {"erased": 0, "due_soon": 1}
    assert vars(retire_contacts(now=at[10])) == {"erased": 0, "due_soon": 1}
    job, _new = jobs.enqueue(kind="crm.retire_contacts", slot="x", now=at[11])
    jobs.run_due(clock=lambda: at[11])
    job.refresh_from_db()
    assert (job.state, job.result) == ("done", {"erased": 1, "due_soon": 0})
    world.own.refresh_from_db()
    assert (world.own.status, world.own.erased_by, world.own.erased_reason) == ("erased", None, TERM_OVER)
    assert retire_contacts(now=at[11]).erased == 0
    assert Contact.objects.filter(status="active").count() == 2


def test_due_soon_begins_with_the_days_of_warning(world: World, settings: Any) -> None:
    settings.CONTACT_WARN_DAYS = 30
    for days, expected in ((29, 1), (30, 1), (31, 0)):
        save_contact(contact=world.own, by=world.people["officer"], now=NOW, agreed_until=TODAY + dt.timedelta(days=days))
        assert due_soon(Contact.objects.all(), as_of=TODAY).count() == expected


def test_numbers_are_stored_in_one_form(world: World) -> None:
    made = contact(world.own.company, world.people["officer"], phone="+86 139-8765-0123", other_phone="（0755）8765 0124")
    assert (made.phone, made.other_phone) == (PHONE, OTHER)


# --- sample people ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_sample_contacts_are_invented_and_loaded_once() -> None:
    folder = Path(project_settings.FIXTURES_DIR) / "demo"
    text = (folder / "contacts.csv").read_text(encoding="utf-8")
    rows = [line.split(",") for line in text.splitlines()[1:]]
    assert all(row[0].startswith("91000000") for row in rows)
    assert all(row[1].startswith("示例联系人") for row in rows)
    assert all(row[4].startswith(("1990000", "0000000")) for row in rows)
    assert all(row[5] == "" or row[5].endswith("@example.com") for row in rows)
    assert load_demo_contacts(folder=folder, now=NOW) == 0  # nobody is synced yet
    make.user("officer", OFFICER)
    for number, code in enumerate(sorted({row[0] for row in rows})):
        make.company(f"示例投资方{number}", number=number).identifiers.update(value=code)
    for name in {row[6] for row in rows} - {"officer"}:
        make.user(name, OFFICER)
    assert load_demo_contacts(folder=folder, now=NOW) == len(rows)
    assert Contact.objects.filter(is_sample=True).count() == len(rows)
    assert due_soon(Contact.objects.all(), as_of=TODAY).exists()
    gone = Contact.objects.filter(company__contacts__isnull=False).first()
    erase_contact(contact_id=gone.pk, by=None, reason="示例清理", now=NOW)
    assert load_demo_contacts(folder=folder, now=NOW) == 0  # what was erased does not come back
    assert User.objects.filter(kept_contacts__isnull=False).exists()
    assert isinstance(gone.privacy_salt, uuid.UUID)
