from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from office.admin_tools import ReadOnlyAdmin, link_to, links_to
from plans.models import Clause, Plan


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin):
    list_display = ["name", "code", "period_start", "period_end", "published", "issuer"]
    search_fields = ["name", "code"]


@admin.register(Clause)
class ClauseAdmin(ReadOnlyAdmin):
    list_display = ["anchor", "summary", "title", "kind", "page"]
    list_filter = ["plan", "kind"]
    search_fields = ["anchor", "summary", "heading_path"]
    list_select_related = ["plan"]
    list_per_page = 50
    fields = [
        "plan", "anchor", "kind", "heading_path", "summary", "page", "parent_link", "children_links", "indicator_links",
        "context_links",
    ]
    readonly_fields = ["parent_link", "children_links", "indicator_links", "context_links"]

    @admin.display(description=_("标题"))
    def title(self, clause: Clause) -> str:
        return clause.title

    @admin.display(description=_("上级条款"))
    def parent_link(self, clause: Clause) -> SafeString | str:
        return link_to(clause.parent)

    @admin.display(description=_("下级条款"))
    def children_links(self, clause: Clause) -> SafeString | str:
        return links_to(clause.children.all())

    @admin.display(description=_("本条的指标"))
    def indicator_links(self, clause: Clause) -> SafeString | str:
        return links_to(clause.indicators.all())

    @admin.display(description=_("本条的背景数据"))
    def context_links(self, clause: Clause) -> SafeString | str:
        return links_to(clause.context_figures.all())
