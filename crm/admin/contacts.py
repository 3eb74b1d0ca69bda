from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from crm.admin.contact_filters import DueFilter, KeeperFilter
from crm.admin.contact_forms import ContactForm
from crm.admin.contact_pages import ContactPages
from crm.models import Contact, Disclosure
from crm.services.disclosure import ContactErased, DailyLimitReached
from crm.services.find_by_phone import find_by_phone, is_whole_number
from crm.services.save_contact import save_contact
from office.admin_tools import DASH, ModelAdmin, ReadOnlyAdmin, ReadOnlyInline, as_text, link_to

KEEPER, BY, ERASER = as_text("keeper", _("保管人")), as_text("by", _("查阅人")), as_text("erased_by", _("删除人"))
STATUS_COLOURS = {"active": "success", "erased": "default"}


def fields_text(row: Disclosure) -> str:
    """["phone", "email"] → 电话、电子邮箱."""
    return "、".join(str(Contact._meta.get_field(name).verbose_name) for name in row.fields) or DASH


class MaskedColumns:
    """How everybody, whatever his role, reads what reaches the person."""

    @display(description=_("电话"))
    def masked_phone(self, contact: Contact) -> str:
        return contact.masked("phone") or DASH

    @display(description=_("备用电话"))
    def masked_other_phone(self, contact: Contact) -> str:
        return contact.masked("other_phone") or DASH

    @display(description=_("电子邮箱"))
    def masked_email(self, contact: Contact) -> str:
        return contact.masked("email") or DASH

    @display(description=_("微信号"))
    def masked_wechat(self, contact: Contact) -> str:
        return contact.masked("wechat") or DASH


class DisclosureInline(ReadOnlyInline):
    model = Disclosure
    tab = True
    fields = ["at", "kind", BY, "purpose", "what"]
    readonly_fields = [BY, "what"]
    list_select_related = ["by"]
    verbose_name_plural = _("查阅与导出记录")

    @display(description=_("所含信息"))
    def what(self, row: Disclosure) -> str:
        return fields_text(row)


@admin.register(Contact)
class ContactAdmin(ContactPages, MaskedColumns, ModelAdmin):
    form = ContactForm
    list_display = ["name", "company_link", "title", "masked_phone", "keeper", "until", "state"]
    list_filter = [DueFilter, KeeperFilter, "status", "purpose", "basis"]
    list_select_related = ["company", "keeper"]
    list_per_page = 50
    search_fields = ["name"]  # see get_search_results
    search_help_text = _("按姓名、企业名称或拼音首字母检索；也可输入完整的电话号码，部分号码查不到")
    autocomplete_fields = ["company"]
    readonly_fields = [
        "masked_phone", "masked_other_phone", "masked_email", "masked_wechat", "until", "last_used_on", "status",
        "sample", "erased_at", "erased_reason", KEEPER, ERASER,
    ]
    inlines = [DisclosureInline]
    actions = ["export_chosen"]
    actions_detail = ["reveal", "erase"]

    def get_fieldsets(self, request: HttpRequest, obj: Contact | None = None) -> list[Any]:
        who = ["company", "name", "title", "department"]
        lawful = ["purpose", "basis", "collected_on"]
        reach = ["phone", "other_phone", "email", "wechat"]
        if obj is not None and obj.is_erased:
            return [(_("已删除"), {"fields": ["company", "status", "erased_at", ERASER, "erased_reason", *lawful]})]
        if obj is not None and not self.has_change_permission(request, obj):
            masked = [f"masked_{name}" for name in reach]
            return [
                (_("联系人"), {"fields": [*who, *masked]}),
                (_("依据与期限"), {"fields": [*lawful, KEEPER, "last_used_on", "until", "sample"]}),
            ]
        kept = [] if obj is None else ["keeper", "last_used_on", "until", "sample"]
        return [
            (_("联系人"), {"fields": [*who, *(f"new_{name}" for name in reach)]}),
            (_("依据与期限"), {
                "fields": [*lawful, "agreed_until", *kept],
                "description": _("只保存工作所必需的信息：写明目的和依据，到期由系统自动删除。"),
            }),
        ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        erased = isinstance(obj, Contact) and obj.is_erased  # the theme asks by key alone, too
        return not erased and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # erased through its own page, so that what was done with it stays on record

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """An erased contact has nothing to reveal; erasing belongs to the keeper's superiors."""
        found: list[Any] = super().get_actions_detail(request, object_id)
        contact = self.get_object(request, str(object_id))
        shut = set() if contact is not None and not contact.is_erased else {"reveal"}
        if not self.may_erase(request, contact):
            shut.add("erase")
        return [entry for entry in found if entry.path not in shut]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        term = search_term.replace("\x00", "").strip()
        if not term:
            return queryset, False
        if is_whole_number(term):
            return self._with_phone(request, queryset, term), False
        wanted = Q(name__icontains=term) | Q(company__name__icontains=term) | Q(company__short_name__icontains=term)
        if term.isascii():
            wanted |= Q(company__name_initials__contains=term.lower()) | Q(company__name_pinyin__contains=term.lower())
        return queryset.filter(wanted), False

    def _with_phone(self, request: HttpRequest, queryset: QuerySet[Contact], term: str) -> QuerySet[Contact]:
        try:
            return find_by_phone(contacts=queryset, phone=term, by=request.user, now=timezone.now())
        except DailyLimitReached as error:
            messages.error(request, str(error))
            return queryset.none()

    def save_model(self, request: HttpRequest, obj: Contact, form: ContactForm, change: bool) -> None:
        try:
            agreed = form.cleaned_data.get("agreed_until")
            save_contact(contact=obj, by=request.user, now=timezone.now(), agreed_until=agreed)
        except ContactErased as error:  # while the form was open
            messages.error(request, str(error))

    @display(description=_("企业"), ordering="company__name")
    def company_link(self, contact: Contact) -> SafeString | str:
        return link_to(contact.company)

    @display(description=_("状态"), ordering="status", label=STATUS_COLOURS)
    def state(self, contact: Contact) -> tuple[str, str]:
        return contact.status, contact.get_status_display()

    @display(description=_("保存至"), ordering="keep_until")
    def until(self, contact: Contact) -> str:
        if contact.pk is None or contact.is_erased:
            return DASH
        return until_text(contact, timezone.localdate())

    @display(description=_("示例"))
    def sample(self, contact: Contact) -> str:
        return "示例数据" if contact.is_sample else DASH


def until_text(contact: Contact, today: dt.date) -> str:
    days = (contact.keep_until - today).days
    soon = days <= settings.CONTACT_WARN_DAYS
    return date_format(contact.keep_until) + (f"（即将到期，剩 {max(days, 0)} 天）" if soon else "")


class CompanyContactInline(MaskedColumns, ReadOnlyInline):
    """On the company's page: whom to call, without the number."""

    model = Contact
    tab = True
    fields = ["who", "title", "masked_phone", KEEPER, "keep_until"]
    readonly_fields = ["who", "masked_phone", KEEPER]
    list_select_related = ["keeper"]
    verbose_name_plural = _("联系人")

    @display(description=_("姓名"))
    def who(self, contact: Contact) -> SafeString | str:
        return link_to(contact, contact.name)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contact]:
        return super().get_queryset(request).filter(status=Contact.Status.ACTIVE)


@admin.register(Disclosure)
class DisclosureAdmin(ReadOnlyAdmin):
    list_display = ["at", "by", "kind", "contact_link", "company", "purpose", "what", "channel"]
    list_display_links = ["at"]
    list_filter = ["kind", "channel"]
    list_select_related = ["by", "contact__company"]
    date_hierarchy = "at"
    search_fields = ["by__display_name", "by__username", "purpose", "contact__company__name"]
    search_help_text = _("按查阅人、用途、企业名称检索")
    fields = ["at", BY, "kind", "contact_link", "company", "purpose", "what", "channel", "batch", "request_id"]
    readonly_fields = [BY, "contact_link", "company", "what"]

    @display(description=_("联系人"))
    def contact_link(self, row: Disclosure) -> SafeString | str:
        return link_to(row.contact)

    @display(description=_("企业"), ordering="contact__company__name")
    def company(self, row: Disclosure) -> str:
        return str(row.contact.company)

    @display(description=_("所含信息"))
    def what(self, row: Disclosure) -> str:
        return fields_text(row)
