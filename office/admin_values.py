"""A recorded value as people read it: choices by their label, relations by their text, amounts and dates written out."""

from __future__ import annotations

import datetime as dt
import json
import zlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format

from office.audit.registry import options_of
from office.audit.triggers import HIDDEN
from office.scope import hidden_fields

DASH, NOT_FOR_YOU, NOT_KEPT = "—", "—（无权查看）", "（不留存原文）"
LONGEST = 200


class Words:
    """Turns recorded values of many rows into words; looks related rows up once for all (`learn`)."""

    def __init__(self, user: Any) -> None:
        self.user = user
        self._names: dict[type[models.Model], dict[Any, str]] = {}
        self._hidden: dict[type[models.Model], frozenset[str]] = {}

    def learn(self, values: Iterable[tuple[models.Field, Any]]) -> None:
        wanted: dict[type[models.Model], set[Any]] = {}
        for field, value in values:
            if field.is_relation and value is not None:
                wanted.setdefault(field.related_model, set()).add(value)
        for model, keys in wanted.items():
            names = self._names.setdefault(model, {})
            missing = keys - names.keys()
            names.update({row.pk: str(row) for row in model._base_manager.filter(pk__in=missing)} if missing else {})

    def may_see(self, field: models.Field) -> bool:
        model = field.model
        if model not in self._hidden:
            self._hidden[model] = hidden_fields(self.user, model)
        return field.name not in self._hidden[model]

    def say(self, field: models.Field, value: Any) -> str:
        if not self.may_see(field):
            return NOT_FOR_YOU
        options = options_of(field.model)
        if field.name in options.secret | options.personal and str(value).startswith(HIDDEN):
            return NOT_KEPT
        if value is None or value == "":
            return DASH
        if field.is_relation:
            return self._names.get(field.related_model, {}).get(value, f"编号 {value}（已不在）")
        if field.choices:
            return str(dict(field.flatchoices).get(value, value))
        return _plain(field, value)


def _plain(field: models.Field, value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(field, models.DateTimeField) and (moment := parse_datetime(str(value))):
        return date_format(timezone.localtime(moment), "Y-m-d H:i:s")
    if isinstance(field, models.DateField) and (day := parse_date(str(value))):
        return _day(day)
    if isinstance(field, models.DecimalField) and isinstance(value, Decimal | int):
        return f"{value:,f}".rstrip("0").rstrip(".") if isinstance(value, Decimal) else f"{value:,}"
    return _short(_structure(value))


def _day(day: dt.date) -> str:
    return date_format(day, "Y-m-d")


def _structure(value: Any) -> str:
    """A list of words is shown; what has keys that only the program knows, by its size and a checksum."""
    if isinstance(value, list) and all(isinstance(item, str | int | Decimal) for item in value):
        return "、".join(map(str, value)) or DASH
    if isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
        return f"结构化内容 {len(value)} 项（校验 {zlib.crc32(text.encode())}）" if value else DASH
    return str(value)


def label(field: models.Field) -> str:
    """What people call the field; the two ends of a many-to-many row have no names of their own."""
    named = field.related_model if field.model._meta.auto_created and field.is_relation else None
    return str(named._meta.verbose_name if named else field.verbose_name)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}……"
