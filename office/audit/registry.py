"""Which models the audit follows. Every app says so in its `audit_tables.py`; a model that nobody named fails a test."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.apps import apps
from django.db import models

from office.audit.triggers import Table

BOOKKEEPING = "version"  # the column that guards two people's edits says nothing that the entries do not say


@dataclass(frozen=True)
class Options:
    skip: frozenset[str] = frozenset()
    secret: frozenset[str] = frozenset()
    personal: frozenset[str] = frozenset()
    salt: str = "privacy_salt"
    digest_inserts: bool = False
    out: str = ""


_declared: dict[str, Options] = {}
_apps: set[str] = set()


def watch_app(label: str) -> None:
    """Audit every model of the app that is not declared otherwise."""
    _apps.add(label)


def watch(
    model: type[models.Model] | str, *, skip: Iterable[str] = (), secret: Iterable[str] = (), personal: Iterable[str] = (),
    salt: str = "privacy_salt", insert: str = "whole", out: str = "",
) -> None:
    """Declare how a model (or "app.Model") is audited; `out` gives the reason why it is not.

    skip: fields that are not recorded. secret: recorded as changed, without the value. personal: recorded as a
    fingerprint that the row's salt field makes; once the salt is replaced, nobody can link it to the value again.
    insert="digest": of a new row only a hash is kept; later changes and the removal are recorded as ever.
    """
    if insert not in ("whole", "digest"):
        raise ValueError(f"insert={insert!r}")
    label = model if isinstance(model, str) else model._meta.label
    _declared[label.lower()] = Options(
        frozenset(skip), frozenset(secret), frozenset(personal), salt, insert == "digest", out
    )


def options_of(model: type[models.Model]) -> Options:
    return _declared.get(model._meta.label_lower, Options())


def _is_declared(model: type[models.Model]) -> bool:
    return model._meta.label_lower in _declared or model._meta.app_label in _apps


def _own_tables(models_: Iterable[type[models.Model]]) -> list[type[models.Model]]:
    return [model for model in models_ if model._meta.managed and not model._meta.proxy]


def undeclared_among(models_: Iterable[type[models.Model]]) -> list[str]:
    """Models that are neither audited nor declared out."""
    return sorted(model._meta.label for model in _own_tables(models_) if not _is_declared(model))


def undeclared() -> list[str]:
    return undeclared_among(apps.get_models(include_auto_created=True))


def watched() -> list[type[models.Model]]:
    return [model for model in _own_tables(apps.get_models(include_auto_created=True)) if is_watched(model)]


def is_watched(model: type[models.Model]) -> bool:
    return model._meta.managed and _is_declared(model) and not options_of(model).out


def recorded_fields(model: type[models.Model]) -> list[models.Field]:
    """The fields whose changes are recorded: not the key, not what is skipped, not the time of the change itself."""
    options = options_of(model)
    left_out = options.skip | {options.salt if options.personal else ""} | {BOOKKEEPING}
    return [
        field for field in model._meta.concrete_fields
        if not field.primary_key and field.name not in left_out and not getattr(field, "auto_now", False)
    ]


def readable_fields(model: type[models.Model]) -> list[models.Field]:
    """The recorded fields whose values may be read from a row: no secret, nothing personal."""
    options = options_of(model)
    return [field for field in recorded_fields(model) if field.name not in options.secret | options.personal]


def table_of(model: type[models.Model]) -> Table:
    options = options_of(model)
    column = {field.name: field.column for field in model._meta.concrete_fields}
    if not isinstance(model._meta.pk, models.IntegerField | models.ForeignKey):
        raise TypeError(f"{model._meta.label}: the audit numbers rows by an integer key; declare the model out")
    return Table(
        name=model._meta.db_table, pk=column[model._meta.pk.name],
        columns=tuple(field.column for field in recorded_fields(model)),
        secret=frozenset(column[name] for name in options.secret),
        personal=frozenset(column[name] for name in options.personal),
        salt=column[options.salt] if options.personal else "", digest_inserts=options.digest_inserts,
    )
