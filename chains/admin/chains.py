from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action, display

from chains.admin.links import chain_page, node_page
from chains.admin.upload import ChainFileForm
from chains.analysis.chainfile import ChainFileError
from chains.models import Chain, ChainLeader, ChainVersion, LeadFirm, Node, NodeSpec
from chains.services.make_report import make_report
from office.admin_tools import (
    DASH,
    ModelAdmin,
    ReadOnlyAdmin,
    ReadOnlyInline,
    as_text,
    fingerprint,
    lines_of,
    link,
    link_to,
    span_text,
)

LEADER, CONTACT = as_text("user", _("链长")), as_text("contact", _("专班联系人"))
PUBLISHER = as_text("published_by", _("发布人"))
STRUCTURE = fingerprint("structure_hash", _("结构指纹"))


class ChainLeaderInline(TabularInline):
    model = ChainLeader
    extra = 0
    hide_title = True
    autocomplete_fields = ["user"]
    readonly_fields = [LEADER, "term_text"]

    def get_fields(self, request: HttpRequest, obj: Chain | None = None) -> list[Any]:
        return ["user", "term"] if self.has_change_permission(request, obj) else [LEADER, "term_text"]

    @display(description=_("任期"))
    def term_text(self, row: ChainLeader) -> str:
        return span_text(row.term)


class LeadFirmInline(TabularInline):
    model = LeadFirm
    extra = 0
    hide_title = True
    fields = ["name", "company", "clause"]
    autocomplete_fields = ["company", "clause"]


class ChainVersionInline(ReadOnlyInline):
    model = ChainVersion
    fields = ["link", "published", PUBLISHER, "note"]
    readonly_fields = ["link", PUBLISHER]
    list_select_related = ["chain", "published_by"]

    @display(description=_("版本"))
    def link(self, version: ChainVersion) -> SafeString | str:
        return link_to(version)


@admin.register(Chain)
class ChainAdmin(ModelAdmin):
    list_display = ["name", "group", "contact", "clause_link", "report_link"]
    list_filter = ["group"]
    list_select_related = ["contact", "clause"]
    search_fields = ["name", "code"]
    search_help_text = _("按产业链名称、代码检索")
    readonly_fields = ["code", "name", "group", "summary", "clause", "pages", CONTACT]
    autocomplete_fields = ["contact"]
    inlines = [ChainLeaderInline, LeadFirmInline, ChainVersionInline]
    actions_list = ["upload"]
    actions_detail = ["report_now"]

    def get_fields(self, request: HttpRequest, obj: Chain | None = None) -> list[Any]:
        contact = "contact" if self.has_change_permission(request, obj) else CONTACT
        return ["name", "code", "group", "summary", "clause", contact, "pages"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a chain begins with a chain file

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_upload_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("chains.add_chainversion")

    @display(description=_("规划条款"), ordering="clause__order")
    def clause_link(self, chain: Chain) -> SafeString | str:
        return link_to(chain.clause)

    @display(description=_("缺口报告"))
    def report_link(self, chain: Chain) -> SafeString:
        return chain_page(chain, "阅读最新一期")

    @display(description=_("相关页面"))
    def pages(self, chain: Chain) -> SafeString | str:
        """The lists of what stands on the chain, each cut down to it."""
        lists = [
            ("环节", "chains_node", "chain__id__exact", chain.pk),
            ("历期报告", "chains_gapreport", "chain__id__exact", chain.pk),
            ("挂链", "chains_placement", "node__chain__id__exact", chain.pk),
            ("瞄准本链的项目", "projects_project", "chain", chain.code),
            ("载体", "projects_carrier", "chain", chain.code),
        ]
        links = [link(f"{reverse(f'admin:{name}_changelist')}?{key}={value}", text) for text, name, key, value in lists]
        return lines_of([chain_page(chain, "最新缺口报告"), *links])

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
        chain = get_object_or_404(Chain, pk=object_id)
        if request.method != "POST":  # a link must not write: another site could hold it
            context = {**self.admin_site.each_context(request), "chain": chain, "title": "生成缺口报告", "opts": self.opts}
            return render(request, "admin/chains/report_now.html", context)
        try:
            result = make_report(chain=chain, as_of=timezone.localdate(), now=timezone.now(), by=request.user)
        except ChainVersion.DoesNotExist:
            messages.error(request, f"“{chain}”还没有链图：请先导入链文件，再生成报告。")
            return redirect("admin:chains_chain_change", chain.pk)
        except ChainFileError as error:
            messages.error(request, f"没有生成：数据不合模型的要求，请更正后再试。{error}")
            return redirect("admin:chains_chain_change", chain.pk)
        messages.info(request, f"已生成：{result.report}" if result.created else f"自上期以来无变化：{result.report}")
        return redirect("chain", chain.code)


class NodeSpecInline(ReadOnlyInline):
    model = NodeSpec
    fields = ["page", "tier", "target_capacity", "external_availability", "policy_weight", "output", "clause", "reason"]
    readonly_fields = ["page", "output"]
    list_select_related = ["node__chain", "clause"]

    @display(description=_("环节"))
    def page(self, spec: NodeSpec) -> SafeString:
        return node_page(spec.node, spec.name)

    @display(description=_("终端产出"))
    def output(self, spec: NodeSpec) -> str:
        return "是" if spec.is_output else DASH


@admin.register(ChainVersion)
class ChainVersionAdmin(ReadOnlyAdmin):
    list_display = ["chain", "number", "published", "published_by", "note"]
    list_filter = ["chain"]
    list_select_related = ["chain", "published_by"]
    fields = ["chain", "number", "published", PUBLISHER, "note", "share", STRUCTURE]
    readonly_fields = ["share", PUBLISHER, STRUCTURE]
    inlines = [NodeSpecInline]

    @display(description=_("本区占全国份额"))
    def share(self, version: ChainVersion) -> str:
        return DASH if version.district_share is None else f"{version.district_share:.2%}"


@admin.register(Node)
class NodeAdmin(ReadOnlyAdmin):
    list_display = ["name", "chain_link", "code", "page"]
    list_filter = ["chain"]
    list_select_related = ["chain"]
    search_fields = ["name", "code"]
    search_help_text = _("按环节名称、代码检索")
    fields = ["name", "chain", "code", "page", "placements", "clauses"]
    readonly_fields = ["page", "placements", "clauses"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Node]:
        return super().get_queryset(request).select_related("chain")  # the look-up of a node names its chain too

    @display(description=_("产业链"), ordering="chain")
    def chain_link(self, node: Node) -> SafeString | str:
        return link_to(node.chain)

    @display(description=_("缺口页"))
    def page(self, node: Node) -> SafeString:
        return node_page(node, "查看缺口")

    @display(description=_("挂链"))
    def placements(self, node: Node) -> SafeString:
        return link(f"{reverse('admin:chains_placement_changelist')}?node__id__exact={node.pk}", "本环节的企业与项目")

    @display(description=_("规划条款"))
    def clauses(self, node: Node) -> SafeString | str:
        spec = node.specs.select_related("clause").order_by("-version__number").first()
        return link_to(spec.clause if spec else None)
