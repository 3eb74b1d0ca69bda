"""What the chains know, shown on the pages of the apps below: where a company or a project stands."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from chains.models import Placement
from chains.reports.build import evidence_words
from crm.models import Company
from office.admin_tools import ReadOnlyInline, add_inline
from projects.models import Project


class CompanyPlacementInline(ReadOnlyInline):
    model = Placement
    fields = ["node", "chain", "share", "why", "state", "placed_on"]
    readonly_fields = ["chain", "share", "why"]
    verbose_name_plural = _("挂链")
    tab = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Placement]:
        return super().get_queryset(request).select_related("node__chain").order_by("-probability")

    @display(description=_("产业链"))
    def chain(self, row: Placement) -> str:
        return str(row.node.chain)

    @display(description=_("概率"))
    def share(self, row: Placement) -> str:
        return f"{row.probability:.0%}"

    @display(description=_("依据"))
    def why(self, row: Placement) -> str:
        return "、".join(evidence_words(item) for item in row.evidence[:4]) or "—"


class AimFormSet(BaseInlineFormSet):
    """A project's aim is an officer's own decision: certain from the start."""

    def save_new(self, form: Any, commit: bool = True) -> Any:
        row = form.instance
        row.probability, row.state, row.source = 1.0, Placement.State.CONFIRMED, Placement.Source.OFFICER
        row.placed_on = timezone.localdate()
        return super().save_new(form, commit=commit)


class ProjectPlacementInline(TabularInline):
    """The gap that a project is aimed at; an officer sets it here."""

    model = Placement
    fields = ["node"]
    autocomplete_fields = ["node"]
    formset = AimFormSet
    extra = 0
    verbose_name = _("瞄准的环节")
    verbose_name_plural = _("瞄准的环节")



add_inline(Company, CompanyPlacementInline)
add_inline(Project, ProjectPlacementInline)
