"""A record's history and a list as of a date, for every model's admin page (through office.admin_tools.ModelAdmin)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms.models import _get_foreign_key
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from office import scope
from office.admin_values import Words, label
from office.audit.as_of import gone_at, rows_at, truncated_since
from office.audit.history import Event, children_of, events_of
from office.audit.registry import is_watched, readable_fields
from office.models import AuditBlock

PAGE = 50
LAST_PAGE = 2_000  # beyond it an offset is a slow way of asking


@dataclass(frozen=True)
class Line:
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Shown:
    at: dt.datetime
    actor: str
    channel: str
    what: str
    request_id: str
    lines: list[Line]


def page_number(request: HttpRequest) -> int:
    text = request.GET.get("p", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1  # noqa: PLR2004
    return min(max(number, 1), LAST_PAGE)


def day_of(request: HttpRequest, today: dt.date) -> dt.date:
    try:
        asked = parse_date(request.GET.get("date", ""))
    except ValueError:
        asked = None
    return min(asked or today, today)


def end_of(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time.max))


def show(events: list[Event], user: Any, tables: dict[str, type[models.Model]], main: str) -> list[Shown]:
    words = Words(user)
    fields = {table: {field.column: field for field in model._meta.concrete_fields} for table, model in tables.items()}
    words.learn(
        (field, value) for event in events for column, pair in event.values.items() for value in pair
        if (field := fields[event.table].get(column))
    )
    return [_shown(event, words, tables[event.table], fields[event.table], event.table == main) for event in events]


def _shown(
    event: Event, words: Words, model: type[models.Model], fields: dict[str, models.Field], is_main: bool
) -> Shown:
    what = AuditBlock.Verb(event.kind).label
    if not is_main:
        what = f"{what}：{model._meta.verbose_name if not model._meta.auto_created else _('所属')}"
    channel = dict(AuditBlock.Channel.choices).get(event.channel, event.channel)
    lines = list(_lines(event, words, fields))
    if event.digest_only:
        lines = [Line(str(_("内容")), "—", str(_("只留指纹")))]
    actor = event.actor or str(_("（未登记）"))
    return Shown(event.at, actor, str(channel), str(what), event.request_id, lines)


def _lines(event: Event, words: Words, fields: dict[str, models.Field]) -> Iterator[Line]:
    for column, (before, after) in event.values.items():
        field = fields.get(column)
        if event.kind != "U" and (before if event.kind == "D" else after) in (None, "", [], {}):
            continue  # of a whole row, what was filled in
        if field is None:
            yield Line(str(_("已取消的字段")), "…", "…")
            continue
        yield Line(
            label(field), "—" if event.kind == "I" else words.say(field, before),
            "—" if event.kind == "D" else words.say(field, after),
        )


class HistoryMixin:
    """Puts the audit's history in the place of Django's, which knows only what its own forms saved."""

    list_after_template = "admin/office/as_of_link.html"

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_as_of"
        return [path("as-of/", self.admin_site.admin_view(self.as_of_view), name=name), *super().get_urls()]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        record = self.get_object(request, unquote(object_id))
        if record is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_or_change_permission(request, record):
            raise PermissionDenied
        number = page_number(request)
        rows, tables = self._record_and_children(request, record)
        events = events_of(rows, limit=PAGE + 1, offset=(number - 1) * PAGE)
        context = {
            **self._page(request, number, more=len(events) > PAGE), "title": _("变更历史"), "subtitle": str(record),
            "events": show(events[:PAGE], request.user, tables, self.opts.db_table), "original": record, "object": record,
            "watched": is_watched(self.model),
        }
        return render(request, "admin/office/history.html", context)

    def _record_and_children(
        self, request: HttpRequest, record: models.Model
    ) -> tuple[list[tuple[str, int]], dict[str, type[models.Model]]]:
        rows, tables = [(self.opts.db_table, record.pk)], {self.opts.db_table: self.model}
        for child, field, present in self._children(request, record):
            tables[child._meta.db_table] = child
            rows += children_of(record, child, field, present)
        return rows, tables

    def _children(self, request: HttpRequest, record: models.Model) -> Iterator[tuple[type[models.Model], str, list[int]]]:
        seen: dict[type[models.Model], tuple[str, list[int]]] = {}
        for inline in self.get_inline_instances(request, record):
            if not is_watched(inline.model) or not inline.has_view_permission(request, record):
                continue
            key = _get_foreign_key(self.model, inline.model, fk_name=inline.fk_name)
            # Not the inline's own rows: it may show a masked line of what lies outside the person's scope.
            own = scope.visible_to(request.user, inline.model).filter(**{key.name: record.pk})
            present = list(own.values_list("pk", flat=True))
            before = seen.get(inline.model, (key.name, []))[1]
            seen[inline.model] = (key.name, [*before, *present])
        for field in self.opts.many_to_many:
            through = field.remote_field.through
            if through._meta.auto_created and is_watched(through):
                own = field.m2m_field_name()
                present = list(through._base_manager.filter(**{own: record.pk}).values_list("pk", flat=True))
                seen[through] = (own, present)
        for model, (name, present) in seen.items():
            yield model, name, present

    def as_of_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        day, number = day_of(request, timezone.localdate()), page_number(request)
        moment = end_of(day)
        found, gone = [], []
        if watched := is_watched(self.model):
            found = rows_at(self.get_queryset(request), moment, limit=PAGE + 1, offset=(number - 1) * PAGE)
        if watched and number == 1 and request.user.has_perm("office.view_auditblock"):
            gone = gone_at(self.model, moment)
        context = {
            **self._page(request, number, more=len(found) > PAGE), **self._table(request, found[:PAGE], gone),
            "title": _("历史列表"), "day": day, "today": timezone.localdate(), "watched": watched,
            "truncated": truncated_since(self.model, moment),
            "begin": AuditBlock.objects.order_by("pk").values_list("at", flat=True).first(),
        }
        return render(request, "admin/office/as_of.html", context)

    def _table(self, request: HttpRequest, found: list[Any], gone: list[Any]) -> dict[str, Any]:
        fields = readable_fields(self.model)
        words = Words(request.user)
        words.learn((field, row.get(field.column)) for _key, row in [*found, *gone] for field in fields)
        return {
            "headers": [label(field) for field in fields],
            "rows": [(key, [words.say(field, row.get(field.column)) for field in fields]) for key, row in found],
            "gone": [(key, [words.say(field, row.get(field.column)) for field in fields]) for key, row in gone],
        }

    def _page(self, request: HttpRequest, number: int, *, more: bool) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request), "opts": self.opts, "number": number,
            "earlier": number + 1 if more and number < LAST_PAGE else None, "later": number - 1 if number > 1 else None,
            "list_url": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"),
        }
