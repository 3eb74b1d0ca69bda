from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from plans.measures import DASH


def link(row: Model | None, text: str | None = None) -> SafeString | str:
    """A link to the row's admin page, a dash for none."""
    if row is None:
        return DASH
    return format_html('<a href="{}">{}</a>', _address(row), text or str(row))


def links(rows: Iterable[Model]) -> SafeString | str:
    return format_html_join("", '<div><a href="{}">{}</a></div>', ((_address(row), str(row)) for row in rows)) or DASH


def _address(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
