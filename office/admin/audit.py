from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from office.admin_history import show
from office.admin_tools import DASH, ReadOnlyAdmin
from office.audit.history import events_in
from office.audit.registry import watched
from office.models import AuditBlock, AuditLink

SHOWN = 100
# Tables of libraries that name their models in English.
FOREIGN_NAMES = {"mfa_authenticator": _("两步验证"), "socialaccount_socialaccount": _("单点登录账号")}


def tables() -> dict[str, Any]:
    return {model._meta.db_table: model for model in watched()}


class TableFilter(admin.SimpleListFilter):
    title = _("数据")
    parameter_name = "table"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted(((table, label(table)) for table in tables()), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditBlock]) -> QuerySet[AuditBlock]:
        return queryset.filter(table_name=self.value()) if self.value() else queryset


def label(table: str) -> str:
    """What people call the table; between two models, both."""
    model = tables().get(table)
    if model is None:
        return str(_("已取消的数据"))
    if table in FOREIGN_NAMES:
        return str(FOREIGN_NAMES[table])
    if model._meta.auto_created:
        ends = [field.related_model for field in model._meta.fields if field.is_relation]
        return "—".join(str(end._meta.verbose_name) for end in ends)
    return str(model._meta.verbose_name)


@admin.register(AuditBlock)
class AuditBlockAdmin(ReadOnlyAdmin):
    """What every statement changed. For auditors: whoever sees this sees the changes of all data."""

    list_display = ["at", "who", "channel", "verb", "data", "entries", "request_id", "db_user"]
    list_filter = ["channel", "verb", TableFilter]
    search_fields = ["actor", "request_id"]
    search_help_text = _("操作人、请求号")
    show_full_result_count = False
    list_after_template = None  # the audit is its own history

    @display(description=_("操作人"), ordering="actor")
    def who(self, block: AuditBlock) -> str:
        return block.actor or DASH

    @display(description=_("数据"), ordering="table_name")
    def data(self, block: AuditBlock) -> str:
        return label(block.table_name)

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        block = self.get_object(request, unquote(object_id))
        if block is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method != "GET" or not self.has_view_permission(request, block):
            raise PermissionDenied
        model = tables().get(block.table_name)
        events = events_in(block.pk, limit=SHOWN) if model else []
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": _("审计记录"), "subtitle": str(block),
            "record": block, "data": label(block.table_name), "digest": bytes(block.digest).hex(), "shown": SHOWN,
            "rows": zip(events, show(events, request.user, {block.table_name: model}, block.table_name), strict=True),
            "link": AuditLink.objects.filter(block_id=block.pk).first(),
        }
        return render(request, "admin/office/block.html", context)
