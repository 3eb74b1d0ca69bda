from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from office.admin_tools import ReadOnlyAdmin, link_to
from plans.measures import DASH, format_figure
from plans.models import ContextFigure, Indicator


@admin.register(Indicator)
class IndicatorAdmin(ReadOnlyAdmin):
    list_display = ["name", "unit", "baseline", "target", "direction", "kind", "chain_code", "clause_link"]
    list_filter = ["plan", "kind", "category", "direction", "chain_code", "unit"]
    search_fields = ["name", "code", "chain_code", "clause__anchor", "note"]
    list_select_related = ["clause"]
    list_per_page = 100
    fields = [
        "plan", "name", "code", "kind", "category", "unit", "baseline", "target", "target_year", "direction",
        "chain_code", "share_of", "clause_link", "note",
    ]
    readonly_fields = ["baseline", "target", "clause_link"]

    @admin.display(description=_("2020年值"), ordering="baseline_2020")
    def baseline(self, indicator: Indicator) -> str:
        return format_figure(indicator.baseline_2020)

    @admin.display(description=_("目标值"), ordering="target_2025")
    def target(self, indicator: Indicator) -> str:
        figure = format_figure(indicator.target_2025)
        if indicator.target_high is not None:
            return f"{figure}–{format_figure(indicator.target_high)}"
        if indicator.comparator == Indicator.Comparator.EQUAL:
            return figure
        return f"{indicator.get_comparator_display()} {figure}"

    @admin.display(description=_("条款"), ordering="clause__order")
    def clause_link(self, indicator: Indicator) -> SafeString | str:
        return link_to(indicator.clause, indicator.clause.anchor)


@admin.register(ContextFigure)
class ContextFigureAdmin(ReadOnlyAdmin):
    list_display = ["name", "figure", "unit", "year_text", "clause_link", "note"]
    list_filter = ["plan", "year", "unit"]
    search_fields = ["name", "key", "clause__anchor", "note"]
    list_select_related = ["clause"]
    list_per_page = 100
    fields = ["plan", "name", "key", "figure", "unit", "year_text", "clause_link", "note"]
    readonly_fields = ["figure", "year_text", "clause_link"]

    @admin.display(description=_("数值"), ordering="value")
    def figure(self, row: ContextFigure) -> str:
        exact = row.comparator == ContextFigure.Comparator.EQUAL
        return format_figure(row.value) if exact else f"{row.get_comparator_display()} {format_figure(row.value)}"

    @admin.display(description=_("年份"), ordering="year")
    def year_text(self, row: ContextFigure) -> str:
        return str(row.year or DASH)

    @admin.display(description=_("条款"), ordering="clause__order")
    def clause_link(self, row: ContextFigure) -> SafeString | str:
        return link_to(row.clause, row.clause.anchor)
