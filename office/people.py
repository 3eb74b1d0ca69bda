"""Choosing people: forms offer those whose role fits, by name, and nobody else."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from office.models import User


def holding(*roles: str, keep: int | None = None) -> QuerySet[User]:
    """Active people with one of the roles, and the one who stands there already, even where the role was taken since."""
    able = Q(is_active=True, groups__name__in=roles)
    return User.objects.filter(able | Q(pk=keep)).distinct().order_by("username")
