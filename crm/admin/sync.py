from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from crm.admin.forms import StartSyncForm
from crm.admin.quarantine import said
from crm.models import IndustryCode, PossibleMatch, Source, SyncIssue, SyncRun
from crm.models.sync import RESULTS
from crm.services.start_sync import start_sync
from office.admin_questions import Answer, LivePage, ask, row_or_404
from office.admin_tools import ReadOnlyAdmin, lines_of, link, link_to
from office.clock import database_now

RUN_COLOURS = {"running": "warning", "done": "success", "failed": "danger", "halted": "danger"}
SEVERITY_COLOURS = {"error": "danger", "notice": "info", "halt": "danger"}
PHASES = {"fetch": "正在读取", "merge": "正在并入"}


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin):
    list_display = ["code", "name", "department", "base_url", "last_ok_at"]
    fields = ["code", "name", "department", "base_url", "last_ok_at", "run_list"]
    readonly_fields = ["run_list"]
    actions_detail = ["sync_now"]

    def has_sync_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("crm.sync_source")

    @action(description=_("立即同步"), url_path="sync-now", permissions=["sync"])
    def sync_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        source = row_or_404(request, Source, object_id)
        form = StartSyncForm(request.POST if request.method == "POST" else None)
        lines = [f"从“{source}”（{source.base_url or '地址见设置'}）读取一次并并入企业库。每晚的同步照常进行。"]
        return ask(
            self, request, source, title="立即同步", lines=lines, button="开始同步", form=form,
            do=lambda: _start(request, source.pk, full=form.cleaned_data["full"]),
        )

    @display(description=_("同步记录"))
    def run_list(self, source: Source) -> SafeString:
        return link(f"{reverse('admin:crm_syncrun_changelist')}?source__id__exact={source.pk}", f"{source.runs.count()} 次")


@admin.register(IndustryCode)
class IndustryCodeAdmin(ReadOnlyAdmin):
    list_display = ["code", "name", "level", "section", "standard"]
    list_filter = ["level", "section"]
    search_fields = ["code", "name"]
    search_help_text = _("按代码、名称检索")


@admin.register(SyncRun)
class SyncRunAdmin(LivePage, ReadOnlyAdmin):
    list_display = ["started_at", "source", "mode", "status_label", "summary", "finished_at", "next_step", "slot"]
    list_filter = ["status", "mode", "source"]
    list_select_related = ["source"]
    fields = [
        "source", "slot", "mode", "status", "progress_bar", "results", "reason", "next_step", "started_at", "finished_at",
        "reasons", "links",
    ]
    readonly_fields = ["progress_bar", "results", "started_at", "reasons", "links"]
    actions_detail = ["retry"]

    def is_live(self, row: SyncRun) -> bool:
        return row.status == SyncRun.Status.RUNNING

    def has_sync_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("crm.sync_source")

    @action(description=_("重试"), url_path="retry", permissions=["sync"])
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        run = row_or_404(request, SyncRun.objects.select_related("source"), object_id)
        failed = run.status in (SyncRun.Status.FAILED, SyncRun.Status.HALTED)
        full = run.mode == SyncRun.Mode.FULL
        lines = [
            f"再同步一次“{run.source}”（{'全量' if full else '增量'}）。上次没有完成的原因：{run.reason or '没有说明'}"
            if failed else f"这次同步是“{run.get_status_display()}”，不需要重试；要再读一次，请到数据源页“立即同步”。"
        ]
        return ask(
            self, request, run, title="重试同步", lines=lines, button="重试" if failed else "",
            do=lambda: _start(request, run.source_id, full=full),
        )

    @display(description=_("状态"), ordering="status", label=RUN_COLOURS)
    def status_label(self, run: SyncRun) -> tuple[str, str]:
        return run.status, run.get_status_display()

    @display(description=_("结果"))
    def summary(self, run: SyncRun) -> str:
        words = [f"{RESULTS[name]} {count}" for name, count in run.results.items() if count]
        return "，".join(words) or progress_words(run.progress) or run.reason or "没有变化"

    @display(description=_("结果"))
    def results(self, run: SyncRun) -> SafeString | str:
        return lines_of(f"{RESULTS[name]}：{_figure(count)}" for name, count in run.results.items())

    @display(description=_("进度"))
    def progress_bar(self, run: SyncRun) -> SafeString | str:
        words, done, total = progress_words(run.progress), run.progress.get("rows"), run.progress.get("total")
        if not (isinstance(done, int) and isinstance(total, int) and total > 0):
            return words or lines_of([])
        return format_html('<progress max="{}" value="{}" aria-label="进度">{}</progress><div>{}</div>',
                           total, done, words, words)

    @display(description=_("原因分布"))
    def reasons(self, run: SyncRun) -> SafeString | str:
        """The reasons that come most often; what is peculiar to a row stands on the row."""
        found = run.issues.values("severity", "field", "reason").annotate(rows=Count("id")).order_by("-rows", "field")[:10]
        names = dict(SyncIssue.Severity.choices)
        return lines_of(f"{names[x['severity']]} · {x['field']} {x['reason']}：{x['rows']} 条" for x in found)

    @display(description=_("相关页面"))
    def links(self, run: SyncRun) -> SafeString | str:
        rows = [
            ("crm_quarantinedrow", "run__id__exact", "隔离行", run.quarantined.count()),
            ("crm_syncissue", "run__id__exact", "隔离与提示", run.issues.count()),
            ("crm_fieldconflict", "run__id__exact", "数据分歧", run.conflicts.count()),
        ]
        if admin.site.is_registered(PossibleMatch):
            matches = PossibleMatch.objects.filter(row__run=run).count()
            rows.append(("crm_possiblematch", "row__run__id__exact", "疑似同一企业", matches))
        return lines_of(
            link(f"{reverse(f'admin:{name}_changelist')}?{key}={run.pk}", f"{text} {count} 条")
            for name, key, text, count in rows
        )


@admin.register(SyncIssue)
class SyncIssueAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "severity_label", "source_key", "field", "reason", "run_link", "row_link"]
    list_filter = ["severity", "run__source"]
    search_fields = ["source_key", "reason"]
    search_help_text = _("按数据源编号、原因检索")
    fields = ["created_at", "severity", "source_key", "field", "reason", "run_link", "row_link", "content"]
    readonly_fields = ["created_at", "run_link", "row_link", "content"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SyncIssue]:
        return super().get_queryset(request).select_related("run", "row")  # type: ignore[no-any-return]

    @display(description=_("性质"), ordering="severity", label=SEVERITY_COLOURS)
    def severity_label(self, issue: SyncIssue) -> tuple[str, str]:
        return issue.severity, issue.get_severity_display()

    @display(description=_("同步记录"), ordering="run")
    def run_link(self, issue: SyncIssue) -> SafeString | str:
        return link_to(issue.run, issue.run.slot)

    @display(description=_("隔离行"), ordering="row")
    def row_link(self, issue: SyncIssue) -> SafeString | str:
        return link_to(issue.row, issue.row.get_state_display() if issue.row else None)

    @display(description=_("数据源给出的内容"))
    def content(self, issue: SyncIssue) -> SafeString | str:
        return lines_of(said(issue.row.payload if issue.row else None))


def progress_words(progress: Mapping[str, Any]) -> str:
    """{"phase": "fetch", "pages": 12, "rows": 6000, "total": 20000, …} in words; what is not known is not said."""
    parts = [PHASES.get(progress.get("phase", ""), "")]
    if "rows" in progress:
        total = f" / {_figure(progress['total'])}" if progress.get("total") else ""
        parts.append(f"{_figure(progress['rows'])}{total} 条")
    parts += [f"{word} {_figure(progress[name])}{unit}" for name, word, unit in
              (("pages", "第", " 页"), ("calls", "调用", " 次"), ("seconds", "已用", " 秒")) if name in progress]
    return "，".join(part for part in parts if part)


def _figure(value: Any) -> str:
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)


def _start(request: HttpRequest, source_id: int, *, full: bool) -> Answer:
    _job, created = start_sync(source_id=source_id, full=full, by=request.user, now=database_now())
    if not created:
        return messages.WARNING, "这个数据源已有一次同步在排队或进行中，没有重复开始"
    return messages.SUCCESS, "已排队，几秒内开始；进度见“同步记录”"
