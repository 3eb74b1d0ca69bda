"""Roles are groups with named permissions; this table is the only place that says which.

A later change of a role is a change of this table: `ensure_roles` brings the groups into line with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

# The group's name is what the screen shows, hence Chinese.
OFFICER, CHAIN_LEADER, ADMINISTRATOR = "招商专员", "链长", "系统管理员"

VERBS = {"view": "查看", "add": "新增", "change": "修改", "delete": "删除"}

_READ_BUSINESS = [
    "plans.view_plan", "plans.view_clause", "plans.view_indicator",
    "crm.view_company", "crm.view_companyidentifier", "crm.view_companyname", "crm.view_companygrade",
    "crm.view_companyevent", "crm.view_industrycode", "crm.view_source", "crm.view_syncrun", "crm.view_syncissue",
    "projects.view_zone", "projects.view_carrier", "projects.view_project", "projects.view_stagechange",
    "projects.view_commitment", "projects.view_officerassignment",
    "chains.view_chain", "chains.view_chainversion", "chains.view_node", "chains.view_nodespec",
    "chains.view_supplygroup", "chains.view_placement", "chains.view_chainleader", "chains.view_leadfirm",
    "chains.view_gapreport",
]
PERMISSIONS: dict[str, list[str]] = {
    OFFICER: [
        *_READ_BUSINESS, "crm.change_company", "crm.add_company", "crm.add_companyidentifier",
        "crm.change_companyidentifier", "crm.add_companyname", "crm.add_companygrade", "crm.change_companygrade",
        "projects.add_project", "projects.change_project", "projects.add_commitment", "projects.change_commitment",
        "chains.add_placement", "chains.change_placement", "chains.add_chainversion",
    ],
    CHAIN_LEADER: _READ_BUSINESS,
    # The administrator keeps people and jobs, and has no business data (三权分立).
    ADMINISTRATOR: [
        "office.view_user", "office.add_user", "office.change_user", "office.view_department", "office.add_department",
        "office.change_department", "office.view_job", "auth.view_group",
    ],
}


def permissions_named(names: Iterable[str]) -> list[Permission]:
    """Resolve "app.codename" names, refusing any that does not exist, so that a typing mistake cannot drop a right."""
    wanted = set(names)
    if not wanted:
        return []
    query = Q()
    for name in wanted:
        app, codename = name.split(".")
        query |= Q(content_type__app_label=app, codename=codename)
    rows = Permission.objects.filter(query).select_related("content_type")
    found = {f"{row.content_type.app_label}.{row.codename}": row for row in rows}
    if missing := wanted - found.keys():
        raise LookupError(f"unknown permissions: {', '.join(sorted(missing))}")
    return list(found.values())


def ensure_roles() -> None:
    """Make each role's group hold exactly the permissions of the table, under Chinese names."""
    for permission in Permission.objects.select_related("content_type"):
        verb = permission.codename.split("_")[0]
        if verb in VERBS and permission.name.startswith("Can "):  # Django's names are English and shown as they are
            permission.name = f"{VERBS[verb]}{permission.content_type.name}"
            permission.save(update_fields=["name"])
    for role, names in PERMISSIONS.items():
        group = Group.objects.get_or_create(name=role)[0]
        group.permissions.set(permissions_named(names))
