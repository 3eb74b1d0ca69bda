from __future__ import annotations

from django.contrib import admin
from django.db.models import FloatField, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from chains.admin.links import report_page
from chains.models import GapReport
from office.admin_tools import ReadOnlyAdmin, as_text, fingerprint
from office.templatetags.office import percent

AUTHOR = as_text("created_by", _("生成人"))
HASHES = fingerprint("input_hash", _("输入指纹")), fingerprint("content_hash", _("内容指纹"))


@admin.register(GapReport)
class GapReportAdmin(ReadOnlyAdmin):
    list_display = ["chain", "number", "as_of", "completeness", "model_version", "created", "page"]
    list_filter = ["chain", "as_of"]
    list_select_related = ["chain"]
    fields = [
        "page", "chain", "number", "as_of", "version", "model_version", "completeness", "created", AUTHOR,
        *HASHES,
    ]
    readonly_fields = ["page", "completeness", AUTHOR, *HASHES]

    def get_queryset(self, request: HttpRequest) -> QuerySet[GapReport]:
        """Without the frozen documents: a report carries some hundred kilobytes of them, and the list needs one number."""
        whole = KT("analysis__chain__current__completeness")
        return (
            super().get_queryset(request).select_related("chain").annotate(whole=Cast(whole, FloatField()))
            .defer("input_document", "analysis", "context")
        )

    @display(description=_("完整度"), ordering="whole")
    def completeness(self, report: GapReport) -> str:
        return percent(report.whole)  # type: ignore[attr-defined]

    @display(description=_("报告页"))
    def page(self, report: GapReport) -> SafeString:
        return report_page(report, f"阅读第 {report.number} 期")
