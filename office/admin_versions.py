"""The version in the admin: every page that changes a versioned row refuses a stale save and shows both values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse

from office import conflicts, scope
from office.models import Versioned
from office.versions import last_change


class VersionedPage:
    """For ModelAdmin. `conflict_notes`: fields that the form cannot change, named beside a conflict as they stand now."""

    conflict_notes: Sequence[str] = ()
    change_form_before_template = "office/admin_conflict.html"

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[ModelForm]:
        form: type[ModelForm] = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        if not isinstance(obj, Versioned) or not self.has_change_permission(request, obj):  # type: ignore[attr-defined]
            return form
        shown = kwargs.get("fields") or list(form.base_fields)  # type: ignore[attr-defined]
        hidden = scope.hidden_fields(request.user, type(obj))
        bases = (form,) if issubclass(form, conflicts.VersionedForm) else (conflicts.VersionedForm, form)
        return type(form.__name__, bases, {"compared": tuple(name for name in shown if name not in hidden)})

    def get_formsets_with_inlines(self, request: HttpRequest, obj: Any = None) -> Iterator[tuple[type[Any], Any]]:
        for formset, inline in super().get_formsets_with_inlines(request, obj):  # type: ignore[misc]
            kept = request.method == "POST" and obj is not None
            yield (type(formset.__name__, (conflicts.KeptTable, formset), {}) if kept else formset), inline

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], add: bool = False, change: bool = False, form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        form = context["adminform"].form
        if isinstance(form, conflicts.VersionedForm) and form.instance.pk is not None:
            context["versions"] = self._versions(request, form, context["inline_admin_formsets"], obj)
        return super().render_change_form(request, context, add, change, form_url, obj)  # type: ignore[misc,no-any-return]

    def _versions(self, request: HttpRequest, form: conflicts.VersionedForm, tables: Sequence[Any], obj: Any) -> dict[str, Any]:
        writable = [table for table in tables if table.has_change_permission or table.has_add_permission]
        row = form.stored or obj
        seen = {name: conflicts.digest(value) for name, value in form.values_of(row).items()}
        for table in writable:
            seen[conflicts.TABLE + table.formset.prefix] = conflicts.digest(conflicts.stored_rows(table.formset))
        page: dict[str, Any] = {"seen": form[conflicts.SEEN]}
        if form.is_bound and form.stored is not None and form.in_conflict:
            found = [*form.disputes(), *_tables(request, form, writable)]
            page |= {"conflict": True, "disputes": found, "last": last_change(row), "notes": self._notes(request, row)}
            seen = {name: mark for name, mark in seen.items() if name not in {dispute.name for dispute in found}}
        return page | {"values": json.dumps(seen)}

    def _notes(self, request: HttpRequest, row: Any) -> list[tuple[str, str]]:
        hidden = scope.hidden_fields(request.user, type(row))
        notes = []
        for name in self.conflict_notes:
            shown = getattr(row, f"get_{name}_display", None)
            if name not in hidden:
                notes.append((str(row._meta.get_field(name).verbose_name), str(shown() if shown else getattr(row, name))))
        return notes


def _tables(request: HttpRequest, form: conflicts.VersionedForm, tables: Sequence[Any]) -> list[conflicts.Dispute]:
    found = []
    for table in tables:
        formset = table.formset
        if formset.is_bound and (conflicts.TABLE + formset.prefix in form.asked or (form.stale and formset.has_changed())):
            hidden = scope.hidden_fields(request.user, formset.model)
            label = str(table.opts.verbose_name_plural)
            found.append(conflicts.table_dispute(formset, label, form.data, hidden))
    return found
