from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import NON_FIELD_ERRORS
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from chains.admin.links import node_page
from chains.models import Placement
from chains.reports.build import evidence_words
from chains.services.decide_placement import DONE, SAME, SETTLED, decide_placement, decide_placements
from office import scope
from office.admin_tools import DASH, ModelAdmin, as_text, link_to
from office.conflicts import VersionedForm
from projects.services.update import lock_project

STATE_COLOURS = {"candidate": "warning", "confirmed": "success", "rejected": "danger"}
MOST_NAMED = 5
FORBIDDEN = "forbidden"
DECIDER = as_text("decided_by", _("确认人"))


class PlacementForm(VersionedForm):
    revenue_share = forms.FloatField(
        label=_("营收占比"), min_value=0, max_value=1, initial=1.0, widget=UnfoldAdminTextInputWidget,
        help_text=_("企业的营收有多少来自本环节：0 至 1，例如 0.4"),
    )

    class Meta:
        model = Placement
        fields = ["node", "company", "project", "revenue_share"]
        error_messages = {NON_FIELD_ERRORS: {"unique_together": _("这个企业或项目已挂在本环节，请到挂链列表确认或否定那一条")}}

    def clean(self) -> dict[str, Any]:
        if self.instance.project_id is not None:  # the project's page locks in this order too: no two wait for each other
            lock_project(project_id=self.instance.project_id)
        data = super().clean() or {}
        if self.instance.pk is None and bool(data.get("company")) == bool(data.get("project")):
            raise forms.ValidationError(_("挂链对象须为企业或项目之一"))
        return data


@admin.register(Placement)
class PlacementAdmin(ModelAdmin):
    form = PlacementForm
    list_display = ["who", "node_link", "chain", "share", "why", "state_label", "source", "placed_on"]
    list_display_links = None
    list_filter = ["state", "source", "node__chain"]
    list_select_related = ["node__chain", "company", "project"]
    list_per_page = 50
    ordering = ["state", "-probability", "id"]  # what waits for a decision first, the likeliest on top
    search_fields = ["company__name", "company__short_name", "project__name", "node__name"]
    search_help_text = _("按企业、项目、环节名称检索")
    autocomplete_fields = ["node", "company", "project"]
    actions = ["confirm", "reject"]
    actions_submit_line = ["confirm_one", "reject_one"]

    def get_fields(self, request: HttpRequest, obj: Placement | None = None) -> list[Any]:
        if obj is None:
            return ["node", "company", "project", "revenue_share"]
        return [
            "who", "node_link", "chain", "share", "why", "state", "source", "placed_on", DECIDER, "revenue_share",
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Placement | None = None) -> list[Any]:
        """What a placement says is settled when it is made: a wrong one is rejected and another one added."""
        return [] if obj is None else [name for name in self.get_fields(request, obj) if name != "revenue_share"]

    @display(description=_("企业/项目"))
    def who(self, row: Placement) -> SafeString | str:
        return link_to(row.company or row.project)

    @display(description=_("环节"), ordering="node__name")
    def node_link(self, row: Placement) -> SafeString | str:
        return node_page(row.node)

    @display(description=_("状态"), ordering="state", label=STATE_COLOURS)
    def state_label(self, row: Placement) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description=_("产业链"), ordering="node__chain")
    def chain(self, row: Placement) -> str:
        return str(row.node.chain)

    @display(description=_("概率"), ordering="probability")
    def share(self, row: Placement) -> str:
        return f"{row.probability:.0%}"

    @display(description=_("依据"))
    def why(self, row: Placement) -> str:
        return "、".join(evidence_words(item) for item in row.evidence[:3]) or DASH

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

    @action(description=_("确认挂链"), permissions=["change"])
    def confirm_one(self, request: HttpRequest, row: Placement) -> None:
        decide_placement(placement_id=row.pk, confirmed=True, by=request.user)

    @action(description=_("否定挂链"), permissions=["change"])
    def reject_one(self, request: HttpRequest, row: Placement) -> None:
        decide_placement(placement_id=row.pk, confirmed=False, by=request.user)


def _decide(request: HttpRequest, rows: QuerySet[Placement], *, confirmed: bool) -> None:
    chosen = {row.pk: row for row in rows.select_related("company", "project", "node")}
    allowed = scope.changeable_by(request.user, Placement.objects.filter(pk__in=chosen)).values_list("pk", flat=True)
    results = decide_placements(placement_ids=allowed, confirmed=confirmed, by=request.user)
    found: dict[str, list[Placement]] = {}
    for pk, row in chosen.items():
        found.setdefault(results.get(pk, FORBIDDEN), []).append(row)
    level = messages.SUCCESS if set(found) <= {DONE, SAME} else messages.WARNING
    text = "。".join(_named(result, found[result], confirmed) for result in (DONE, SAME, SETTLED, FORBIDDEN) if result in found)
    messages.add_message(request, level, f"{text}。下次生成报告时生效。" if DONE in found else f"{text}。")


def _named(result: str, rows: list[Placement], confirmed: bool) -> str:
    verb = "确认" if confirmed else "否定"
    says = {
        DONE: f"已{verb} {len(rows)} 条", SAME: f"{len(rows)} 条原已{verb}，未变动",
        SETTLED: f"{len(rows)} 条已由他人作出相反的决定，未改动，请逐条打开处理",
        FORBIDDEN: f"{len(rows)} 条不在您的权限内，未改动",
    }
    names = "；".join(f"{row.company or row.project} → {row.node}" for row in rows[:MOST_NAMED])
    return f"{says[result]}：{names}{'等' if len(rows) > MOST_NAMED else ''}"
