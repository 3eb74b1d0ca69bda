"""Who sees, changes, reveals, exports and erases which contact; and that nobody reads a clear number by the way."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoDbBlocker

from chains.models import ChainLeader
from crm.models import Contact, Disclosure
from crm.services.disclosure import reachable
from crm.services.reveal_contact import reveal_contact
from office import scope
from tests import factories as make
from tests.crm.contacts_world import CLEAR, NAME, PEOPLE, PHONE, PURPOSE, SHARED_PHONE, World, standing_world

pytestmark = pytest.mark.django_db
LIST = "admin:crm_contact_changelist"
EMAIL_PART = "example.com"
ROWS = ("own", "shared", "other")
# person → (sees, changes, reveals, exports, erases)
EXPECTED: dict[str, tuple[set[str], set[str], set[str] | None, set[str] | None, set[str] | None]] = {
    "officer": ({"own", "shared"}, {"own"}, {"own", "shared"}, {"own", "shared"}, None),
    "colleague": ({"shared", "other"}, {"shared", "other"}, {"shared", "other"}, {"shared", "other"}, None),
    "lead": ({"own", "shared"}, {"own"}, {"own", "shared"}, {"own", "shared"}, {"own"}),
    "head": (set(ROWS), set(), None, None, set(ROWS)),
    "leader": ({"own"}, set(), None, None, None),
    "operator": (set(), set(), None, None, None),
    "auditor": (set(ROWS), set(), None, None, None),
    "administrator": (set(), set(), None, None, None),
    "outsider": (set(), set(), None, None, None),
}


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with standing_world(django_db_blocker) as made:
        yield made


@pytest.fixture
def world(built: World, db: None) -> World:
    return deepcopy(built)


def names(world: World, rows: Any) -> set[str]:
    found = set(rows.values_list("pk", flat=True))
    return {name for name in ROWS if world.named(name).pk in found}


def address(page: str, *args: object) -> str:
    return reverse(f"admin:crm_contact_{page}", args=args)


@pytest.mark.parametrize("person", PEOPLE)
def test_rows_by_role(world: World, person: str) -> None:
    user, (sees, changes, *rights) = world.people[person], EXPECTED[person]
    assert names(world, scope.visible_to(user, Contact)) == sees
    assert names(world, scope.changeable_by(user, Contact)) == changes
    for right, expected in zip(("reveal", "export", "erase"), rights, strict=True):
        if expected is None:
            with pytest.raises(PermissionDenied):
                reachable(user, right)
        else:
            assert names(world, reachable(user, right)) == expected


@pytest.mark.parametrize("person", PEOPLE)
def test_every_page_is_masked_for_every_role(world: World, person: str) -> None:
    client, sees = world.client(person), EXPECTED[person][0]
    pages = [
        reverse(LIST), f"{reverse(LIST)}?q={NAME}", address("change", world.own.pk),
        address("history", world.own.pk), reverse("admin:crm_company_change", args=[world.own.company_id]),
        f"{reverse('admin:search')}?s={NAME}&extended=1", reverse("admin:index"),
        f"{reverse('admin:autocomplete')}?app_label=crm&model_name=disclosure&field_name=contact&term={PHONE}",
        address("reveal", world.own.pk), address("erase", world.own.pk),
    ]
    for page in pages:
        answer = client.get(page)
        assert answer.status_code in (200, 302, 403, 404), page
        assert [text for text in CLEAR if text in answer.content.decode()] == [], page
    shown = client.get(address("change", world.own.pk))
    without_right = person in ("operator", "administrator", "outsider")
    assert shown.status_code == (200 if "own" in sees else 403 if without_right else 404)
    assert ("139****0123" in shown.content.decode()) == ("own" in sees)


def test_a_search_repeats_what_was_typed_and_adds_nothing(world: World) -> None:
    body = world.client("officer").get(reverse(LIST), {"q": PHONE}).content.decode()
    assert NAME in body
    echoed = re.sub(rf'(q=|q%3D|value="){PHONE}', "", body)
    assert not any(text in echoed for text in CLEAR)


def test_canary_an_unmasked_column_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Contact, "masked", lambda self, field: getattr(self, field))
    assert PHONE in world.client("officer").get(reverse(LIST)).content.decode()


@pytest.mark.parametrize("person", PEOPLE)
def test_addresses_of_other_peoples_rows_answer_as_if_there_were_none(world: World, person: str) -> None:
    client, (_sees, _changes, reveals, exports, erases) = world.client(person), EXPECTED[person]
    for row in (*ROWS, None):
        pk = world.named(row).pk if row else 999_999
        for page, reached in (("reveal", reveals), ("erase", erases)):
            wanted = 403 if reached is None else 200 if row in reached else 404
            assert client.get(address(page, pk)).status_code == wanted, (page, row)
            if wanted != 200:
                assert client.post(address(page, pk), {"purpose": PURPOSE}).status_code == wanted, (page, row)
        wanted = 403 if exports is None else 200 if row in exports else 404
        answer = client.post(reverse("admin:crm_contact_export"), {"contact": [pk], "purpose": PURPOSE})
        assert answer.status_code == wanted, row
    assert set(Disclosure.objects.values_list("by__username", flat=True)) <= {person}
    assert Contact.objects.filter(status="erased").count() == 0


@pytest.mark.parametrize("pk", ["0", "-1", "abc", "9" * 30, "1 OR 1=1", "１"])
def test_odd_numbers_in_addresses(world: World, pk: str) -> None:
    client = world.client("lead")
    for page in ("reveal", "erase"):
        assert client.get(f"/admin/crm/contact/{pk}/{page}/").status_code == 404
        assert client.post(f"/admin/crm/contact/{pk}/{page}/", {"purpose": PURPOSE}).status_code == 404
    answer = client.post(reverse("admin:crm_contact_export"), {"contact": [pk], "purpose": PURPOSE})
    assert answer.status_code == 404


def test_one_row_out_of_reach_stops_the_whole_export(world: World) -> None:
    chosen = {"contact": [world.own.pk, world.other.pk], "purpose": PURPOSE}
    assert world.client("officer").post(reverse("admin:crm_contact_export"), chosen).status_code == 404
    assert Disclosure.objects.count() == 0


@pytest.mark.parametrize("person", PEOPLE)
def test_forged_action_exports_nothing_out_of_reach(world: World, person: str) -> None:
    body = {"action": "export_chosen", "_selected_action": [world.other.pk]}
    answer = world.client(person).post(reverse(LIST), body, follow=True)
    assert (f'value="{world.other.pk}"' in answer.content.decode()) == (person == "colleague")


QUERIES = [
    "phone=13987650123", "phone__startswith=139", "phone__contains=8765", "other_phone__startswith=0755", "phone__gt=1",
    "email__startswith=li", "wechat__contains=wx", "privacy_salt__startswith=0", "phone__isnull=1",
]


@pytest.mark.parametrize("person", ["officer", "lead", "head", "leader", "auditor"])
@pytest.mark.parametrize("query", QUERIES)
def test_a_mask_cannot_be_unpicked_by_filters(world: World, person: str, query: str) -> None:
    assert world.client(person).get(f"{reverse(LIST)}?{query}").status_code == 400


@pytest.mark.parametrize("page", ["admin:crm_disclosure_changelist", "admin:crm_company_changelist"])
@pytest.mark.parametrize("query", QUERIES[:4])
def test_nor_through_a_related_list(world: World, page: str, query: str) -> None:
    prefix = "contact__" if "disclosure" in page else "contacts__"
    assert world.client("officer").get(f"{reverse(page)}?{prefix}{query}").status_code == 400


def test_canary_a_filter_by_an_open_column_is_let_through(world: World) -> None:
    assert world.client("officer").get(f"{reverse(LIST)}?name__startswith=示例").status_code == 200


def listed(client: Client, **query: str) -> list[int]:
    return [row.pk for row in client.get(reverse(LIST), query).context["cl"].result_list]


def test_search_by_name_company_initials_and_whole_number_only(world: World) -> None:
    client = world.client("officer")
    numbers = (PHONE, "139-8765-0123", "+86 139 8765 0123", "１３９８７６５０１２３", "0755-87650124")
    for term in (NAME, "李某", "示例芯", *numbers):
        assert listed(client, q=term) == [world.own.pk], term
    for term in ("139", "1398765", "13987650", "139876501234", "8765", "0123", "li.person", "wx_li", EMAIL_PART):
        assert listed(client, q=term) == [], term
    assert listed(client, q=SHARED_PHONE) == [world.shared.pk]


def test_searches_by_number_are_counted(world: World, settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "searches"}}
    settings.CONTACT_PHONE_SEARCHES_A_DAY = 3
    client = world.client("officer")
    assert [len(listed(client, q=PHONE)) for _ in range(4)] == [1, 1, 1, 0]
    assert "达到每人每天的上限" in client.get(reverse(LIST), {"q": PHONE}).content.decode()
    assert listed(client, q=NAME) == [world.own.pk]
    assert listed(world.client("lead"), q=PHONE) == [world.own.pk]


def test_lists_cannot_be_ordered_by_number(world: World) -> None:
    page = world.client("officer").get(reverse(LIST)).context["cl"]
    columns = [column for column in page.list_display if page.get_ordering_field(column)]
    assert not any(column.startswith("masked_") for column in columns)
    assert "name" in columns  # the canary: columns that order are found


def test_disclosures_by_role(world: World) -> None:
    for person, row in (("officer", world.own), ("colleague", world.other), ("lead", world.shared)):
        reveal_contact(contact_id=row.pk, by=world.people[person], purpose=PURPOSE, now=make.NOW)
    expected = {
        "officer": {"officer"}, "colleague": {"colleague"}, "lead": {"officer", "lead"},
        "head": {"officer", "colleague", "lead"}, "auditor": {"officer", "colleague", "lead"},
    }
    for person in PEOPLE:
        seen = scope.visible_to(world.people[person], Disclosure).values_list("by__username", flat=True)
        assert set(seen) == expected.get(person, set()), person
        status = world.client(person).get(reverse("admin:crm_disclosure_changelist")).status_code
        assert status == (200 if person in expected else 403), person
        for verb in ("add", "change", "delete"):
            assert not world.people[person].has_perm(f"crm.{verb}_disclosure")


def test_a_chain_leader_loses_sight_when_the_term_ends(world: World) -> None:
    term = ChainLeader.objects.filter(user=world.people["leader"])
    assert scope.visible_to(world.people["leader"], Contact).exists()
    term.update(term=(dt.date(2020, 1, 1), dt.date(2021, 1, 1)))
    assert not scope.visible_to(world.people["leader"], Contact).exists()
