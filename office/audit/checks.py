"""`manage.py check --deploy` says who owns the audit's tables, and whether every table has its triggers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import Error, Tags, Warning, register
from django.db import connections

from office.audit.install import missing


def owner_warning(owner: str | None, user: str) -> list[Any]:
    if owner == user:
        return [Warning(
            f"审计表属于程序自己的数据库角色 {user}：它可以恢复自己的权限，改写审计",
            hint="请由数据库管理员在迁移前执行 office/audit/schema.sql，见 docs/guide-administrator.md", id="audit.W001",
        )]
    return []


@register(Tags.database, deploy=True)
def audit_is_kept(databases: Sequence[str] | None = None, **_: Any) -> list[Any]:
    found: list[Any] = []
    for alias in databases or []:
        with connections[alias].cursor() as cursor:
            cursor.execute(
                "SELECT pg_get_userbyid(relowner), current_user FROM pg_class WHERE oid = to_regclass('audit.block')"
            )
            row = cursor.fetchone()
        if row is None:
            continue  # not migrated yet
        found += owner_warning(*row)
        if tables := missing(alias):
            found.append(Error(
                f"缺少审计触发器的表：{'、'.join(tables)}", hint="请执行 manage.py migrate", id="audit.E001"
            ))
    return found
