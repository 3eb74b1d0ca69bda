"""One row of any model, made from its field types, for pages that need a row and have no data file."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models.fields import NOT_PROVIDED

BY_TYPE: list[tuple[type[models.Field], Any]] = [
    (models.BooleanField, False),
    (models.DateTimeField, dt.datetime(2026, 7, 1, 9, tzinfo=dt.UTC)),
    (models.DateField, dt.date(2026, 7, 1)),
    (models.DecimalField, Decimal(1)),
    (models.FloatField, 0.5),
    (models.IntegerField, 1),
    (models.JSONField, {}),
    (models.BinaryField, b"1"),
    (models.SlugField, "a-1"),
    (models.CharField, "1"),
    (models.TextField, "一"),
]

# What a constraint asks for beyond the required fields: model → nullable fields to fill.
ALSO = {"chains.Placement": ("company",)}
# What a constraint asks of a text.
GIVEN: dict[str, dict[str, Any]] = {"crm.Disclosure": {"purpose": "约定现场踏勘时间", "fields": ["phone"]}}


def _value(field: models.Field, depth: int) -> Any:
    if field.is_relation:
        return a_row(field.related_model, depth=depth + 1)
    if field.choices:
        return field.flatchoices[0][0]
    if isinstance(field, models.UUIDField):
        return uuid.UUID(int=1)
    return next(value for kind, value in BY_TYPE if isinstance(field, kind))


def _left_out(field: models.Field) -> bool:
    filled_elsewhere = field.has_default() or field.db_default is not NOT_PROVIDED or field.generated
    return (
        field.primary_key or field.null or filled_elsewhere
        or getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
        or (field.blank and field.empty_strings_allowed)
    )


def a_row(model: type[models.Model], *, depth: int = 0) -> models.Model:
    """An existing row, or one with only its required fields filled."""
    if (row := model._default_manager.first()) is not None:
        return row
    if depth > 6:
        raise RecursionError(f"{model._meta.label} 需要的行互相引用")
    also = ALSO.get(model._meta.label, ())
    chosen = [field for field in model._meta.concrete_fields if field.name in also or not _left_out(field)]
    fields = {field.name: _value(field, depth) for field in chosen}
    return model._default_manager.create(**{**fields, **GIVEN.get(model._meta.label, {})})
