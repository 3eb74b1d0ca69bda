from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.codes import GRADE_LABELS, INDUSTRY_STANDARD, division_name
from crm.models import Company, CompanyGrade, IndustryCode
from office import scope


class DistrictFilter(admin.SimpleListFilter):
    title = _("区")
    parameter_name = "district"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        seen = scope.visible_to(request.user, Company).exclude(district_code="")
        found = seen.values("district_code").annotate(n=Count("id")).order_by("-n")
        return [(row["district_code"], f"{division_name(row['district_code'])}（{row['n']}）") for row in found[:60]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Company]) -> QuerySet[Company]:
        return queryset.filter(district_code=self.value()) if self.value() else queryset


class SectionFilter(admin.SimpleListFilter):
    title = _("行业门类")
    parameter_name = "section"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = IndustryCode.objects.filter(standard=INDUSTRY_STANDARD, level=1).order_by("code")
        return [(row.code, f"{row.code} {row.name}") for row in rows]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Company]) -> QuerySet[Company]:
        return queryset.filter(industry__section=self.value()) if self.value() else queryset


class GradeFilter(admin.SimpleListFilter):
    """Companies that hold the grade today, not ever."""

    title = _("等级")
    parameter_name = "grade"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(GRADE_LABELS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Company]) -> QuerySet[Company]:
        if not self.value():
            return queryset
        today = timezone.localdate()
        held = CompanyGrade.objects.filter(
            Q(valid_to__isnull=True) | Q(valid_to__gt=today), company=OuterRef("pk"), grade=self.value(),
            valid_from__lte=today,
        )
        return queryset.filter(Exists(held))
