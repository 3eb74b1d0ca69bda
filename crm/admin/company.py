from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from crm.admin.changes import change_lines
from crm.admin.contacts import CompanyContactInline
from crm.admin.family import AbsorbedFilter, AbsorbedInline
from crm.admin.filters import DistrictFilter, GradeFilter, SectionFilter
from crm.admin.forms import CompanyForm, product_lines
from crm.admin.identity_pages import CompanyIdentityPages
from crm.models import Company, CompanyEvent, CompanyGrade, CompanyIdentifier, CompanyName
from crm.roots import with_absorbed
from crm.services.save_company import kept_by_source, save_company
from office.admin_tools import DASH, ModelAdmin, ReadOnlyInline, TabularInline, lines_of, link_to
from office.money import format_yuan


class _OwnedBySource(TabularInline):  # type: ignore[misc]
    """Editable for companies that a person entered, read-only where a data source keeps them."""

    extra = 0
    hide_title = True

    def _may(self, obj: Company | None) -> bool:
        return obj is None or obj.source_id is None

    def has_add_permission(self, request: HttpRequest, obj: Company | None = None) -> bool:
        return self._may(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Company | None = None) -> bool:
        return self._may(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Company | None = None) -> bool:
        return False


class IdentifierInline(_OwnedBySource):
    model = CompanyIdentifier
    fields = ["scheme", "value", "valid_from", "valid_to"]


class FormerNameInline(_OwnedBySource):
    model = CompanyName
    fields = ["name", "valid_from", "valid_to"]


class GradeInline(TabularInline):  # type: ignore[misc]
    """Grades that people entered."""

    model = CompanyGrade
    extra = 0
    hide_title = True
    fields = ["grade", "issuer", "level", "valid_from", "valid_to"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CompanyGrade]:
        return super().get_queryset(request).filter(source__isnull=True)  # type: ignore[no-any-return]


class SyncedGradeInline(ReadOnlyInline):
    model = CompanyGrade
    fields = ["grade", "issuer", "level", "valid_from", "valid_to"]
    verbose_name = _("来自数据源的等级")
    verbose_name_plural = _("来自数据源的等级")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CompanyGrade]:
        return super().get_queryset(request).filter(source__isnull=False)  # type: ignore[no-any-return]


class EventInline(ReadOnlyInline):
    model = CompanyEvent
    fields = ["at", "kind", "changes", "run_link"]
    readonly_fields = fields
    tab = True
    list_select_related = ["run"]

    @admin.display(description=_("变更内容"))
    def changes(self, event: CompanyEvent) -> SafeString | str:
        return lines_of(change_lines(event.before, event.after))

    @admin.display(description=_("同步记录"))
    def run_link(self, event: CompanyEvent) -> SafeString | str:
        return link_to(event.run, event.run.slot)


AS_TEXT = {"products": "products_text", "annual_revenue": "revenue", "registered_capital": "capital"}


@admin.register(Company)
class CompanyAdmin(CompanyIdentityPages, ModelAdmin):  # type: ignore[misc]
    form = CompanyForm
    list_display = ["code", "name", "uscc", "district", "industry_label", "status", "revenue", "current_grades"]
    list_display_links = ["code", "name"]
    list_filter = [AbsorbedFilter, "status", DistrictFilter, SectionFilter, GradeFilter]
    search_fields = ["name"]  # see get_search_results
    search_help_text = _("企业名称、简称、曾用名、拼音或首字母、统一社会信用代码")
    list_per_page = 50
    show_full_result_count = False
    autocomplete_fields = ["industry"]
    inlines = [
        AbsorbedInline, IdentifierInline, FormerNameInline, GradeInline, SyncedGradeInline, CompanyContactInline, EventInline,
    ]
    actions: list[Any] = []

    def get_fieldsets(self, request: HttpRequest, obj: Company | None = None) -> list[Any]:
        kept = self._as_text(request, obj)
        groups: list[tuple[Any, list[str]]] = [
            (_("基本"), ["name", "short_name", "status", "established_on"]),
            (_("所在"), ["district_code", "street_code", "address"]),
            (_("经营"), ["industry", "business_scope", "products", "employees", "annual_revenue", "revenue_year",
                        "registered_capital"]),
        ]
        if obj is not None:
            groups[0][1].insert(0, "code")
            if obj.merged_into_id:
                groups[0][1].insert(0, "now")
            groups[0][1].extend(["operating", "sample"])
            groups[1][1].insert(1, "district")
            groups[2][1].append("registered_capital_text")
            groups.append((_("来源"), ["source", "first_run", "version", "created_at", "updated_at"]))
        return self.masked(request, [(title, {"fields": [kept.get(name, name) for name in names]}) for title, names in groups])

    columns = {"revenue": "annual_revenue", "capital": "registered_capital"}

    def get_readonly_fields(self, request: HttpRequest, obj: Company | None = None) -> list[str]:
        fields = [
            "code", "now", "operating", "district", "industry_label", "registered_capital_text", "source", "first_run",
            "sample", "version", "created_at", "updated_at", *AS_TEXT.values(),
        ]
        return [*fields, *kept_by_source(obj)]

    def _as_text(self, request: HttpRequest, obj: Company | None) -> dict[str, str]:
        """Field → how it is shown where it cannot be edited."""
        if obj is not None and not self.has_change_permission(request, obj):
            return AS_TEXT
        return {name: text for name, text in AS_TEXT.items() if name in kept_by_source(obj)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Company]:
        """The list in a fixed number of queries: page, live codes, grades held today."""
        today = timezone.localdate()
        live = CompanyIdentifier.objects.filter(scheme="uscc", valid_to__isnull=True)
        held = CompanyGrade.objects.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=today), valid_from__lte=today)
        companies: QuerySet[Company] = super().get_queryset(request).select_related("industry", "source", "merged_into")
        return companies.prefetch_related(
            Prefetch("identifiers", live, to_attr="live_codes"), Prefetch("grades", held, to_attr="held_grades")
        )

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Company],
                           search_term: str) -> tuple[QuerySet[Company], bool]:
        term = search_term.replace("\x00", "").strip()
        if not term:
            return (queryset.filter(merged_into__isnull=True) if _offers(request) else queryset), False
        codes = CompanyIdentifier.objects.filter(company=OuterRef("pk"), value__startswith=term.upper())
        former = CompanyName.objects.filter(company=OuterRef("pk"), name__contains=term)
        wanted = Q(name__icontains=term) | Q(short_name__icontains=term) | Q(code=term.upper())
        wanted |= Q(Exists(codes)) | Q(Exists(former))
        if term.isascii():
            wanted |= Q(name_initials__contains=term.lower()) | Q(name_pinyin__contains=term.lower())
        found = queryset.filter(with_absorbed(wanted))
        return (found.filter(merged_into__isnull=True) if _offers(request) else found), False

    def has_change_permission(self, request: HttpRequest, obj: Company | None = None) -> bool:
        """What was absorbed is read only: its page says where the firm is kept now."""
        absorbed = isinstance(obj, Company) and obj.merged_into_id is not None  # the theme asks by key alone, too
        return not absorbed and super().has_change_permission(request, obj)

    def get_inlines(self, request: HttpRequest, obj: Company | None = None) -> list[Any]:
        has_absorbed = obj is not None and Company.objects.filter(merged_into=obj).exists()
        return [inline for inline in self.inlines if has_absorbed or inline is not AbsorbedInline]

    def has_delete_permission(self, request: HttpRequest, obj: Company | None = None) -> bool:
        return False  # companies are marked, never deleted

    def save_model(self, request: HttpRequest, obj: Company, form: Any, change: bool) -> None:
        save_company(company=obj, as_of=timezone.localdate(), by=request.user)

    @admin.display(description=_("已并入"))
    def now(self, company: Company) -> SafeString | str:
        return link_to(company.merged_into)

    @admin.display(description=_("在营"), boolean=True)
    def operating(self, company: Company) -> bool | None:
        return company.is_operating if company.pk else None

    @admin.display(description=_("示例"))
    def sample(self, company: Company) -> str:
        return "示例数据" if company.is_sample else DASH

    @admin.display(description=_("主要产品"))
    def products_text(self, company: Company) -> SafeString | str:
        return lines_of(product_lines(company.products))

    @admin.display(description=_("注册资本"))
    def capital(self, company: Company) -> str:
        return format_yuan(company.registered_capital)

    @admin.display(description=_("统一社会信用代码"))
    def uscc(self, company: Company) -> str:
        return "、".join(alias.value for alias in company.live_codes) or DASH  # type: ignore[attr-defined]

    @admin.display(description=_("区"), ordering="district_code")
    def district(self, company: Company) -> str:
        return company.district_name or DASH

    @admin.display(description=_("行业"), ordering="industry_code")
    def industry_label(self, company: Company) -> str:
        return company.industry_name or DASH

    @admin.display(description=_("年营业收入"), ordering="annual_revenue")
    def revenue(self, company: Company) -> str:
        return format_yuan(company.annual_revenue)

    @admin.display(description=_("现有等级"))
    def current_grades(self, company: Company) -> str:
        return "、".join(str(grade) for grade in company.held_grades) or DASH  # type: ignore[attr-defined]


def _offers(request: HttpRequest) -> bool:
    """Whether the search offers companies to choose from: then live ones alone."""
    return request.resolver_match is not None and request.resolver_match.url_name == "autocomplete"
