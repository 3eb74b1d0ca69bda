"""How numbers are written on every page: nothing known is shown as a dash, never as zero."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template

register = template.Library()

DASH = "—"


@register.filter
def percent(value: float | None, places: int = 1) -> str:
    """0.1234 → "12.3%"."""
    return DASH if value is None else f"{value:.{places}%}"


@register.filter
def points(value: float | None, places: int = 1) -> str:
    """A score of 0 to 100, or any plain figure, to a fixed number of places."""
    return DASH if value is None else f"{value:,.{places}f}"


@register.filter
def figure(value: Decimal | None) -> str:
    """A figure as the plan prints it: no trailing zeros, and "--" where it gives none."""
    return "--" if value is None else f"{value.normalize():f}"


@register.filter
def get(mapping: dict[str, Any] | None, key: str) -> Any:
    return (mapping or {}).get(key)


@register.filter
def times(count: int) -> range:
    """For drawing one mark for each of `count` things."""
    return range(count or 0)
