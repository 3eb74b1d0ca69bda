"""What the chains know, shown on the pages of the apps below: where a company or a project stands."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from chains.admin.links import node_page
from chains.models import Chain, Placement
from chains.reports.build import evidence_words
from crm.admin.family import FamilyFormSet
from crm.models import Company
from office import scope
from office.admin_tools import DASH, ReadOnlyInline, TabularInline, add_filter, add_inline, link_to
from projects.models import Carrier, Project


class CompanyPlacementInline(ReadOnlyInline):
    model = Placement
    formset = FamilyFormSet
    fields = ["page", "chain", "share", "why", "state", "placed_on", "row"]
    readonly_fields = ["page", "chain", "share", "why", "row"]
    verbose_name_plural = _("挂链")
    tab = True
    list_select_related = ["node__chain"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Placement]:
        return super().get_queryset(request).order_by("-probability")

    @display(description=_("环节（缺口页）"))
    def page(self, row: Placement) -> SafeString:
        return node_page(row.node)

    @display(description=_("产业链"))
    def chain(self, row: Placement) -> SafeString | str:
        return link_to(row.node.chain)

    @display(description=_("概率"))
    def share(self, row: Placement) -> str:
        return f"{row.probability:.0%}"

    @display(description=_("依据"))
    def why(self, row: Placement) -> str:
        return "、".join(evidence_words(item) for item in row.evidence[:4]) or DASH

    @display(description=_("挂链"))
    def row(self, row: Placement) -> SafeString | str:
        return link_to(row, "打开")


class AimFormSet(BaseInlineFormSet):
    """A project's aim is an officer's own decision: certain from the start."""

    def save_new(self, form: Any, commit: bool = True) -> Any:
        row = form.instance
        row.probability, row.state, row.source = 1.0, Placement.State.CONFIRMED, Placement.Source.OFFICER
        row.placed_on = timezone.localdate()
        return super().save_new(form, commit=commit)


class ProjectPlacementInline(TabularInline):
    """The gap that a project is aimed at; an officer sets it here, and takes it back here."""

    model = Placement
    fields = ["node", "chain", "page"]
    readonly_fields = ["chain", "page"]
    autocomplete_fields = ["node"]
    formset = AimFormSet
    extra = 0
    hide_title = True
    verbose_name = _("瞄准的环节")
    verbose_name_plural = _("瞄准的环节")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Placement]:
        return super().get_queryset(request).select_related("node__chain")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    @display(description=_("产业链"))
    def chain(self, row: Placement) -> SafeString | str:
        return link_to(row.node.chain) if row.pk else DASH

    @display(description=_("缺口页"))
    def page(self, row: Placement) -> SafeString | str:
        return node_page(row.node, f"{row.node.name}的缺口") if row.pk else DASH


class _ChainFilter(admin.SimpleListFilter):
    title = _("产业链")
    parameter_name = "chain"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(scope.visible_to(request.user, Chain).values_list("code", "name"))


class _PlacedFilter(_ChainFilter):
    placed = ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        standing = Placement.objects.exclude(state=Placement.State.REJECTED)
        return queryset.filter(Exists(standing.filter(**{self.placed: OuterRef("pk")}, node__chain__code=self.value())))


class ProjectChainFilter(_PlacedFilter):
    title, placed = _("瞄准的产业链"), "project"


class CompanyChainFilter(_PlacedFilter):
    title, placed = _("挂链的产业链"), "company"


class CarrierChainFilter(_ChainFilter):
    def queryset(self, request: HttpRequest, queryset: QuerySet[Carrier]) -> QuerySet[Carrier]:
        return queryset.filter(industries__contains=[self.value()]) if self.value() else queryset


def chain_names() -> dict[str, str]:
    return dict(Chain.objects.values_list("code", "name"))


add_inline(Company, CompanyPlacementInline)
add_inline(Project, ProjectPlacementInline)
add_filter(Company, CompanyChainFilter)
add_filter(Project, ProjectChainFilter)
add_filter(Carrier, CarrierChainFilter)
admin.site.get_model_admin(Carrier).chain_names = chain_names
