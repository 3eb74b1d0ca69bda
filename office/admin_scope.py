"""The scope in the admin: lists, details, filters, look-ups, choices and inlines all start from `scope.visible_to`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from django.contrib import admin
from django.db.models import Field, ForeignKey, ManyToManyField, Model, QuerySet
from django.forms import ModelChoiceField
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from office import scope
from office.models import User


def reaches(request: HttpRequest, verb: str, row: Any, model: type[Model] | None = None) -> bool:
    """`scope.may`, asked once a request and row: the admin asks a dozen times to draw one page. The theme asks by key."""
    if model is not None and not isinstance(row, Model):
        row = model._default_manager.filter(pk=row).first()
        if row is None:
            return False
    known: dict[tuple[str, str, Any], bool] = request.__dict__.setdefault("_scope_answers", {})
    key = (verb, row._meta.label, row.pk)
    if key not in known:
        known[key] = scope.may(request.user, verb, row)
    return known[key]


class ScopedChoices:
    """Foreign keys offer what the person may see. People are chosen by the forms that know which people fit."""

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
        return _narrowed(field, db_field, request)

    def formfield_for_manytomany(self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]
        return _narrowed(field, db_field, request)


def _narrowed(field: Any, db_field: Field[Any, Any], request: HttpRequest) -> Any:
    if isinstance(field, ModelChoiceField) and db_field.related_model is not User:
        field.queryset = scope.visible_to(request.user, field.queryset)
    return field


class ScopedPage(ScopedChoices):
    """For ModelAdmin. `columns` names the model field behind a display method, so that hiding the field hides the column."""

    columns: Mapping[str, str] = {}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return scope.visible_to(request.user, super().get_queryset(request))  # type: ignore[misc]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and (obj is None or reaches(request, scope.VIEW, obj, self.model))  # type: ignore[misc]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or reaches(request, scope.CHANGE, obj, self.model))  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or reaches(request, scope.CHANGE, obj, self.model))  # type: ignore[misc]

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> NoReturn:
        """The same answer for a row that is not there and one that is not for this person."""
        raise Http404(_("没有这条记录，或者您看不到它"))

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """No filtering by what may not be seen: a hidden amount could be guessed by halving."""
        hidden = scope.hidden_fields(request.user, self.model) if request else frozenset()  # type: ignore[attr-defined]
        return lookup.split("__")[0] not in hidden and super().lookup_allowed(lookup, value, request)  # type: ignore[misc]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._shown(request, super().get_list_display(request))  # type: ignore[misc]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return self._shown(request, super().get_list_filter(request))  # type: ignore[misc]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return self._shown(request, super().get_search_fields(request))  # type: ignore[misc]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        found = super().get_fieldsets(request, obj)  # type: ignore[misc]
        return [(title, {**options, "fields": self._shown(request, options["fields"])}) for title, options in found]

    def _shown(self, request: HttpRequest, names: Iterable[Any]) -> list[Any]:
        hidden = scope.hidden_fields(request.user, self.model)  # type: ignore[attr-defined]
        return [name for name in names if not (isinstance(name, str) and self.columns.get(name, name) in hidden)]


class ScopedInline(ScopedChoices):
    """For inlines: rows within reach, and writing only where the page's own row may be changed."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return scope.visible_to(request.user, super().get_queryset(request))  # type: ignore[misc]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and _parent(request, obj)  # type: ignore[misc]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _parent(request, obj)  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _parent(request, obj)  # type: ignore[misc]


def _parent(request: HttpRequest, parent: Model | None) -> bool:
    return parent is None or parent.pk is None or reaches(request, scope.CHANGE, parent)


class ScopedRelatedFilter(admin.RelatedFieldListFilter):
    """The side bar offers what the person may see, and nothing by its name alone."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        rows = scope.visible_to(request.user, field.related_model)
        ordering = self.field_admin_ordering(field, request, model_admin)
        return [(row.pk, str(row)) for row in (rows.order_by(*ordering) if ordering else rows)]


admin.FieldListFilter.register(lambda field: bool(field.remote_field), ScopedRelatedFilter, take_priority=True)
