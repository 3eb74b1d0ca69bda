"""CR-05 in the admin: a form takes its own fields and nothing that somebody adds to the request."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import BooleanField, Field, ForeignKey, IntegerField
from django.test import Client

from tests.matrix import expectations as expect
from tests.matrix.pages import form_values
from tests.matrix.test_matrix import address
from tests.matrix.world import World

pytestmark = pytest.mark.django_db
# What saving itself may move: the version, and the time of the change.
MOVING = {"version", "updated", "updated_at"}
CELLS = [
    (person, key) for key in expect.CHANGE for person in expect.PEOPLE if expect.reach(expect.CHANGE, key, person) != "-"
]


def another(field: Field[Any, Any], value: Any) -> str:
    """A value that the field would take and that it does not have."""
    if isinstance(field, BooleanField):
        return "" if value else "on"
    if isinstance(field, ForeignKey):
        return str(field.related_model._default_manager.exclude(pk=value).values_list("pk", flat=True).first() or 1)
    if field.choices:
        return str(next((key for key, _label in field.flatchoices if key != value), ""))
    return "7" if isinstance(field, IntegerField) else "2020-02-02" if "Date" in type(field).__name__ else "9"


def changed(row: Any, evil: dict[str, str]) -> list[str]:
    stored = type(row)._default_manager.get(pk=row.pk)
    return [name for name in evil if getattr(stored, name) != getattr(row, name)]


def attack(client: Client, key: str, row: Any) -> tuple[int, dict[str, str]]:
    """Save the page as it is, so that what follows from saving has followed; then again with every other column added."""
    place = address(key, "change", row.pk)
    client.post(place, form_values(client.get(place).content.decode()))
    row.refresh_from_db()
    page = client.get(place)
    offered = set(page.context["adminform"].form.fields)
    others = [field for field in row._meta.concrete_fields if field.name not in offered | MOVING]
    evil = {field.attname: another(field, getattr(row, field.attname)) for field in others}
    posted = {field.name: evil[field.attname] for field in others} | evil
    return client.post(place, {**form_values(page.content.decode()), **posted}).status_code, evil


@pytest.mark.parametrize(("person", "key"), CELLS)
def test_a_form_takes_its_own_fields_alone(undone: World, as_person: dict[str, Client], person: str, key: str) -> None:
    row = undone.own[key]
    status, evil = attack(as_person[person], key, row)
    assert status == 302
    assert evil
    assert changed(row, evil) == []


def test_canary_a_form_with_one_field_too_many_is_seen(
    undone: World, as_person: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.contrib import admin

    row = undone.own["projects.Zone"]
    page = type(admin.site.get_model_admin(type(row)))
    shown = page.fields
    form = as_person["director"].get(address("projects.Zone", "change", row.pk)).content.decode()
    assert 'name="focus"' in form
    monkeypatch.setattr(page, "fields", [name for name in shown if name != "focus"])
    _status, evil = attack(as_person["director"], "projects.Zone", row)
    assert "focus" in evil
    assert changed(row, evil) == []
    original = page.save_model
    monkeypatch.setattr(page, "save_model", lambda self, request, obj, form, change: (
        setattr(obj, "focus", request.POST.get("focus", "")), original(self, request, obj, form, change)
    ))
    _status, evil = attack(as_person["director"], "projects.Zone", row)
    assert changed(row, evil) == ["focus"]
