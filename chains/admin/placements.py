from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from chains.models import Placement
from chains.reports.build import evidence_words
from chains.services.decide_placement import decide_placement
from office.admin_tools import link_to


@admin.register(Placement)
class PlacementAdmin(ModelAdmin):
    list_display = ["who", "node", "chain", "share", "why", "state", "source", "placed_on"]
    list_filter = ["state", "source", "node__chain"]
    list_select_related = ["node__chain", "company", "project"]
    search_fields = ["company__name", "project__name", "node__name"]
    autocomplete_fields = ["node", "company", "project"]
    fields = ["node", "company", "project", "probability", "revenue_share", "state", "source", "placed_on", "why"]
    readonly_fields = ["probability", "state", "source", "placed_on", "why"]
    actions = ["confirm", "reject"]

    @display(description=_("企业/项目"))
    def who(self, row: Placement) -> SafeString | str:
        return link_to(row.company or row.project)

    @display(description=_("产业链"), ordering="node__chain")
    def chain(self, row: Placement) -> str:
        return str(row.node.chain)

    @display(description=_("概率"), ordering="probability")
    def share(self, row: Placement) -> str:
        return f"{row.probability:.0%}"

    @display(description=_("依据"))
    def why(self, row: Placement) -> str:
        return "、".join(evidence_words(item) for item in row.evidence[:3]) or "—"

    def save_model(self, request: HttpRequest, obj: Placement, form: Any, change: bool) -> None:
        if not change:  # an officer who places by hand is certain
            obj.probability, obj.state, obj.source = 1.0, Placement.State.CONFIRMED, Placement.Source.OFFICER
            obj.placed_on, obj.decided_by = timezone.localdate(), request.user
        super().save_model(request, obj, form, change)

    @admin.action(description=_("确认挂链"), permissions=["change"])
    def confirm(self, request: HttpRequest, rows: QuerySet[Placement]) -> None:
        _decide(request, rows, confirmed=True)

    @admin.action(description=_("否定挂链"), permissions=["change"])
    def reject(self, request: HttpRequest, rows: QuerySet[Placement]) -> None:
        _decide(request, rows, confirmed=False)


def _decide(request: HttpRequest, rows: QuerySet[Placement], *, confirmed: bool) -> None:
    done = [decide_placement(placement_id=row.pk, confirmed=confirmed, by=request.user) for row in rows]
    messages.success(request, f"{'已确认' if confirmed else '已否定'} {len(done)} 条；下次生成报告时生效。")
