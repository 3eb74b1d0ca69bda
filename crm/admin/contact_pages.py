"""Reveal, export, erase: each asks for the purpose by POST, makes one call inward and shows what came back once."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from crm.admin.contact_forms import PurposeForm, ReasonForm
from crm.models import Contact
from crm.services.disclosure import DisclosureRefused, reachable
from crm.services.erase_contact import copies_of, erase_contact
from crm.services.export_contacts import check_export_size, export_contacts
from crm.services.reveal_contact import clear_labels, reveal_contact
from office.csvfile import csv_lines
from office.privacy import carries_personal

LARGEST_ID = 2**63 - 1


class ContactPages:
    """For ContactAdmin."""

    def has_reveal_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("crm.reveal_contact")

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("crm.export_contact")

    def has_erase_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("crm.erase_contact")

    def may_erase(self, request: HttpRequest, contact: Contact | None) -> bool:
        if contact is None or not self.has_erase_permission(request):
            return False
        return reachable(request.user, "erase").filter(pk=contact.pk).exists()

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.export_view)  # type: ignore[attr-defined]
        return [path("export/", view, name="crm_contact_export"), *super().get_urls()]  # type: ignore[misc]

    @action(description=_("查阅完整联系方式"), url_path="reveal", permissions=["reveal"])
    def reveal(self, request: HttpRequest, object_id: str) -> HttpResponse:
        contact = _contact(request, object_id, "reveal")
        form = PurposeForm(request.POST or None)
        context: dict[str, Any] = {"contact": contact, "form": form, "title": "查阅完整联系方式"}
        if request.method == "POST" and form.is_valid():
            try:
                revealed = reveal_contact(
                    contact_id=contact.pk, by=request.user, purpose=form.cleaned_data["purpose"], now=timezone.now(),
                    request_id=_request_id(request),
                )
                context |= {"revealed": clear_labels(revealed.values), "left_today": revealed.left_today}
            except DisclosureRefused as error:
                form.add_error("purpose", str(error))
        return self._question(request, "reveal", context)

    @action(description=_("删除个人信息与召回"), url_path="erase", permissions=["erase"])
    def erase(self, request: HttpRequest, object_id: str) -> HttpResponse:
        contact = _contact(request, object_id, "erase")
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                erase_contact(contact_id=contact.pk, by=request.user, reason=form.cleaned_data["purpose"], now=timezone.now())
                return redirect("admin:crm_contact_erase", contact.pk)  # the result page, which a reload shows again
            except DisclosureRefused as error:
                form.add_error("purpose", str(error))
        copies = copies_of(contact_id=contact.pk)
        return self._question(request, "erase", {"contact": contact, "form": form, "copies": copies, "title": "删除个人信息"})

    @admin.action(description=_("导出所选联系人（须写用途）"), permissions=["export"])
    def export_chosen(self, request: HttpRequest, rows: QuerySet[Contact]) -> HttpResponse | None:
        chosen = list(rows.values_list("pk", flat=True))
        try:
            check_export_size(len(chosen))
        except DisclosureRefused as error:
            messages.error(request, str(error))
            return None
        return self._export_page(request, chosen, PurposeForm())

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        if request.method != "POST":
            return redirect("admin:crm_contact_changelist")
        form, chosen = PurposeForm(request.POST), [_number(text) for text in request.POST.getlist("contact")]
        if form.is_valid():
            try:
                export = export_contacts(
                    contact_ids=chosen, by=request.user, purpose=form.cleaned_data["purpose"], now=timezone.now(),
                    request_id=_request_id(request),
                )
            except Contact.DoesNotExist:
                raise Http404(_("没有这条记录，或者您看不到它")) from None
            except DisclosureRefused as error:
                form.add_error("purpose", str(error))
            else:
                return _download(csv_lines(export.header, export.rows), f"contacts-{timezone.localdate()}.csv")
        return self._export_page(request, chosen, form)

    def _export_page(self, request: HttpRequest, chosen: list[int], form: PurposeForm) -> HttpResponse:
        contacts = reachable(request.user, "export").filter(pk__in=chosen).select_related("company")
        address = reverse("admin:crm_contact_export")
        return self._question(
            request, "export", {"contacts": contacts, "form": form, "address": address, "title": "导出联系人"}
        )

    def _question(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), "opts": self.opts, **context}  # type: ignore[attr-defined]
        return render(request, f"admin/crm/contact_{name}.html", whole)


def _contact(request: HttpRequest, object_id: str, right: str) -> Contact:
    rows = reachable(request.user, right).select_related("company", "keeper", "erased_by")
    return get_object_or_404(rows, pk=_number(object_id))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:20]) <= LARGEST_ID):
        raise Http404
    return int(text)


def _request_id(request: HttpRequest) -> str:
    """What the proxy calls this request, if it looks like a name and not like somebody's number."""
    text = request.headers.get("X-Request-ID", "")
    return text if re.fullmatch(r"[A-Za-z0-9-]{1,64}", text) and not carries_personal(text) else ""


def _download(lines: Any, filename: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)
