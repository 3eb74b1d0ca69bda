from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.models import IndustryCode, Source, SyncIssue, SyncRun
from office.admin_tools import ReadOnlyAdmin


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin):
    list_display = ["code", "name", "base_url", "last_ok_at"]


@admin.register(IndustryCode)
class IndustryCodeAdmin(ReadOnlyAdmin):
    list_display = ["code", "name", "level", "section", "standard"]
    list_filter = ["level", "section"]
    search_fields = ["code", "name"]


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    list_display = ["slot", "source", "mode", "status", "summary", "started_at", "finished_at", "next_step"]
    list_filter = ["status", "mode", "source"]
    list_select_related = ["source"]

    @admin.display(description=_("结果"))
    def summary(self, run: SyncRun) -> str:
        return "，".join(f"{name} {count}" for name, count in run.counts.items()) or run.reason


@admin.register(SyncIssue)
class SyncIssueAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "severity", "source_key", "field", "reason", "run", "resolved"]
    list_filter = ["resolved", "severity", "run__source"]
    search_fields = ["source_key", "reason"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SyncIssue]:
        return super().get_queryset(request).select_related("run")  # type: ignore[no-any-return]
