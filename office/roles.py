"""Roles are groups with named permissions; this table is the only place that says which.

A later change of a role is a change of this table: `User.has_perm` reads it, and `ensure_roles` brings the groups, which
screens show, into line with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.models import Permission

# The group's name is what the screen shows, hence Chinese.
OFFICER, TEAM_LEAD, DEPARTMENT = "招商专员", "招商组长", "部门负责人"
CHAIN_LEADER, OPERATOR, AUDITOR, ADMINISTRATOR = "链长", "楼宇运营方", "审计员", "系统管理员"
ROLES = (OFFICER, TEAM_LEAD, DEPARTMENT, CHAIN_LEADER, OPERATOR, AUDITOR, ADMINISTRATOR)
# 三权分立: who keeps accounts, who does business and who audits are three people. Each of these stands alone.
ALONE = frozenset({AUDITOR, ADMINISTRATOR})

VERBS = {"view": "查看", "add": "新增", "change": "修改", "delete": "删除"}

_READ_PLAN = ["plans.view_plan", "plans.view_clause", "plans.view_indicator", "plans.view_contextfigure"]
_READ_COMPANIES = [
    "crm.view_company", "crm.view_companyidentifier", "crm.view_companyname", "crm.view_companygrade",
    "crm.view_industrycode",
]
_READ_PROJECTS = [
    "projects.view_zone", "projects.view_carrier", "projects.view_project", "projects.view_stagechange",
    "projects.view_officerassignment",
]
_READ_BUSINESS = [
    *_READ_PLAN, *_READ_COMPANIES, *_READ_PROJECTS, "crm.view_companyevent",
    "projects.view_commitment", "projects.view_carrieroperator",
    "chains.view_chain", "chains.view_chainversion", "chains.view_node", "chains.view_nodespec",
    "chains.view_supplygroup", "chains.view_supplyalternative", "chains.view_placement", "chains.view_chainleader",
    "chains.view_leadfirm", "chains.view_gapreport", "chains.view_gapreportrow",
]
_READ_SYNC = [
    "crm.view_source", "crm.view_syncrun", "crm.view_syncissue", "crm.view_quarantinedrow", "crm.view_fieldconflict",
    "crm.view_possiblematch", "crm.view_identitychange",
]
# Which rows are one firm: an officer judges what the program proposes; who merges and splits answers for a team.
_JUDGE_MATCHES = ["crm.change_possiblematch"]
_MERGE_COMPANIES = ["crm.add_identitychange", "crm.change_identitychange"]
_WORK = [
    "crm.change_company", "crm.add_company", "crm.add_companyidentifier", "crm.change_companyidentifier",
    "crm.add_companyname", "crm.add_companygrade", "crm.change_companygrade",
    "crm.change_quarantinedrow", "crm.change_fieldconflict",
    "projects.add_project", "projects.change_project", "projects.add_commitment", "projects.change_commitment",
    "chains.add_placement", "chains.change_placement", "chains.add_chainversion",
]
# Contacts are masked for everybody who may view them; a reveal or an export is logged with its purpose.
_READ_CONTACTS = ["crm.view_contact", "crm.view_disclosure"]
_KEEP_CONTACTS = [
    *_READ_CONTACTS, "crm.add_contact", "crm.change_contact", "crm.reveal_contact", "crm.export_contact",
]
_READ_ACCOUNTS = ["office.view_user", "office.view_department", "office.view_job", "auth.view_group"]
PERMISSIONS: dict[str, list[str]] = {
    OFFICER: [*_READ_BUSINESS, *_READ_SYNC, *_WORK, *_KEEP_CONTACTS, *_JUDGE_MATCHES],
    TEAM_LEAD: [
        *_READ_BUSINESS, *_READ_SYNC, *_WORK, *_KEEP_CONTACTS, "crm.erase_contact", "crm.sync_source", *_JUDGE_MATCHES,
        *_MERGE_COMPANIES,
    ],
    # Reads what its people do, keeps carriers, and appoints 链长 and 专班联系人.
    DEPARTMENT: [
        *_READ_BUSINESS, *_READ_SYNC, "projects.add_zone", "projects.change_zone", "projects.add_carrier",
        "projects.change_carrier", "projects.add_carrieroperator", "projects.change_carrieroperator",
        "chains.change_chain", "chains.add_chainleader", "chains.change_chainleader", "chains.add_leadfirm",
        "chains.change_leadfirm", *_READ_CONTACTS, "crm.erase_contact", "crm.sync_source", *_MERGE_COMPANIES,
    ],
    CHAIN_LEADER: [*_READ_BUSINESS, "crm.view_contact"],
    OPERATOR: [*_READ_PLAN, *_READ_COMPANIES, *_READ_PROJECTS],
    AUDITOR: [
        *_READ_BUSINESS, *_READ_SYNC, *_READ_ACCOUNTS, *_READ_CONTACTS, "office.view_auditblock", "office.view_auditentry",
        "office.view_auditlink",
    ],
    # Keeps people and jobs, and has no business data.
    ADMINISTRATOR: [
        *_READ_ACCOUNTS, "office.add_user", "office.change_user", "office.add_department", "office.change_department",
        "office.retry_job",
    ],
}


class RolesClash(ValueError):
    """The roles may not be held by one person."""


def check_roles(names: Iterable[str]) -> None:
    """Raise RolesClash where accounts, business and audit would meet in one hand. A database trigger says the same."""
    held = set(names)
    if held & ALONE and len(held) > 1:
        alone = "、".join(name for name in ROLES if name in held & ALONE)
        raise RolesClash(f"“{alone}”不能与其他角色由同一人担任：账号管理、业务与审计须分开")


def permissions_named(names: Iterable[str]) -> list[Permission]:
    """Resolve "app.codename" names, refusing any that does not exist, so that a typing mistake cannot drop a right."""
    from django.contrib.auth.models import Permission  # the user model reads this table before the models are loaded
    from django.db.models import Q

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
    from django.contrib.auth.models import Group, Permission

    english = []
    for permission in Permission.objects.filter(name__startswith="Can ").select_related("content_type"):
        verb = permission.codename.split("_")[0]
        if verb in VERBS:  # Django's names are English and shown as they are
            permission.name = f"{VERBS[verb]}{permission.content_type.name}"
            english.append(permission)
    Permission.objects.bulk_update(english, ["name"])
    for role, names in PERMISSIONS.items():
        group = Group.objects.get_or_create(name=role)[0]
        group.permissions.set(permissions_named(names))
