from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import ManyToManyField, QuerySet
from django.forms import ModelForm, ModelMultipleChoiceField
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from office.admin_tools import DASH, ModelAdmin, ReadOnlyAdmin, lines_of
from office.models import Department, User
from office.roles import RolesClash, check_roles

admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin, DjangoGroupAdmin):
    """Roles come from office/roles.py; here they are only read."""

    fields = ["name", "rights", "people"]
    readonly_fields = ["rights", "people"]

    @display(description=_("权限"))
    def rights(self, group: Group) -> SafeString | str:
        rows = group.permissions.select_related("content_type").order_by("content_type__app_label", "content_type", "pk")
        return lines_of(f"{row.content_type.app_labeled_name.replace(' | ', '：')}　{row.name}" for row in rows)

    @display(description=_("人员"))
    def people(self, group: Group) -> SafeString | str:
        return lines_of(User.objects.filter(groups=group).order_by("username"))


class DepartmentForm(ModelForm):
    def clean_parent(self) -> Department | None:
        """The database refuses the shortest ring alone, and with an error page."""
        parent: Department | None = self.cleaned_data["parent"]
        above, seen = parent, set()
        while above is not None and above.pk not in seen:
            if above.pk == self.instance.pk:
                raise ValidationError(_("部门不能是自己的上级，也不能隶属于自己的下级"))
            seen.add(above.pk)
            above = above.parent
        return parent


class PersonForm(UserChangeForm):  # type: ignore[misc]
    def clean_groups(self) -> Any:
        """The database refuses what may not be in one hand, and with an error page."""
        chosen = self.cleaned_data["groups"]
        try:
            check_roles(group.name for group in chosen)
        except RolesClash as error:
            raise ValidationError(str(error)) from error
        return chosen


@admin.register(Department)
class DepartmentAdmin(ModelAdmin):
    form = DepartmentForm
    list_display = ["name", "code", "parent"]
    search_fields = ["name", "code"]
    list_select_related = ["parent"]


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    form, add_form, change_password_form = PersonForm, UserCreationForm, AdminPasswordChangeForm
    list_display = ["username", "display_name", "title", "department", "roles", "is_active"]
    list_filter = ["is_active", "groups", "department"]
    list_select_related = ["department"]
    search_fields = ["username", "display_name"]
    ordering = ["username"]
    filter_horizontal = []
    fieldsets = [
        (None, {"fields": ["username", "password", "display_name", "title", "department"]}),
        (_("权限"), {"fields": ["is_active", "is_staff", "groups"]}),
        (_("登录"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (None, {"classes": ["wide"], "fields": ["username", "display_name", "department", "password1", "password2"]})
    ]
    readonly_fields = ["last_login", "date_joined"]

    @display(description=_("角色"))
    def roles(self, user: User) -> str:
        return "、".join(group.name for group in user.groups.all()) or DASH

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "groups" and field is not None:  # three roles: boxes to tick, no Ctrl key
            field.widget = UnfoldAdminCheckboxSelectMultipleWidget(choices=field.choices)
            field.label, field.help_text = _("角色"), _("一个人的权限就是所选角色的权限")
        return field

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A superuser's password must not be in the hands of one who is none."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Nobody changes his own rights."""
        fields = list(super().get_readonly_fields(request, obj))
        if obj is not None and obj.pk == request.user.pk:
            fields += ["groups", "is_staff", "is_active", "username"]
        return fields
