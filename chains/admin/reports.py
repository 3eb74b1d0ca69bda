from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from chains.models import GapReport
from office.admin_tools import ReadOnlyAdmin


@admin.register(GapReport)
class GapReportAdmin(ReadOnlyAdmin):
    list_display = ["chain", "number", "as_of", "completeness", "model_version", "created", "page"]
    list_filter = ["chain", "as_of"]
    list_select_related = ["chain"]
    fields = ["chain", "number", "as_of", "version", "model_version", "input_hash", "content_hash", "created", "page"]
    readonly_fields = ["page"]

    @display(description=_("完整度"))
    def completeness(self, report: GapReport) -> str:
        value = report.analysis["chain"]["current"]["completeness"]
        return "—" if value is None else f"{value:.1%}"

    @display(description=_("页面"))
    def page(self, report: GapReport) -> SafeString:
        return format_html('<a href="{}">查看</a>', reverse("report", args=[report.chain.code, report.number]))
