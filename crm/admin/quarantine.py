"""Quarantined records: what is wrong with each, its correction, its second reading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from crm.admin.quarantine_forms import DismissForm, content_of, form_for
from crm.models import QuarantinedRow, SyncIssue, SyncRun
from crm.services.dismiss_quarantine import NotWaiting, dismiss_quarantine
from crm.services.start_replay import AT_ONCE, start_replay
from office import scope
from office.admin_questions import Answer, ask, row_or_404
from office.admin_tools import DASH, ModelAdmin, as_text, lines_of, link_to
from office.clock import database_now
from office.http import OutboundError

STATE_COLOURS = {"open": "warning", "replayed": "success", "dismissed": "info", "superseded": "info"}
HANDLER = as_text("handled_by", _("处理人"))
MOST_NAMED, MOST_FIELDS, MOST_RUNS = 20, 50, 20


class FieldFilter(admin.SimpleListFilter):
    title = _("有问题的字段")
    parameter_name = "field"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = scope.visible_to(request.user, SyncIssue).filter(row__isnull=False).exclude(field="")
        return [(name, name) for name in rows.order_by("field").values_list("field", flat=True).distinct()[:MOST_FIELDS]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[QuarantinedRow]) -> QuerySet[QuarantinedRow]:
        if not self.value():
            return queryset
        return queryset.filter(Exists(SyncIssue.objects.filter(row=OuterRef("pk"), field=self.value())))


class RunFilter(admin.SimpleListFilter):
    """The last runs that left something here; older ones are reached from their own page."""

    title = _("同步记录")
    parameter_name = "of_run"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        left = Exists(QuarantinedRow.objects.filter(run=OuterRef("pk")))
        runs = scope.visible_to(request.user, SyncRun).filter(left).select_related("source").order_by("-id")[:MOST_RUNS]
        return [(str(run.pk), f"{run.source} {run.slot}") for run in runs]

    def queryset(self, request: HttpRequest, queryset: QuerySet[QuarantinedRow]) -> QuerySet[QuarantinedRow]:
        value = self.value() or ""
        return queryset.filter(run_id=int(value[:18])) if value.isascii() and value.isdigit() else queryset


@admin.register(QuarantinedRow)
class QuarantinedRowAdmin(ModelAdmin):
    list_display = ["source_key", "source", "state_label", "reasons", "run_link", "created_at", HANDLER]
    list_filter = ["state", "run__source", RunFilter, FieldFilter]
    search_fields = ["source_key", "issues__reason"]
    search_help_text = _("按数据源编号、原因检索")
    list_per_page = 50
    show_full_result_count = False
    readonly_fields = [
        "source_key", "state", "source", "reasons", "run_link", "replayed_link", "handled_at", HANDLER, "dismissed_because",
        "original", "content",
    ]
    actions = ["replay_chosen"]
    actions_detail = ["replay", "dismiss"]
    actions_submit_line = ["save_and_replay"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[QuarantinedRow]:
        rows: QuerySet[QuarantinedRow] = super().get_queryset(request)
        rows = rows.select_related("run__source", "handled_by", "replayed_in")
        return rows.prefetch_related(Prefetch("issues", SyncIssue.objects.order_by("id")))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # --- the page

    def get_fieldsets(self, request: HttpRequest, obj: QuarantinedRow | None = None) -> list[Any]:
        first = ["source_key", "source", "state", "reasons", "run_link"]
        if obj is None or not self.has_change_permission(request, obj):
            first += ["replayed_link", HANDLER, "handled_at"]
            first += ["dismissed_because"] if obj and obj.state == QuarantinedRow.State.DISMISSED else []
            return [(None, {"fields": first}), (_("内容"), {"fields": ["content"]}), (_("原始内容"), {"fields": ["original"]})]
        fields = [*form_for(obj, {}).keys, "added"]
        groups = [(None, {"fields": first}), (_("内容（可更正）"), {"fields": fields})]
        return groups if obj.corrected is None else [*groups, (_("原始内容"), {"fields": ["original"]})]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None and self.has_change_permission(request, obj):
            kwargs["form"] = form_for(obj, _by_key(obj))
        return super().get_form(request, obj, change=change, **kwargs)

    @action(description=_("更正并重放"), permissions=["change"])
    def save_and_replay(self, request: HttpRequest, obj: QuarantinedRow) -> None:
        request.replay_after = obj.pk  # type: ignore[attr-defined]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Replaying waits until the correction is committed: it is a merge of its own."""
        answer: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        if saved := getattr(request, "replay_after", None):
            messages.add_message(request, *_replay(request, [saved]))
        return answer

    @action(description=_("重放"), url_path="replay", permissions=["change"])
    def replay(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = row_or_404(request, QuarantinedRow, object_id, scope.CHANGE)
        lines = [f"把记录 {row.source_key or DASH} 按现在的内容再读一次；合格即并入企业库，仍不合格则留在这里并更新原因。"]
        return ask(self, request, row, title="重放隔离行", lines=lines, button="重放", do=lambda: _replay(request, [row.pk]))

    @action(description=_("忽略"), url_path="dismiss", permissions=["change"])
    def dismiss(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = row_or_404(request, QuarantinedRow, object_id, scope.CHANGE)
        lines = [f"记录 {row.source_key or DASH} 不并入企业库，也不再提示。数据源以后送来不同的内容，仍会照常读取。"]
        form = DismissForm(request.POST if request.method == "POST" else None)
        return ask(self, request, row, title="忽略隔离行", lines=lines, button="忽略", form=form,
                   do=lambda: _dismiss(request, row, form.cleaned_data["reason"]))

    @admin.action(description=_("重放所选隔离行"), permissions=["change"])
    def replay_chosen(self, request: HttpRequest, rows: QuerySet[QuarantinedRow]) -> None:
        messages.add_message(request, *_replay(request, list(rows.order_by("id").values_list("pk", flat=True))))

    # --- columns

    @display(description=_("数据源"), ordering="run__source")
    def source(self, row: QuarantinedRow) -> str:
        return str(row.run.source)

    @display(description=_("处理"), ordering="state", label=STATE_COLOURS)
    def state_label(self, row: QuarantinedRow) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description=_("原因"))
    def reasons(self, row: QuarantinedRow) -> SafeString | str:
        return lines_of(f"{issue.field}：{issue.reason}" if issue.field else issue.reason for issue in row.issues.all())

    @display(description=_("同步记录"), ordering="run")
    def run_link(self, row: QuarantinedRow) -> SafeString | str:
        return link_to(row.run, row.run.slot)

    @display(description=_("重放于"))
    def replayed_link(self, row: QuarantinedRow) -> SafeString | str:
        return link_to(row.replayed_in, row.replayed_in.slot) if row.replayed_in else DASH

    @display(description=_("数据源给出的内容"))
    def original(self, row: QuarantinedRow) -> SafeString | str:
        return lines_of(said(row.payload))

    @display(description=_("现在的内容"))
    def content(self, row: QuarantinedRow) -> SafeString | str:
        return lines_of(said(content_of(row) or row.payload))


def said(payload: Any) -> list[str]:
    """The row as the source sent it: its own names stand, since that is what its keepers must look for."""
    if isinstance(payload, dict):
        return [f"{name}：{DASH if value in (None, '') else value}" for name, value in payload.items()]
    return [] if payload is None else [str(payload)]


def _by_key(row: QuarantinedRow) -> dict[str, list[str]]:
    """What is wrong with each key; a path into a value counts for the key that it begins with."""
    keys, found = content_of(row), defaultdict(list)
    for issue in row.issues.all():
        key = issue.field if issue.field in keys else issue.field.split(".")[0].split("[")[0]
        found[key].append(f"未并入的原因：{issue.reason}")
    return found


def _dismiss(request: HttpRequest, row: QuarantinedRow, reason: str) -> Answer:
    try:
        dismiss_quarantine(row=row.pk, by=request.user, reason=reason, now=database_now())
    except NotWaiting as error:
        return messages.WARNING, f"没有改动：这条记录已是“{error}”"
    return messages.SUCCESS, "已忽略"


def _replay(request: HttpRequest, chosen: Sequence[int]) -> Answer:
    """Replay what the person may change of these rows; every row's result by name. Many are left to a worker."""
    from crm.services.replay_quarantine import replay_quarantine  # it reads the connectors' whole machinery

    allowed = scope.changeable_by(request.user, QuarantinedRow.objects.filter(pk__in=chosen)).values_list("pk", flat=True)
    wanted = sorted(allowed)
    if len(wanted) > AT_ONCE:
        return _start(request, wanted, others=len(chosen) - len(wanted))
    try:
        if wanted:
            replay_quarantine(rows=wanted, by=request.user, now=database_now())
    except OutboundError as error:
        return messages.ERROR, f"没有重放：{error}"
    return _told(chosen, set(wanted))


def _start(request: HttpRequest, wanted: Sequence[int], *, others: int) -> Answer:
    start_replay(rows=wanted, by=request.user, now=database_now())
    rest = f"；另有 {others} 条原已处理或不归您处理，未改动" if others else ""
    return messages.SUCCESS, f"{len(wanted)} 条已排队，由后台重放，几秒内开始；每批的结果见“同步记录”，仍不合规的留在这里{rest}"


def _told(chosen: Sequence[int], allowed: set[int]) -> Answer:
    groups: dict[str, list[str]] = defaultdict(list)
    rows = QuarantinedRow.objects.filter(pk__in=chosen).prefetch_related("issues").order_by("id")
    for row in rows:
        name = row.source_key or f"第 {row.page} 页的一条"
        if row.pk not in allowed:
            groups[f"原已{row.get_state_display().removeprefix('已')}或不归您处理，未改动"].append(name)
        elif row.state == QuarantinedRow.State.REPLAYED:
            groups["已并入"].append(name)
        else:
            reasons = "；".join(f"{issue.field} {issue.reason}".strip() for issue in row.issues.all())
            groups["仍未并入"].append(f"{name}（{reasons or '没有说明原因'}）")
    level = messages.SUCCESS if set(groups) <= {"已并入"} else messages.WARNING
    told = [f"{result} {len(names)} 条：{_named(names)}" for result, names in groups.items()]
    return level, "。".join(told) or "没有可重放的记录"


def _named(names: Iterable[str]) -> str:
    every = list(names)
    rest = f" 等，其余 {len(every) - MOST_NAMED} 条见列表" if len(every) > MOST_NAMED else ""
    return "、".join(every[:MOST_NAMED]) + rest
