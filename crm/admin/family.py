"""A company and what it has absorbed, on one page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from crm.models import Company
from office.admin_tools import DASH, ReadOnlyInline, link_to


class AbsorbedFilter(admin.SimpleListFilter):
    """Live companies alone, unless somebody asks for the absorbed ones."""

    title = _("并入情况")
    parameter_name = "absorbed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("已并入别家")), ("all", _("全部"))]

    def choices(self, changelist: Any) -> Any:
        first, *others = super().choices(changelist)
        yield {**first, "display": _("现存企业")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Company]) -> QuerySet[Company]:
        return queryset if self.value() == "all" else queryset.filter(merged_into__isnull=self.value() != "yes")


class AbsorbedInline(ReadOnlyInline):
    """What stands on their own rows is shown here: codes with their dates; projects and placements in their tables."""

    model = Company
    fk_name = "merged_into"
    fields = ["company", "codes", "since"]
    readonly_fields = fields
    verbose_name_plural = _("已并入的企业")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Company]:
        return super().get_queryset(request).prefetch_related("identifiers", "identity_changes")

    @admin.display(description=_("企业"))
    def company(self, company: Company) -> SafeString | str:
        return link_to(company, f"{company.code} {company.name}")

    @admin.display(description=_("代码"))
    def codes(self, company: Company) -> str:
        return "、".join(
            f"{alias.value}（{alias.valid_to} 停用）" if alias.valid_to else alias.value for alias in company.identifiers.all()
        ) or DASH

    @admin.display(description=_("并入时间"))
    def since(self, company: Company) -> Any:
        merges = [change for change in company.identity_changes.all() if change.kind == "merge" and change.undone_at is None]
        return max((change.at for change in merges), default=DASH)


class FamilyFormSet(BaseInlineFormSet):
    """For read-only tables: the rows of the company and of all that it has absorbed."""

    def __init__(self, *args: Any, queryset: QuerySet[Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, queryset=queryset, **kwargs)
        if queryset is not None and self.instance.pk is not None:
            name = self.fk.name
            self.queryset = queryset.filter(Q(**{name: self.instance}) | Q(**{f"{name}__merged_into": self.instance}))
