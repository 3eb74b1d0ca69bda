"""Small things that every admin page shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import InlineModelAdmin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin as UnfoldModelAdmin
from unfold.admin import TabularInline as UnfoldTabularInline
from unfold.decorators import display

from office import scope
from office.admin_history import HistoryMixin
from office.admin_scope import ScopedInline, ScopedPage
from office.admin_versions import VersionedPage
from office.spans import DASH, span_text

__all__ = ["DASH", "span_text"]  # what pages take from here beside the names below
LINK_CLASS = "text-primary-600 dark:text-primary-500 underline"


def add_inline(model: type[Model], inline: type[InlineModelAdmin[Any, Any]]) -> None:
    """Put an inline of an upper app on the page of a lower app's model: the lower app never looks up."""
    page = admin.site.get_model_admin(model)
    page.inlines = [*page.inlines, inline]


def add_filter(model: type[Model], filter_class: type[admin.SimpleListFilter]) -> None:
    """Put a filter of an upper app first on the list of a lower app's model."""
    page = admin.site.get_model_admin(model)
    page.list_filter = [filter_class, *page.list_filter]


def link(address: str, text: object) -> SafeString:
    """A link that looks like one: the theme leaves bare anchors in the colour of the text."""
    return format_html('<a class="{}" href="{}">{}</a>', LINK_CLASS, address, str(text))


def link_to(instance: Model | None, text: object = None) -> SafeString | str:
    """A link to the instance's admin page, or a dash where there is none."""
    if instance is None or instance.pk is None:
        return DASH
    return link(_address(instance), text if text is not None else instance)


def links_to(instances: Iterable[Model]) -> SafeString | str:
    """A link a line, or a dash where there are none."""
    return lines_of(link_to(instance) for instance in instances)


def lines_of(texts: Iterable[object]) -> SafeString | str:
    """One text or link a line, or a dash where there are none. One block: on a phone a cell lays its parts in a row."""
    lines = format_html_join("", "<div>{}</div>", ((text,) for text in texts))
    return format_html("<div>{}</div>", lines) if lines else DASH


def as_text(field: str, label: Any) -> Callable[[Any], str]:
    """A read-only person as plain text: Django would link to a page that only the administrator may open."""

    @display(description=label, ordering=field)
    def text(row: Any) -> str:
        return str(getattr(row, field) or DASH)

    text.__name__ = f"{field}_text"
    return text


def fingerprint(field: str, label: Any) -> Callable[[Any], SafeString]:
    """A hash that may break anywhere: whole, it is wider than a telephone."""

    @display(description=label)
    def text(row: Any) -> SafeString:
        return format_html('<span style="overflow-wrap: anywhere">{}</span>', getattr(row, field))

    text.__name__ = f"{field}_text"
    return text


def pairs(values: Mapping[str, Any] | None) -> SafeString | str:
    """What a JSON object holds, one "name：value" a line, for fields whose names only the program knows."""
    return lines_of(f"{name}：{value}" for name, value in (values or {}).items())


def _address(instance: Model) -> str:
    return reverse(f"admin:{instance._meta.app_label}_{instance._meta.model_name}_change", args=[instance.pk])


class ModelAdmin(VersionedPage, ScopedPage, HistoryMixin, UnfoldModelAdmin):  # type: ignore[misc]
    """What every page of ours starts from: the theme, within the person's scope, never over a colleague's save, with
    history and the list as of a date."""


class TabularInline(ScopedInline, UnfoldTabularInline):
    """The same for tables inside a page."""


class _ReadOnly:
    """Rows that only services write: everybody who may see them sees them, and nobody edits them here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(_ReadOnly, ModelAdmin):
    pass


class ReadOnlyInline(_ReadOnly, TabularInline):
    """History and links: nothing to show, and therefore not shown, on the page that adds the parent."""

    extra = 0
    can_delete = False
    show_change_link = False
    hide_title = True
    list_select_related: Sequence[str] = ()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and super().has_view_permission(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Not Django's, which asks for the right without the parent and would therefore find no rows."""
        return scope.visible_to(request.user, self.model._default_manager.select_related(*self.list_select_related))
