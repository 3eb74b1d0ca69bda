"""System checks that see the whole program."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import Error, Tags, register
from django.db import connections

from office import scope

OURS = ("office", "plans", "crm", "projects", "chains")


@register(Tags.database)
def chinese_text_search(databases: list[str] | None = None, **_: Any) -> list[Error]:
    """Under LC_CTYPE=C pg_trgm finds nothing in Chinese and says nothing about it: ask before anyone searches."""
    errors = []
    for alias in databases or []:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'")
            if cursor.fetchone() == (0,):
                continue  # not migrated yet
            cursor.execute("SELECT cardinality(show_trgm('智能终端')), current_setting('server_encoding')")
            trigrams, encoding = cursor.fetchone() or (0, "")
        if not trigrams or encoding != "UTF8":
            errors.append(Error(
                f"数据库 {alias} 的字符集为 {encoding}，中文检索无效（pg_trgm 对中文取不出词元）",
                hint="请用 UTF-8 区域重建数据库，例如 initdb --locale-provider=builtin --builtin-locale=C.UTF-8",
                id="wiring.E001",
            ))
    return errors


@register(Tags.security)
def every_model_has_a_scope(**_: Any) -> list[Error]:
    """A model that nobody declared is closed to everyone: say so at start, not when the first person meets it."""
    models = [model for label in OURS for model in apps.get_app_config(label).get_models()]
    return [
        Error(
            f"{model._meta.label} 没有声明角色“{role}”能看到哪些行",
            hint=f"在 {model._meta.app_label}/scopes.py 用 scope.declare 或 scope.parts 声明", id="wiring.E002",
        )
        for model, role in scope.undeclared(models)
    ]
