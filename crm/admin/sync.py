from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from crm.models import IndustryCode, Source, SyncIssue, SyncRun
from office.admin_tools import DASH, ReadOnlyAdmin, lines_of, link, link_to

RUN_COLOURS = {"running": "warning", "done": "success", "failed": "danger", "halted": "danger"}
SEVERITY_COLOURS = {"error": "danger", "notice": "info", "halt": "danger"}
RESULT_NAMES = {
    "fetched": "读到", "NEW": "新增", "UPDATE": "更新", "SKIP": "无变化", "INVALID": "不合规", "ERROR": "出错", "REVIEW": "待判断",
    "CONFLICT": "分歧", "removed": "来源移除", "absent": "清单缺席", "redacted": "来源屏蔽", "ended": "已注销等",
    "calls": "调用", "seconds": "秒",
}


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin):
    list_display = ["code", "name", "base_url", "last_ok_at"]
    fields = ["code", "name", "base_url", "last_ok_at"]


@admin.register(IndustryCode)
class IndustryCodeAdmin(ReadOnlyAdmin):
    list_display = ["code", "name", "level", "section", "standard"]
    list_filter = ["level", "section"]
    search_fields = ["code", "name"]
    search_help_text = _("按代码、名称检索")


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    list_display = ["started_at", "source", "mode", "status_label", "summary", "finished_at", "next_step", "slot"]
    list_filter = ["status", "mode", "source"]
    list_select_related = ["source"]
    fields = [
        "source", "slot", "mode", "status", "summary", "reason", "next_step", "started_at", "finished_at", "issue_list",
    ]
    readonly_fields = ["summary", "issue_list", "started_at"]

    @display(description=_("状态"), ordering="status", label=RUN_COLOURS)
    def status_label(self, run: SyncRun) -> tuple[str, str]:
        return run.status, run.get_status_display()

    @display(description=_("结果"))
    def summary(self, run: SyncRun) -> str:
        said = [f"{RESULT_NAMES.get(name, name)} {count}" for name, count in run.counts.items() if count]
        return "，".join(said) or run.reason or "没有变化"

    @display(description=_("隔离与提示"))
    def issue_list(self, run: SyncRun) -> SafeString:
        count = run.issues.count()
        return link(f"{reverse('admin:crm_syncissue_changelist')}?run__id__exact={run.pk}", f"{count} 条")


@admin.register(SyncIssue)
class SyncIssueAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "severity_label", "source_key", "field", "reason", "run_link"]
    list_filter = ["severity", "run__source"]
    search_fields = ["source_key", "reason"]
    search_help_text = _("按数据源编号、原因检索")
    fields = ["created_at", "severity", "source_key", "field", "reason", "run_link", "content"]
    readonly_fields = ["created_at", "run_link", "content"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SyncIssue]:
        return super().get_queryset(request).select_related("run", "row")  # type: ignore[no-any-return]

    @display(description=_("性质"), ordering="severity", label=SEVERITY_COLOURS)
    def severity_label(self, issue: SyncIssue) -> tuple[str, str]:
        return issue.severity, issue.get_severity_display()

    @display(description=_("同步记录"), ordering="run")
    def run_link(self, issue: SyncIssue) -> SafeString | str:
        return link_to(issue.run, issue.run.slot)

    @display(description=_("数据源给出的内容"))
    def content(self, issue: SyncIssue) -> SafeString | str:
        return lines_of(_said(issue.row.payload if issue.row else None))


def _said(payload: Any) -> list[str]:
    """The row as the source sent it: its own names stand, since that is what its keepers must look for."""
    if isinstance(payload, dict):
        return [f"{name}：{DASH if value in (None, '') else value}" for name, value in payload.items()]
    return [] if payload is None else [str(payload)]
