"""People and departments. What a person may do comes from groups (one a role, see office/roles.py), never from names."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from office.models.versioned import Versioned
from office.roles import ADMINISTRATOR, PERMISSIONS, ROLES


class Department(Versioned):
    code = models.SlugField(_("代码"), max_length=32, unique=True)
    name = models.CharField(_("名称"), max_length=64)
    parent = models.ForeignKey(
        "self", verbose_name=_("上级部门"), null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )

    class Meta:
        verbose_name = _("部门")
        verbose_name_plural = _("部门")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(parent=models.F("id")), name="department_not_its_own_parent",
                violation_error_message=_("部门不能是自己的上级"),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def subtree(cls, root: int | None) -> list[int]:
        """The department and everything below it, ids only (1 query). A ring cannot hang it: each is visited once."""
        below: dict[int | None, list[int]] = {}
        for pk, parent in cls.objects.values_list("pk", "parent_id"):
            below.setdefault(parent, []).append(pk)
        found: list[int] = []
        waiting = [] if root is None else [root]
        while waiting:
            here = waiting.pop()
            if here not in found:
                found.append(here)
                waiting += below.get(here, [])
        return sorted(found)


class User(Versioned, AbstractUser):
    """Somebody who signs in. Chinese names are kept whole in `display_name`; first and last name stay unused."""

    display_name = models.CharField(_("姓名"), max_length=64, blank=True)
    title = models.CharField(_("职务"), max_length=64, blank=True)
    department = models.ForeignKey(
        Department, verbose_name=_("部门"), null=True, blank=True, on_delete=models.PROTECT, related_name="people"
    )
    is_sample = models.BooleanField(_("示例"), default=False, editable=False)

    class Meta(AbstractUser.Meta):
        verbose_name = _("用户")
        verbose_name_plural = _("用户")

    def __str__(self) -> str:
        return self.display_name or self.username

    @cached_property
    def role_names(self) -> frozenset[str]:
        """The roles held, in one query. A superuser is a system administrator and nothing more: no flag opens business data."""
        if self.is_superuser:
            return frozenset({ADMINISTRATOR})
        return frozenset(self.groups.filter(name__in=ROLES).values_list("name", flat=True))

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """What the role table says, whatever rows may stand in the permission tables of the database."""
        return self.is_active and any(perm in PERMISSIONS[role] for role in self.role_names)

    def has_perms(self, perm_list: Any, obj: Any = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        granted = (perm for role in self.role_names for perm in PERMISSIONS[role])
        return self.is_active and any(perm.startswith(f"{app_label}.") for perm in granted)

    @cached_property
    def department_tree(self) -> list[int]:
        """The person's department with all below it."""
        return Department.subtree(self.department_id)

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)
