"""A range of dates as people say it."""

from __future__ import annotations

from typing import Any

from django.utils.formats import date_format

DASH = "—"


def span_text(span: Any) -> str:
    """A range of dates [from, to) as people say it: 2026年1月1日 至今."""
    if span is None or span.isempty or (span.lower and span.lower == span.upper):
        return DASH
    start = date_format(span.lower) if span.lower else "不详"
    return f"{start} 至今" if span.upper is None else f"{start} 至 {date_format(span.upper)}（不含）"
