"""The admin's side bar: what an officer opens many times a day comes first."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

# (group, [(title, icon, view name, permission)])
GROUPS: list[tuple[str, list[tuple[str, str, str, str]]]] = [
    ("招商", [
        ("企业", "apartment", "admin:crm_company_changelist", "crm.view_company"),
        ("联系人", "contact_phone", "admin:crm_contact_changelist", "crm.view_contact"),
        ("项目", "rocket_launch", "admin:projects_project_changelist", "projects.view_project"),
        ("挂链", "link", "admin:chains_placement_changelist", "chains.view_placement"),
        ("个人信息查阅记录", "visibility", "admin:crm_disclosure_changelist", "crm.view_disclosure"),
    ]),
    ("产业链", [
        ("产业链", "hub", "admin:chains_chain_changelist", "chains.view_chain"),
        ("环节", "device_hub", "admin:chains_node_changelist", "chains.view_node"),
        ("缺口报告", "lab_profile", "admin:chains_gapreport_changelist", "chains.view_gapreport"),
        ("链图版本", "history", "admin:chains_chainversion_changelist", "chains.view_chainversion"),
    ]),
    ("规划与空间", [
        ("规划条款", "article", "admin:plans_clause_changelist", "plans.view_clause"),
        ("指标", "monitoring", "admin:plans_indicator_changelist", "plans.view_indicator"),
        ("片区", "map", "admin:projects_zone_changelist", "projects.view_zone"),
        ("载体", "location_city", "admin:projects_carrier_changelist", "projects.view_carrier"),
    ]),
    ("企业库", [
        ("数据源", "database", "admin:crm_source_changelist", "crm.view_source"),
        ("同步记录", "sync", "admin:crm_syncrun_changelist", "crm.view_syncrun"),
        ("隔离行", "inventory_2", "admin:crm_quarantinedrow_changelist", "crm.view_quarantinedrow"),
        ("数据分歧", "difference", "admin:crm_fieldconflict_changelist", "crm.view_fieldconflict"),
        ("隔离与提示", "report", "admin:crm_syncissue_changelist", "crm.view_syncissue"),
        ("疑似同一企业", "join_inner", "admin:crm_possiblematch_changelist", "crm.view_possiblematch"),
        ("合并与拆分", "call_merge", "admin:crm_identitychange_changelist", "crm.view_identitychange"),
        ("行业代码", "category", "admin:crm_industrycode_changelist", "crm.view_industrycode"),
    ]),
    ("人员与任务", [
        ("用户", "person", "admin:office_user_changelist", "office.view_user"),
        ("部门", "groups", "admin:office_department_changelist", "office.view_department"),
        ("角色", "badge", "admin:auth_group_changelist", "auth.view_group"),
        ("后台任务", "schedule", "admin:office_job_changelist", "office.view_job"),
        ("审计记录", "policy", "admin:office_auditblock_changelist", "office.view_auditblock"),
    ]),
]


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Only what this person may open; a group with nothing left is not shown."""
    shown = []
    for title, entries in GROUPS:
        items = [
            {"title": name, "icon": icon, "link": reverse(view)}
            for name, icon, view, permission in entries if request.user.has_perm(permission)
        ]
        if items:
            shown.append({"title": title, "separator": True, "items": items})
    return shown
