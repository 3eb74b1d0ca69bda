"""Where a source contradicts what an officer wrote: both values, and a person's decision."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, NullIf
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from crm.admin.changes import label_of, value_of
from crm.models import FieldConflict, FieldOrigin
from crm.services.decide_conflict import DecisionRefused, decide_conflict
from office import scope
from office.admin_questions import Answer, ask, row_or_404
from office.admin_tools import ReadOnlyAdmin, as_text, link_to
from office.clock import database_now

STATE_COLOURS = {"open": "warning", "kept": "info", "taken": "success", "withdrawn": "info"}
DECIDER = as_text("decided_by", _("决定人"))


@admin.register(FieldConflict)
class FieldConflictAdmin(ReadOnlyAdmin):
    list_display = ["company_link", "field_label", "our_value", "writer", "their_value", "source", "state_label", "created_at"]
    list_filter = ["state", "source"]
    search_fields = ["company__name", "company__code"]
    search_help_text = _("按企业名称、编号检索")
    list_per_page = 50
    show_full_result_count = False
    fields = [
        "company_link", "field_label", "our_value", "writer", "their_value", "source", "run_link", "state", DECIDER,
        "decided_at", "created_at",
    ]
    readonly_fields = fields
    actions = ["keep_chosen", "take_chosen"]
    actions_detail = ["keep", "take"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[FieldConflict]:
        rows: QuerySet[FieldConflict] = super().get_queryset(request).select_related("company", "source", "run", "decided_by")
        ours = FieldOrigin.objects.filter(company=OuterRef("company"), field=OuterRef("field"))
        return rows.annotate(
            editor=Subquery(ours.values(name=Coalesce(NullIf("editor__display_name", Value("")), "editor__username"))[:1]),
            writing_source=Subquery(ours.values("source__name")[:1]),
        )

    def has_decide_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Deciding is the right to change, though no field of the row is edited by hand."""
        if not request.user.has_perm("crm.change_fieldconflict"):
            return False
        return object_id is None or scope.may_by_pk(request.user, scope.CHANGE, FieldConflict, object_id)

    @action(description=_("保留本系统的值"), url_path="keep", permissions=["decide"])
    def keep(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, take=False)

    @action(description=_("采用数据源的值"), url_path="take", permissions=["decide"])
    def take(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, take=True)

    def _decide(self, request: HttpRequest, object_id: str, *, take: bool) -> HttpResponse:
        row = row_or_404(request, FieldConflict.objects.select_related("company", "source"), object_id, scope.CHANGE)
        ours, theirs = (value_of(row.field, value) for value in (row.ours, row.theirs))
        lines = [f"{row.company}　{label_of(row.field)}", f"本系统的值：{ours}", f"{row.source}的值：{theirs}"]
        waiting = row.state == FieldConflict.State.OPEN
        word = "采用数据源的值" if take else "保留本系统的值"
        lines.append(
            ("采用后以数据源为准，今后随它更新。" if take else "保留后，数据源再说同样的话不再提示。")
            if waiting else f"这条分歧已经处理：{row.get_state_display()}。"
        )
        return ask(
            self, request, row, title=word, lines=lines, button=word if waiting else "",
            do=lambda: _one(request, row, take=take),
        )

    @admin.action(description=_("保留本系统的值"), permissions=["decide"])
    def keep_chosen(self, request: HttpRequest, rows: QuerySet[FieldConflict]) -> None:
        _many(request, rows, take=False)

    @admin.action(description=_("采用数据源的值"), permissions=["decide"])
    def take_chosen(self, request: HttpRequest, rows: QuerySet[FieldConflict]) -> None:
        _many(request, rows, take=True)

    @display(description=_("企业"), ordering="company__name")
    def company_link(self, row: FieldConflict) -> SafeString | str:
        return link_to(row.company)

    @display(description=_("字段"), ordering="field")
    def field_label(self, row: FieldConflict) -> str:
        return label_of(row.field)

    @display(description=_("本系统的值"))
    def our_value(self, row: FieldConflict) -> str:
        return value_of(row.field, row.ours)

    @display(description=_("数据源的值"))
    def their_value(self, row: FieldConflict) -> str:
        return value_of(row.field, row.theirs)

    @display(description=_("本系统的值由谁填写"))
    def writer(self, row: FieldConflict) -> str:
        return row.editor or row.writing_source or "人工填写"  # type: ignore[attr-defined,no-any-return]

    @display(description=_("同步记录"), ordering="run")
    def run_link(self, row: FieldConflict) -> SafeString | str:
        return link_to(row.run, row.run.slot)

    @display(description=_("处理"), ordering="state", label=STATE_COLOURS)
    def state_label(self, row: FieldConflict) -> tuple[str, str]:
        return row.state, row.get_state_display()


def _one(request: HttpRequest, row: FieldConflict, *, take: bool) -> Answer:
    try:
        decide_conflict(conflict=row.pk, take=take, by=request.user, now=database_now())
    except DecisionRefused as error:
        return messages.WARNING, f"没有改动：{error}"
    return messages.SUCCESS, "已采用数据源的值" if take else "已保留本系统的值"


def _many(request: HttpRequest, rows: QuerySet[FieldConflict], *, take: bool) -> None:
    within_reach = scope.changeable_by(request.user, FieldConflict).filter(pk__in=rows.values("pk"))
    allowed = set(within_reach.values_list("pk", flat=True))
    for row in rows.select_related("company"):
        found = _one(request, row, take=take) if row.pk in allowed else (messages.ERROR, "不归您处理，未改动")
        messages.add_message(request, found[0], f"{row.company} {label_of(row.field)}：{found[1]}")
