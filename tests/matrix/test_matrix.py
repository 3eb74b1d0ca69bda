"""role × model × verb × scope × channel: each cell of the admin has an expectation, and the program meets it.

The models come from the admin registry, the addresses from the URLconf, the channels from what each page offers; the
expectations stand in expectations.py. A page, a model or a role without one fails.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db.models import ForeignKey, Model
from django.test import Client
from django.urls import path, reverse

from office.models import User
from tests.matrix import expectations as expect
from tests.matrix.inventory import registered, undeclared
from tests.matrix.pages import form_values
from tests.matrix.world import World

pytestmark = pytest.mark.django_db
MODELS = registered()
KEYS = sorted([*MODELS, "chains.Placement#project"])
CELLS = [(person, key) for person in expect.PEOPLE for key in KEYS]
OPENED, HIDDEN, REFUSED = 200, 404, 403


def label_of(key: str) -> str:
    return key.partition("#")[0]


def address(key: str, page: str, *args: object) -> str:
    return reverse(f"admin:{label_of(key).lower().replace('.', '_')}_{page}", args=args)


def answer(view: str, *, own: bool) -> int:
    """The status of a row's page: nothing at all → refused; not one of his → as if it did not exist."""
    if view == "-":
        return REFUSED
    return OPENED if view == "all" or own else HIDDEN


def sides(world: World, key: str) -> list[tuple[bool, Model]]:
    return [(True, world.own[key]), (False, world.other[key])]


class Mismatches(list[str]):
    """All of a cell's faults at once, so that one run shows the whole picture."""

    def check(self, what: str, found: object, wanted: object) -> None:
        if found != wanted:
            self.append(f"{what}: {found}, expected {wanted}")


def test_every_model_and_every_role_has_an_expectation(world: World) -> None:
    from office.roles import ROLES

    assert set(expect.VIEW) == set(KEYS)
    for table in (expect.VIEW, expect.CHANGE, expect.PAGES, expect.EXTRA_ADMIN):
        assert all(len(row.split()) == len(expect.PEOPLE) for row in table.values())
    held = set().union(*(world.people[name].role_names for name in expect.PEOPLE))
    assert held == set(ROLES)


def test_every_address_has_an_expectation() -> None:
    from config.urls import urlpatterns

    assert undeclared(urlpatterns) == []


def test_canary_an_undeclared_address_is_seen() -> None:
    from config.urls import urlpatterns

    planted = [*urlpatterns, path("secret-export/", lambda request: None, name="secret-export")]
    assert len(undeclared(planted)) == 1


def test_canary_an_undeclared_admin_page_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from config.urls import urlpatterns

    monkeypatch.delitem(expect.EXTRA_ADMIN, "chains_chain_upload")
    assert len(undeclared(urlpatterns)) == 1


@pytest.mark.parametrize(("person", "key"), CELLS)
class TestReading:
    def test_list_and_page(self, world: World, as_person: dict[str, Client], person: str, key: str) -> None:
        view, client, wrong = expect.reach(expect.VIEW, key, person), as_person[person], Mismatches()
        listed = client.get(address(key, "changelist"))
        wrong.check("as of", client.get(address(key, "as_of")).status_code, listed.status_code)
        wrong.check("list", listed.status_code, REFUSED if view == "-" else OPENED)
        shown = {row.pk for row in listed.context["cl"].result_list} if listed.status_code == OPENED else set()
        for own, row in sides(world, key):
            side = "own" if own else "other"
            wanted = answer(view, own=own)
            wrong.check(f"list of {side}", row.pk in shown, wanted == OPENED)
            for page in ("change", "history"):
                wrong.check(f"{page} of {side}", client.get(address(key, page, row.pk)).status_code, wanted)
        assert wrong == []

    def test_filter_and_search(self, world: World, as_person: dict[str, Client], person: str, key: str) -> None:
        view, client, wrong = expect.reach(expect.VIEW, key, person), as_person[person], Mismatches()
        for own, row in sides(world, key):
            for query in [{"id__exact": row.pk}, *searches(key, row)]:
                found = client.get(address(key, "changelist"), query)
                if view == "-":
                    wrong.check(f"{query}", found.status_code, REFUSED)
                    continue
                pks = {hit.pk for hit in found.context["cl"].result_list}
                wrong.check(f"{query} of {'own' if own else 'other'}", row.pk in pks, answer(view, own=own) == OPENED)
        assert wrong == []

    def test_the_side_bar_names_nothing_else(self, world: World, as_person: dict[str, Client], person: str, key: str) -> None:
        if expect.reach(expect.VIEW, key, person) != "own":
            pytest.skip("sees all or nothing of this model")
        listed = as_person[person].get(address(key, "changelist")).content.decode()
        assert str(world.other[key]) not in listed

    def test_no_column_is_guessed_by_filtering(self, world: World, as_person: dict[str, Client], person: str, key: str) -> None:
        """Neither a password by its first letters nor a hidden amount by halving."""
        if expect.reach(expect.VIEW, key, person) == "-":
            pytest.skip("sees nothing of this model")
        model = MODELS[label_of(key)].model
        people = [f for f in model._meta.get_fields() if isinstance(f, ForeignKey) and f.related_model is User]
        asked = [f"{field.name}__password__startswith" for field in people]
        asked += [f"{name}__gte" for name in expect.HIDDEN.get((person, label_of(key)), [])]
        asked += ["password__startswith"] if model is User else []
        for lookup in asked:
            assert as_person[person].get(address(key, "changelist"), {lookup: "p"}).status_code == 400, lookup


def searches(key: str, row: Any) -> list[dict[str, str]]:
    """A search that must find the row where it may be found, made from the page's own search fields."""
    for name in MODELS[label_of(key)].search_fields or []:
        value: Any = row
        for step in name.split("__"):
            value = getattr(value, step, None)
        if isinstance(value, str) and value:
            return [{"q": value}]
    return []


@pytest.mark.parametrize(("person", "key"), CELLS)
class TestWriting:
    def test_change(self, undone: World, as_person: dict[str, Client], person: str, key: str) -> None:
        client, wrong = as_person[person], Mismatches()
        change = expect.reach(expect.CHANGE, key, person) if key in expect.CHANGE else "-"
        for own, row in sides(undone, key):
            place, side = address(key, "change", row.pk), "own" if own else "other"
            allowed = change == "all" or (change == "own" and own)
            page = client.get(place)
            values = form_values(page.content.decode()) if page.status_code == OPENED else {}
            posted = client.post(place, values)
            # Who may change nothing of a kind is refused whatever the row; who may change some finds only those.
            wrong.check(f"change of {side}", posted.status_code, 302 if allowed else (REFUSED if change == "-" else HIDDEN))
            if page.status_code == OPENED:
                wrong.check(f"save button of {side}", 'name="_save"' in page.content.decode(), allowed)
        assert wrong == []

    def test_add(self, undone: World, as_person: dict[str, Client], person: str, key: str) -> None:
        if "#" in key:
            pytest.skip("the same page")
        wanted = OPENED if expect.may_add(key, person) else REFUSED
        assert as_person[person].get(address(key, "add")).status_code == wanted
        if wanted == REFUSED:
            assert as_person[person].post(address(key, "add"), {"name": "x"}).status_code == REFUSED

    def test_delete(self, undone: World, as_person: dict[str, Client], person: str, key: str) -> None:
        wrong = Mismatches()
        for own, row in sides(undone, key):
            for method in ("get", "post"):
                status = getattr(as_person[person], method)(address(key, "delete", row.pk), {"post": "yes"}).status_code
                wrong.check(f"{method} delete {own}", status, REFUSED)
            assert type(row)._default_manager.filter(pk=row.pk).exists()
        assert wrong == []

    def test_bulk(self, undone: World, as_person: dict[str, Client], person: str, key: str) -> None:
        """Every action that the list offers, and every action that it has, on rows of the other side: nothing changes."""
        table = {**expect.CHANGE, **expect.DECIDE}
        change = expect.reach(table, key, person) if key in table else "-"
        if change == "all":
            pytest.skip("may change all")
        row = undone.other[key]
        before = list(type(row)._default_manager.filter(pk=row.pk).values())
        names = [*(action if isinstance(action, str) else action.__name__ for action in MODELS[label_of(key)].actions or [])]
        for name in [*names, "delete_selected"]:
            as_person[person].post(address(key, "changelist"), {"action": name, "_selected_action": [row.pk], "post": "yes"})
        assert list(type(row)._default_manager.filter(pk=row.pk).values()) == before


def test_canary_a_scope_that_lets_everybody_see_is_noticed(
    world: World, as_person: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from office import scope

    monkeypatch.setattr(scope, "_reach", lambda user, model, verb, roles: True)
    with pytest.raises(AssertionError, match="list of other: True"):
        TestReading().test_list_and_page(world, as_person, "officer", "projects.Project")
    with pytest.raises(AssertionError, match="change of other: 302"):
        TestWriting().test_change(world, as_person, "officer", "projects.Project")


def test_canary_a_page_that_forgets_the_scope_is_noticed(
    world: World, as_person: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = type(admin.site.get_model_admin(type(world.own["projects.Project"])))
    monkeypatch.setattr(page, "get_queryset", lambda self, request: self.model._default_manager.all())
    with pytest.raises(AssertionError, match="list of other: True"):
        TestReading().test_list_and_page(world, as_person, "officer", "projects.Project")


def autocompletes() -> list[tuple[str, str, str]]:
    """(app, model, field) of every look-up that a form or an inline offers, with what it looks for."""
    found = set()
    for page in MODELS.values():
        for owner in [page, *page.inlines]:
            for name in getattr(owner, "autocomplete_fields", ()):
                found.add((owner.model if hasattr(owner, "model") else page.model, name))
    return sorted((model._meta.app_label, model._meta.model_name, name) for model, name in found)


@pytest.mark.parametrize("person", expect.PEOPLE)
@pytest.mark.parametrize(("app", "model", "name"), autocompletes())
def test_autocomplete(world: World, as_person: dict[str, Client], person: str, app: str, model: str, name: str) -> None:
    from django.apps import apps

    target = apps.get_model(app, model)._meta.get_field(name).related_model._meta.label
    found = as_person[person].get(reverse("admin:autocomplete"), {"app_label": app, "model_name": model, "field_name": name})
    view = expect.reach(expect.VIEW, target, person)
    if view == "-":
        assert found.status_code == REFUSED
        return
    ids = {item["id"] for item in found.json()["results"]}
    wrong = Mismatches()
    for own, row in sides(world, target):
        wrong.check(f"own {own}", str(row.pk) in ids, answer(view, own=own) == OPENED)
    assert wrong == []


@pytest.mark.parametrize("person", expect.PEOPLE)
@pytest.mark.parametrize("name", sorted(expect.EXTRA_ADMIN))
def test_extra_admin_pages(world: World, as_person: dict[str, Client], person: str, name: str) -> None:
    reach, wrong, key = expect.reach(expect.EXTRA_ADMIN, name, person), Mismatches(), expect.EXTRA_ROW.get(name)
    for own, args in [(True, [world.own[key].pk]), (False, [world.other[key].pk])] if key else [(True, [])]:
        found = as_person[person].get(reverse(f"admin:{name}", args=args)).status_code
        allowed = reach == "all" or (reach == "own" and own)
        wrong.check(f"own {own}: {found}", found in ((OPENED,) if allowed else (REFUSED, HIDDEN)), True)
    assert wrong == []


@pytest.mark.parametrize("person", expect.PEOPLE)
@pytest.mark.parametrize("name", sorted(expect.POST_ONLY))
def test_pages_that_answer_a_post_alone(undone: World, as_person: dict[str, Client], person: str, name: str) -> None:
    field, key, reaches = expect.POST_ONLY[name]
    reach, wrong = expect.reach({key: reaches}, key, person), Mismatches()
    for own, row in sides(undone, key):
        found = as_person[person].post(reverse(f"admin:{name}"), {field: [row.pk], "purpose": "走访前核对联系方式"})
        allowed = reach == "all" or (reach == "own" and own)
        wrong.check(f"own {own}", found.status_code in ((OPENED,) if allowed else (REFUSED, HIDDEN)), True)
    assert wrong == []


def _patterns() -> Any:
    from config.urls import urlpatterns

    return urlpatterns


ARGUMENTS = {
    "home": [], "gap-model": [], "plan": [], "chain": ["{chain}"], "chain-file": ["{chain}"], "chain-node": ["{chain}", "chip"],
    "report": ["{chain}", 1], "report-file": ["{chain}", 1], "report-node": ["{chain}", 1, "chip"],
}


def page_address(name: str, chain: str) -> str:
    return reverse(name, args=[chain if part == "{chain}" else part for part in ARGUMENTS[name]])


@pytest.mark.measured
@pytest.mark.parametrize("person", expect.PEOPLE)
@pytest.mark.parametrize("name", sorted(expect.PAGES))
def test_our_own_pages(world: World, as_person: dict[str, Client], person: str, name: str) -> None:
    reach, wrong = expect.reach(expect.PAGES, name, person), Mismatches()
    for own, chain in ((True, "demo"), (False, "other")):
        wanted = answer("all" if reach == "own" and not ARGUMENTS[name] else reach, own=own)
        found = as_person[person].get(page_address(name, chain), follow=name == "home")
        wrong.check(f"{name} of {chain}", found.status_code, wanted)
    assert wrong == []


@pytest.mark.parametrize("key", KEYS)
def test_a_stranger_is_sent_to_sign_in(world: World, client: Client, key: str) -> None:
    for page, args in (("changelist", []), ("add", []), ("change", [world.own[key].pk]), ("history", [world.own[key].pk])):
        response = client.get(address(key, page, *args))
        assert response.status_code == 302
        assert "/login/" in response["Location"]


def test_the_document_says_the_same(settings: Any) -> None:
    from tests.matrix.document import text

    assert (settings.BASE_DIR / "docs" / "permissions.md").read_text(encoding="utf-8") == text()
