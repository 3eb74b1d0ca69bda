from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from crm.admin.identity_forms import JudgeForm
from crm.admin.identity_pages import carry_out, visible
from crm.admin.match_sides import company_side, row_side
from crm.models import Company, CompanyIdentifier, IdentityChange, PossibleMatch
from crm.services.decide_match import decide_match
from crm.services.undo_identity_change import undo_identity_change
from office.admin_tools import DASH, ReadOnlyAdmin, as_text, lines_of, link, link_to
from office.http import OutboundError

STATE_COLOURS = {"open": "warning", "same": "success", "different": "info"}
DECIDED_BY, BY = as_text("decided_by", _("判断人")), as_text("by", _("经办人"))
SIDES = ("company__source", "other__source", "row__run__source", "decided_by")


@admin.register(PossibleMatch)
class PossibleMatchAdmin(ReadOnlyAdmin):
    list_display = ["score", "left", "right", "why", "state_label", "judge_link"]
    list_display_links = None
    list_filter = ["state"]
    ordering = ["-score", "id"]
    search_fields = ["company__name", "other__name"]
    search_help_text = _("按企业名称检索")
    list_per_page = 50
    fields = ["score", "left", "right", "why", "state", DECIDED_BY, "decided_at", "judge_link"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[PossibleMatch]:
        codes = CompanyIdentifier.objects.filter(valid_to__isnull=True)
        return super().get_queryset(request).select_related(*SIDES).prefetch_related(  # type: ignore[no-any-return]
            Prefetch("company__identifiers", codes, to_attr="live_codes"),
            Prefetch("other__identifiers", codes, to_attr="live_codes"),
        )

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.judge_view)
        return [path("<path:object_id>/judge/", view, name="crm_possiblematch_judge"), *super().get_urls()]

    def judge_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not request.user.has_perm("crm.change_possiblematch"):
            raise PermissionDenied
        match = visible(request, PossibleMatch, object_id, *SIDES)
        form = JudgeForm(request.POST or None, match=match)
        may_merge = match.row_id is not None or request.user.has_perm("crm.add_identitychange")
        if request.method == "POST" and form.is_valid():
            if form.cleaned_data["answer"] == "same" and not may_merge:
                raise PermissionDenied
            if self._decided(request, match, form):
                return redirect("admin:crm_possiblematch_changelist")
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "match": match, "form": form, "may_merge": may_merge,
            "title": _("是否同一家企业"), "sides": sides_of(match),
        }
        return render(request, "admin/crm/match_judge.html", context)

    def _decided(self, request: HttpRequest, match: PossibleMatch, form: JudgeForm) -> bool:
        data = form.cleaned_data
        try:
            decided = carry_out(request, form, lambda: decide_match(
                match_id=match.pk, same=data["answer"] == "same", by=request.user, now=timezone.now(), reason=data["reason"],
                survivor_id=data["survivor"],
            ))
        except OutboundError as error:  # the judgement stands; its record waits in quarantine
            messages.warning(request, f"已记下判断，记录还没有并入：{error}。请到隔离行重放")
            return True
        return decided is not None

    @display(description=_("企业"))
    def left(self, match: PossibleMatch) -> SafeString | str:
        return lines_of(_linked(match.company))

    @display(description=_("疑似同一家"))
    def right(self, match: PossibleMatch) -> SafeString | str:
        if match.other is not None:
            return lines_of(_linked(match.other))
        return lines_of(row_side(match.row).values())

    @display(description=_("依据"))
    def why(self, match: PossibleMatch) -> str:
        return "；".join(match.reasons) or DASH

    @display(description=_("判断"), ordering="state", label=STATE_COLOURS)
    def state_label(self, match: PossibleMatch) -> tuple[str, str]:
        return match.state, match.get_state_display()

    @display(description=_("处理"))
    def judge_link(self, match: PossibleMatch) -> SafeString | str:
        if match.state != PossibleMatch.State.OPEN:
            return DASH
        return link(reverse("admin:crm_possiblematch_judge", args=[match.pk]), _("判断"))


def _linked(company: Company) -> list[Any]:
    """The side's lines, the name as a link."""
    name, *rest = company_side(company).values()
    return [link_to(company, name), *rest]


def sides_of(match: PossibleMatch) -> list[tuple[Any, Any, dict[str, Any]]]:
    """(title, company or None, label → value) for the two columns of the page."""
    first = (_("企业"), match.company, company_side(match.company))
    if match.other is not None:
        return [first, (_("疑似同一家"), match.other, company_side(match.other))]
    return [first, (_("来源记录"), None, row_side(match.row))]


@admin.register(IdentityChange)
class IdentityChangeAdmin(ReadOnlyAdmin):
    list_display = ["at", "kind", "other_link", "survivor_link", "reason", BY, "undone", "undo_link"]
    list_display_links = ["at"]
    list_filter = ["kind"]
    list_select_related = ["survivor", "other", "by", "undone_by"]
    search_fields = ["survivor__name", "other__name", "reason"]
    search_help_text = _("按企业名称、理由检索")
    fields = ["at", "kind", "other_link", "survivor_link", "reason", BY, "undone", "undo_link"]
    readonly_fields = fields

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.undo_view)
        return [path("<path:object_id>/undo/", view, name="crm_identitychange_undo"), *super().get_urls()]

    def undo_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not request.user.has_perm("crm.change_identitychange"):
            raise PermissionDenied
        change, form = visible(request, IdentityChange, object_id, "survivor", "other"), UndoForm(request.POST or None)
        done = carry_out(request, form, lambda: undo_identity_change(
            change_id=change.pk, by=request.user, now=timezone.now()
        ))
        if done is not None:
            messages.success(request, _("已撤销，各项恢复原状"))
            return redirect("admin:crm_identitychange_changelist")
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "change": change, "form": form, "title": _("撤销"),
        }
        return render(request, "admin/crm/identity_undo.html", context)

    @display(description=_("并入或拆出的企业"))
    def other_link(self, change: IdentityChange) -> SafeString | str:
        return link_to(change.other)

    @display(description=_("留存企业"))
    def survivor_link(self, change: IdentityChange) -> SafeString | str:
        return link_to(change.survivor)

    @display(description=_("撤销"))
    def undone(self, change: IdentityChange) -> str:
        return f"{timezone.localtime(change.undone_at):%Y-%m-%d %H:%M} {change.undone_by}" if change.undone_at else DASH

    @display(description=_("处理"))
    def undo_link(self, change: IdentityChange) -> SafeString | str:
        return DASH if change.undone_at else link(reverse("admin:crm_identitychange_undo", args=[change.pk]), _("撤销"))


class UndoForm(forms.Form):
    """Nothing to fill in: the change has its reason."""

    confirm = forms.CharField(widget=forms.HiddenInput)
