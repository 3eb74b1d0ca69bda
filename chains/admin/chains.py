from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from chains.admin.upload import ChainFileForm
from chains.models import Chain, ChainLeader, ChainVersion, LeadFirm, Node, NodeSpec
from chains.services.make_report import make_report
from office.admin_tools import ReadOnlyAdmin, ReadOnlyInline, link_to


class ChainLeaderInline(TabularInline):
    model = ChainLeader
    extra = 0
    autocomplete_fields = ["user"]


class LeadFirmInline(TabularInline):
    model = LeadFirm
    extra = 0
    fields = ["name", "company", "clause"]
    autocomplete_fields = ["company", "clause"]


class ChainVersionInline(ReadOnlyInline):
    model = ChainVersion
    fields = ["link", "published", "published_by", "note"]
    readonly_fields = ["link"]

    @display(description=_("版本"))
    def link(self, version: ChainVersion) -> SafeString | str:
        return link_to(version)


@admin.register(Chain)
class ChainAdmin(ModelAdmin):
    list_display = ["name", "group", "contact", "clause", "report_link"]
    list_filter = ["group"]
    list_select_related = ["contact", "clause"]
    search_fields = ["name", "code"]
    readonly_fields = ["code", "name", "group", "summary", "clause", "order"]
    autocomplete_fields = ["contact"]
    inlines = [ChainLeaderInline, LeadFirmInline, ChainVersionInline]
    actions_list = ["upload"]
    actions_detail = ["report_now"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a chain begins with a chain file

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_upload_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("chains.add_chainversion")

    @display(description=_("缺口报告"))
    def report_link(self, chain: Chain) -> SafeString:
        return format_html('<a href="{}">查看</a>', reverse("chain", args=[chain.code]))

    @action(description=_("导入链文件"), url_path="upload", permissions=["upload"])
    def upload(self, request: HttpRequest) -> HttpResponse:
        form = ChainFileForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            published = form.publish(by=request.user, now=timezone.now())
            level, text = (messages.SUCCESS, "已发布") if published.created else (messages.INFO, "与现行版本相同，未新建：")
            messages.add_message(request, level, f"{text} {published.version}")
            return redirect("admin:chains_chainversion_change", published.version.pk)
        context = {**self.admin_site.each_context(request), "form": form, "title": "导入链文件", "opts": self.opts}
        return render(request, "admin/chains/upload.html", context)

    @action(description=_("立即生成缺口报告"), url_path="report-now", permissions=["upload"])
    def report_now(self, request: HttpRequest, object_id: int) -> HttpResponse:
        chain = Chain.objects.get(pk=object_id)
        result = make_report(chain=chain, as_of=timezone.localdate(), now=timezone.now(), by=request.user)
        messages.info(request, f"已生成：{result.report}" if result.created else f"自上期以来无变化：{result.report}")
        return redirect("chain", chain.code)


class NodeSpecInline(ReadOnlyInline):
    model = NodeSpec
    fields = [
        "name", "tier", "weight", "target_capacity", "external_availability", "policy_weight", "is_output", "clause",
        "origin", "reason",
    ]


@admin.register(ChainVersion)
class ChainVersionAdmin(ReadOnlyAdmin):
    list_display = ["chain", "number", "published", "published_by", "note"]
    list_filter = ["chain"]
    list_select_related = ["chain", "published_by"]
    inlines = [NodeSpecInline]


@admin.register(Node)
class NodeAdmin(ReadOnlyAdmin):
    list_display = ["name", "chain", "code", "page"]
    list_filter = ["chain"]
    list_select_related = ["chain"]
    search_fields = ["name", "code"]
    autocomplete_fields: list[str] = []

    @display(description=_("缺口"))
    def page(self, node: Node) -> SafeString:
        return format_html('<a href="{}">查看</a>', reverse("chain-node", args=[node.chain.code, node.code]))
