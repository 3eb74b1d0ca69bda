from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models import Contact
from crm.services.retire_contacts import due_soon
from office import scope
from office.models import User


class DueFilter(admin.SimpleListFilter):
    title = _("保存期限")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("soon", _("即将到期"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        return due_soon(queryset, as_of=timezone.localdate()) if self.value() == "soon" else queryset


class KeeperFilter(admin.SimpleListFilter):
    """The keepers of what the person sees, and nobody else's name."""

    title = _("保管人")
    parameter_name = "keeper"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        seen = scope.visible_to(request.user, Contact).order_by().values("keeper")
        people = User.objects.filter(pk__in=seen).order_by("username")
        return [("me", "我保管的"), *((str(person.pk), str(person)) for person in people)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        value = self.value()
        if not value:
            return queryset
        wanted = str(request.user.pk) if value == "me" else value
        fits = wanted.isascii() and wanted.isdigit() and len(wanted) < 19  # noqa: PLR2004  (bigint)
        return queryset.filter(keeper_id=int(wanted)) if fits else queryset.none()
