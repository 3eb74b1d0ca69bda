"""The same matrix over the API: role × resource × verb × scope, generated from the router."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from config.api import router
from tests.matrix import expectations as expect
from tests.matrix.test_matrix import HIDDEN, OPENED, REFUSED, Mismatches, answer
from tests.matrix.world import SECRET, World

pytestmark = pytest.mark.django_db
ROUTES = [(url.name, verb) for url in router.urls for verb in url.callback.actions]
READS = [name for name, verb in ROUTES if verb == "get"]
WRITES = [(name, verb) for name, verb in ROUTES if verb != "get"]


def key_of(name: str) -> str:
    return expect.API[max((base for base in expect.API if name.startswith(f"{base}-")), key=len)]


def place(name: str, row: Any) -> str:
    keys = next(url for url in router.urls if url.name == name).pattern.regex.groupindex
    report = {"chain": lambda: row.chain.code, "number": lambda: row.number} if hasattr(row, "number") else {}
    found = {key: report.get(key, lambda key=key: getattr(row, key, row.pk))() for key in keys}
    return reverse(name, kwargs=found)


def test_every_route_has_an_expectation() -> None:
    assert {name for name, _verb in ROUTES} == expect.API_ROUTES


@pytest.mark.parametrize("person", expect.PEOPLE)
@pytest.mark.parametrize("name", READS)
def test_reading(world: World, as_person: dict[str, Client], person: str, name: str) -> None:
    key, wrong = key_of(name), Mismatches()
    view = expect.reach({**expect.VIEW, **expect.API_PARTS}, name if name in expect.API_PARTS else key, person)
    if name.endswith("-list"):
        found = as_person[person].get(reverse(name), {"limit": 200})
        wrong.check("list", found.status_code, REFUSED if view == "-" else OPENED)
        listed = found.json().get("results", [])
        for side, own, row in (("own", True, world.own[key]), ("other", False, world.other[key])):
            there = any(row.pk == item.get("id") or getattr(row, "code", "") == item.get("code", 0) for item in listed)
            wrong.check(f"the {side} side in the list", there, answer(view, own=own) == OPENED)
    else:
        for own, row in ((True, world.own[key]), (False, world.other[key])):
            wrong.check(f"own {own}", as_person[person].get(place(name, row)).status_code, answer(view, own=own))
    assert wrong == []


@pytest.mark.parametrize("person", expect.PEOPLE)
@pytest.mark.parametrize(("name", "verb"), WRITES)
def test_writing(undone: World, as_person: dict[str, Client], person: str, name: str, verb: str) -> None:
    """Without If-Match nothing is written: 428 says that everything else would have been allowed."""
    key, wrong = key_of(name), Mismatches()
    change = expect.reach(expect.CHANGE, key, person) if key in expect.CHANGE else "-"
    for own, row in ((True, undone.own[key]), (False, undone.other[key])):
        allowed = change == "all" or (change == "own" and own)
        status = getattr(as_person[person], verb)(place(name, row), {}, content_type="application/json").status_code
        wrong.check(f"own {own}", status, 428 if allowed else (REFUSED if change == "-" else HIDDEN))
    assert wrong == []


@pytest.mark.parametrize("name", READS)
def test_a_stranger_is_refused(world: World, client: Client, name: str) -> None:
    key = key_of(name)
    address = reverse(name) if name.endswith("-list") else place(name, world.own[key])
    assert client.get(address).status_code in (401, 403)


def test_canary_a_route_that_forgets_the_scope_is_seen(
    world: World, as_person: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from office import scope

    monkeypatch.setattr(scope, "_reach", lambda user, model, verb, roles: True)
    with pytest.raises(AssertionError, match="the other side in the list: True"):
        test_reading(world, as_person, "officer", "api-project-list")


@pytest.mark.measured
def test_a_report_names_no_project_out_of_reach(world: World, as_person: dict[str, Client]) -> None:
    """The frozen rows are masked for their reader here as on the page; the auditor reads all of them."""
    address = reverse("api-gap-report-detail", args=[world.other["chains.GapReport"].pk])
    texts = {person: as_person[person].get(address).content.decode() for person in ("officer", "lead", "director", "auditor")}
    for person in ("officer", "lead", "director"):
        assert "P2026-0002" not in texts[person]
        assert f"{SECRET}下一步" not in texts[person]
    assert "P2026-0002" in texts["auditor"]


def test_hidden_columns_are_not_in_the_answer(world: World, as_person: dict[str, Client]) -> None:
    for (person, label), names in expect.HIDDEN.items():
        base = next(base for base, key in expect.API.items() if key == label)
        found = as_person[person].get(place(f"{base}-detail", world.own[label])).json()
        assert found
        assert set(names).isdisjoint(found)
