"""合并到…, 拆分, 分出来 on a company's page, and the undo of each: a page that asks for the reason, and one call inward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from crm.admin.identity_forms import MergeForm, ReasonForm, SplitForm
from crm.models import Company
from crm.services.identity import IdentityRefused
from crm.services.merge_companies import merge_companies
from crm.services.split_company import split_company, take_out
from office import scope

LARGEST_ID = 2**63 - 1
MERGE_HINT = _(
    "项目、挂链、代码与来源记录留在原处，归合并后的企业统计；"
    "合并到的企业已有现用代码的，被并入企业的现用代码今天停用。可以撤销。"
)
SPLIT_HINT = _("两家企业被记成一家时，把其中一家的内容拆出来。可以撤销。")


def visible(request: HttpRequest, model: type[Model], object_id: str, *related: str) -> Any:
    """The row, or the same 404 whether it is not there or not for this person."""
    if not (object_id.isascii() and object_id.isdigit() and int(object_id[:20]) <= LARGEST_ID):
        raise Http404
    row = scope.visible_to(request.user, model._default_manager.select_related(*related)).filter(pk=int(object_id)).first()
    if row is None:
        raise Http404(_("没有这条记录，或者您看不到它"))
    return row


def carry_out(request: HttpRequest, form: forms.Form, change: Callable[[], Any]) -> Any:
    """What the service answers, or None with its words on the form."""
    if request.method != "POST" or not form.is_valid():
        return None
    try:
        return change()
    except IdentityRefused as error:
        form.add_error(None, str(error))
        return None


class CompanyIdentityPages:
    """For CompanyAdmin."""

    actions_detail = ["merge", "split", "take_out"]

    def has_identity_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("crm.add_identitychange")

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """Only what can be done with this company now."""
        found: list[Any] = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        absorbed = Company.objects.filter(pk=object_id, merged_into__isnull=False).exists()
        hidden = ("merge", "split") if absorbed else ("take-out",)
        return [item for item in found if item.path not in hidden]

    @action(description=_("合并到…"), url_path="merge", permissions=["identity"])
    def merge(self, request: HttpRequest, object_id: str) -> HttpResponse:
        company, form = visible(request, Company, object_id), MergeForm(request.POST or None, user=request.user)
        done = carry_out(request, form, lambda: merge_companies(
            survivor_id=form.cleaned_data["survivor"].pk, absorbed_id=company.pk, by=request.user,
            reason=form.cleaned_data["reason"], now=timezone.now(),
        ))
        return self._answer(request, company, form, done, _("合并到…"), MERGE_HINT)

    @action(description=_("拆分"), url_path="split", permissions=["identity"])
    def split(self, request: HttpRequest, object_id: str) -> HttpResponse:
        company = visible(request, Company, object_id)
        form = SplitForm(request.POST or None, company=company)
        done = carry_out(request, form, lambda: split_company(
            company_id=company.pk, name=form.cleaned_data["name"], parts=form.chosen(), by=request.user,
            reason=form.cleaned_data["reason"], now=timezone.now(),
        ))
        return self._answer(request, company, form, done, _("拆分"), SPLIT_HINT)

    @action(description=_("从并入的企业分出来"), url_path="take-out", permissions=["identity"])
    def take_out(self, request: HttpRequest, object_id: str) -> HttpResponse:
        company, form = visible(request, Company, object_id, "merged_into"), ReasonForm(request.POST or None)
        done = carry_out(request, form, lambda: take_out(
            absorbed_id=company.pk, by=request.user, reason=form.cleaned_data["reason"], now=timezone.now(),
        ))
        hint = _("恢复为现存企业，停用的代码恢复现用（没有别家在用时）。最近一次合并也可直接撤销。")
        return self._answer(request, company, form, done, _("从并入的企业分出来"), hint)

    def _answer(
        self, request: HttpRequest, company: Company, form: forms.Form, done: Any, title: Any, hint: Any
    ) -> HttpResponse:
        if done is not None:
            messages.success(request, f"{title}：已完成，可在“合并与拆分”里撤销")
            return redirect("admin:crm_company_change", done.survivor_id)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts,  # type: ignore[attr-defined]
            "company": company, "form": form, "title": title, "hint": hint, "media": form.media,
        }
        return render(request, "admin/crm/identity_form.html", context)
