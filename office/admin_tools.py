"""Small things that every admin page shares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import InlineModelAdmin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

DASH = "—"


def add_inline(model: type[Model], inline: type[InlineModelAdmin[Any, Any]]) -> None:
    """Put an inline of an upper app on the page of a lower app's model: the lower app never looks up."""
    page = admin.site.get_model_admin(model)
    page.inlines = [*page.inlines, inline]


def link_to(instance: Model | None, text: object = None) -> SafeString | str:
    """A link to the instance's admin page, or a dash where there is none."""
    if instance is None or instance.pk is None:
        return DASH
    return format_html('<a href="{}">{}</a>', _address(instance), str(text if text is not None else instance))


def links_to(instances: Iterable[Model]) -> SafeString | str:
    """A link a line, or a dash where there are none."""
    lines = ((_address(instance), str(instance)) for instance in instances)
    return format_html_join("", '<div><a href="{}">{}</a></div>', lines) or DASH


def _address(instance: Model) -> str:
    return reverse(f"admin:{instance._meta.app_label}_{instance._meta.model_name}_change", args=[instance.pk])


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
    extra = 0
    can_delete = False
    show_change_link = False
