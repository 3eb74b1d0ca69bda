"""No ForeignKey points upwards. import-linter cannot see ForeignKey("projects.Project") written as a string."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db import models

FLOORS = ["office", "plans", "crm", "projects", "chains"]  # lowest first
LIBRARIES = ("django", "rest_", "unfold", "allauth", "axes", "csp")


def upward_relations(classes: Iterable[type[models.Model]]) -> list[str]:
    """Relations from a lower app's model to an upper app's, as "app.Model.field → app.Model"."""
    found = []
    for model in classes:
        here = model._meta.app_label
        for field in model._meta.get_fields(include_hidden=True):
            target: Any = field.related_model
            if not field.is_relation or field.auto_created or target is None or here not in FLOORS:
                continue
            there = target._meta.app_label
            if there in FLOORS and FLOORS.index(there) > FLOORS.index(here):
                found.append(f"{here}.{model.__name__}.{field.name} → {there}.{target.__name__}")
    return found


def test_no_relation_points_upwards() -> None:
    assert upward_relations(apps.get_models()) == []


def test_every_app_of_ours_has_a_floor() -> None:
    ours = {config.label for config in apps.get_app_configs() if not config.name.startswith(LIBRARIES)}
    assert ours - {"wiring"} == set(FLOORS)


def test_canary_a_planted_string_relation_is_seen() -> None:
    class Planted(models.Model):
        """A lower app's model with an upward relation hidden in a string."""

        project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="+")

        class Meta:
            app_label = "office"

        def __str__(self) -> str:
            return "planted"

    try:
        assert upward_relations([Planted]) == ["office.Planted.project → projects.Project"]
    finally:
        del apps.all_models["office"]["planted"]
        apps.clear_cache()
