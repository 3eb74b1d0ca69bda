from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import Client, override_settings
from pytest_django import DjangoDbBlocker

from tests.matrix.world import World, build


@pytest.fixture(scope="package")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """One world for the whole matrix; each test undoes what it posts."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield build()
        transaction.set_rollback(True)


@pytest.fixture
def undone(world: World, db: None) -> Iterator[World]:
    with transaction.atomic():
        yield world
        transaction.set_rollback(True)


@pytest.fixture
def as_person(world: World, db: None) -> Iterator[dict[str, Client]]:
    """A signed-in client for each person, made when asked for."""

    class Clients(dict[str, Client]):
        def __missing__(self, name: str) -> Client:
            self[name] = Client()
            self[name].force_login(type(world.people[name]).objects.get(pk=world.people[name].pk))
            return self[name]

    with override_settings(CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}):
        yield Clients()
