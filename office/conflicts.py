"""What a form says beside what the row says now, and which of the two is to stand.

A form that was opened at an older version saves nothing. It shows every field in which the two differ, with a choice
(用我的 / 用现在的), and the next save applies the choices, again only at the version that was shown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db.models import Model, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from office import versions
from office.spans import span_text

SEEN, SEEN_VALUES, DISPUTED, KEEP = "seen_version", "seen_values", "disputed", "keep-"
MINE, NOW = "mine", "now"
TABLE = "table:"
NOTHING = "（空）"


@dataclass(frozen=True)
class Dispute:
    """One field, or one table of the page, in which the two differ. `choice`: what was chosen or is likely meant, or ""."""

    name: str
    label: str
    mine: Any
    now: Any
    choice: str

    @property
    def keep(self) -> str:
        return KEEP + self.name

    @property
    def mine_lines(self) -> list[str]:
        return self.mine if isinstance(self.mine, list) else [self.mine]

    @property
    def now_lines(self) -> list[str]:
        return self.now if isinstance(self.now, list) else [self.now]


class VersionedForm(forms.ModelForm):
    """For the page of a row that two people may edit. The page puts it in front of the model's own form.

    `compared`: the fields that the page shows. `commands`: fields that ask for something to be done (a move of stage)
    instead of saying how the row stands: they are empty in the row, and never chosen for the person.
    """

    compared: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stale = False
        self.stored: Any = None
        self.entered: dict[str, Any] = {}
        if self.instance.pk is not None:
            self.fields[SEEN] = forms.IntegerField(required=False, widget=forms.HiddenInput, label=_("打开时的版本"))
            self.initial[SEEN] = self.instance.version

    def clean(self) -> dict[str, Any] | None:
        if self.instance.pk is None:
            return super().clean()
        self.entered = dict(self.cleaned_data)
        try:
            self.stored = versions.lock(type(self.instance), seen=self.cleaned_data.get(SEEN), pk=self.instance.pk)
        except versions.Stale as stale:
            self.stale, self.stored = True, stale.row
            self._refuse()
            return self.cleaned_data
        except ObjectDoesNotExist:
            self.add_error(None, _("没有保存：这条记录已被删除。"))
            return self.cleaned_data
        self._settle()
        return super().clean()

    def values_of(self, row: Any) -> dict[str, Any]:
        """The row's values by field, as `cleaned_data` would hold them."""
        values: dict[str, Any] = dict.fromkeys(self.commands, "")
        for name in self.compared:
            try:
                field = row._meta.get_field(name)
            except FieldDoesNotExist:
                continue
            values[name] = list(getattr(row, name).all()) if field.many_to_many else getattr(row, name)
        return values

    @property
    def asked(self) -> list[str]:
        """The names that the last answer put to the person."""
        return self.data.getlist(DISPUTED) if hasattr(self.data, "getlist") else []

    @property
    def in_conflict(self) -> bool:
        return self.stale or bool(self.asked and self.errors)

    def disputes(self) -> list[Dispute]:
        now, found = self.values_of(self.stored), []
        for name in self.compared:
            if name not in now or name not in self.fields or self.fields[name].disabled:
                continue
            if self.differs(name, now[name]) and (self.stale or name in self.asked):
                found.append(Dispute(
                    name, str(self[name].label), self.entered_text(name), words(self.fields[name], now[name]),
                    self._choice(name, now[name]),
                ))
        return found

    def differs(self, name: str, now: Any) -> bool:
        return name not in self.entered or plain(self.entered[name]) != plain(now)

    def _choice(self, name: str, now: Any) -> str:
        if name in self.commands:
            return posted_choice(self.data, name)
        mine = digest(self.entered[name]) if name in self.entered else ""
        return posted_choice(self.data, name) or likely(seen_values(self.data).get(name), mine, digest(now))

    def entered_text(self, name: str) -> str:
        if name in self.entered:
            return words(self.fields[name], self.entered[name])
        return str(self[name].data or NOTHING)  # what could not be read, as it was written

    def _refuse(self) -> None:
        self.add_error(None, _(
            "没有保存：打开本页之后，这条记录已经被修改过（也可能是同一表单提交了两次）。"
            "请在上方对照表里逐项选择，再保存一次。"
        ))
        self.data = self.data.copy()
        self.data[self.add_prefix(SEEN)] = str(self.stored.version)

    def _settle(self) -> None:
        """Apply the choices: what the person gave up takes the row's own value, whatever stood in the field."""
        now = self.values_of(self.stored)
        for name in self.asked:
            choice = posted_choice(self.data, name)
            if not choice:
                self.add_error(None, _("请为上方对照表的每一项选择用哪一个，再保存一次。"))
                return
            if choice == NOW and name in now:
                self.cleaned_data[name] = now[name]
                self.errors.pop(name, None)
                if name in self.changed_data:
                    self.changed_data.remove(name)


class KeptTable:
    """In front of a formset: where its present rows were chosen over the posted ones, it shows those and saves nothing."""

    def __init__(self, **kwargs: Any) -> None:
        self.kept = posted_choice(kwargs.get("data") or {}, TABLE + str(kwargs.get("prefix"))) == NOW
        if self.kept:
            kwargs |= {"data": None, "files": None}
        super().__init__(**kwargs)

    def is_valid(self) -> bool:
        return self.kept or super().is_valid()  # type: ignore[misc,no-any-return]

    def save(self, commit: bool = True) -> list[Any]:
        if not self.kept:
            return super().save(commit=commit)  # type: ignore[misc,no-any-return]
        self.new_objects: list[Any] = []
        self.changed_objects: list[Any] = []
        self.deleted_objects: list[Any] = []
        return []


def table_dispute(formset: Any, label: str, data: Mapping[str, Any], hidden: frozenset[str]) -> Dispute:
    """A table of the page as a whole: its rows as posted, and as they stand."""
    name = TABLE + formset.prefix
    mine, now = posted_rows(formset), stored_rows(formset)
    choice = posted_choice(data, name) or likely(seen_values(data).get(name), digest(mine), digest(now))
    return Dispute(name, label, _lines(formset, mine, hidden), _lines(formset, now, hidden), choice)


def stored_rows(formset: Any) -> list[dict[str, Any]]:
    """The rows as the database holds them, in the columns of the formset's form. A posted form has changed its instances."""
    rows, columns = formset.get_queryset(), _columns(formset)
    fresh = rows.all() if formset.is_bound else rows
    return [{name: getattr(row, name) for name in columns if hasattr(row, name)} for row in fresh]


def posted_rows(formset: Any) -> list[dict[str, Any]]:
    """The rows as they would stand after the save; a cell that could not be read as it was written."""
    rows = []
    for form in formset.forms:
        form.is_valid()
        cells = getattr(form, "cleaned_data", {})
        gone = formset.can_delete and formset._should_delete_form(form)
        if gone or (form not in formset.initial_forms and not form.has_changed()):
            continue
        rows.append({name: cells.get(name, form[name].data) for name in _columns(formset) if name in form.fields})
    return rows


def _columns(formset: Any) -> list[str]:
    form = formset.empty_form
    return [field.name for field in form.visible_fields() if field.name != "DELETE"]


def _lines(formset: Any, rows: Iterable[Mapping[str, Any]], hidden: frozenset[str]) -> list[str]:
    fields = formset.empty_form.fields
    return [
        "，".join(f"{fields[name].label}：{words(fields[name], value)}" for name, value in row.items() if name not in hidden)
        for row in rows
    ] or [NOTHING]


def words(field: forms.Field, value: Any) -> str:
    """A value as a person reads it on the page."""
    if value is None or value in ("", [], ()):
        return NOTHING
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Model):
        return str(value)
    if isinstance(value, (list, QuerySet)) and all(isinstance(item, Model) for item in value):
        return "、".join(str(item) for item in value)
    if hasattr(value, "lower_inc"):
        return span_text(value)
    if isinstance(field, forms.DateField) and hasattr(value, "year"):
        return str(date_format(value))
    if isinstance(field, forms.ChoiceField):
        return str(dict(field.choices).get(value, value))  # type: ignore[arg-type]
    return str(field.prepare_value(value))


def plain(value: Any) -> Any:
    """A value in one spelling, so that what was typed and what is stored compare equal when they say the same."""
    if value is None:
        return ""
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, (list, tuple, set, QuerySet)):
        items = [plain(item) for item in value]
        return sorted(items, key=str) if any(isinstance(item, Model) for item in value) else items
    if isinstance(value, dict):
        return {key: plain(item) for key, item in sorted(value.items())}
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, str):
        return value.replace("\r\n", "\n").strip()
    return value if isinstance(value, (bool, int, float)) else str(value)


def digest(value: Any) -> str:
    """A short mark of a value: enough to tell whether somebody touched a field."""
    return hashlib.sha256(json.dumps(plain(value), ensure_ascii=False).encode("utf-8", "replace")).hexdigest()[:12]


def seen_values(data: Mapping[str, Any]) -> dict[str, str]:
    """The marks of the values that the page showed when it was opened; a hint and nothing more, for the browser sends it."""
    try:
        found = json.loads(data.get(SEEN_VALUES) or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def likely(seen: str | None, mine: str, now: str) -> str:
    """Where one side left the field alone, the other side's value is meant; where both wrote, nobody decides for them."""
    if seen is None:
        return ""
    return NOW if mine == seen else MINE if now == seen else ""


def posted_choice(data: Mapping[str, Any], name: str) -> str:
    choice = data.get(KEEP + name, "")
    return choice if choice in (MINE, NOW) else ""
