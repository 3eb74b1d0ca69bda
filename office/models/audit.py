"""The audit's tables as the program reads them. They are made by office/audit/schema.sql and written by triggers alone."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditBlock(models.Model):
    """One statement that changed something: who, when, by which way, how many rows of which table."""

    class Verb(models.TextChoices):
        INSERT = "I", _("新增")
        UPDATE = "U", _("修改")
        DELETE = "D", _("删除")
        TRUNCATE = "T", _("清空")

    class Channel(models.TextChoices):
        WEB = "web", _("网页")
        ADMIN = "admin", _("业务后台")
        API = "api", _("接口")
        JOB = "job", _("后台任务")
        COMMAND = "command", _("管理命令")
        IMPORT = "import", _("导入")
        SYNC = "sync", _("企业库同步")
        SQL = "sql", _("直接操作数据库")

    txid = models.BigIntegerField(_("事务号"))
    at = models.DateTimeField(_("时间"))
    actor_id = models.BigIntegerField(_("用户编号"), null=True)
    actor = models.TextField(_("操作人"))
    channel = models.CharField(_("途径"), max_length=16, choices=Channel)
    request_id = models.CharField(_("请求号"), max_length=64)
    db_user = models.CharField(_("数据库账号"), max_length=64)
    table_name = models.CharField(_("数据表"), max_length=64)
    verb = models.CharField(_("动作"), max_length=1, choices=Verb)
    entries = models.BigIntegerField(_("行数"))
    digest = models.BinaryField(_("摘要"))

    class Meta:
        managed = False
        db_table = 'audit"."block'  # Django quotes the whole: this is how a schema is named
        verbose_name = _("审计记录")
        verbose_name_plural = _("审计记录")
        ordering = ["-id"]
        default_permissions = ["view"]

    def __str__(self) -> str:
        return str(self.pk)


class AuditEntry(models.Model):
    """One changed row, as a view shows it. `data`: the new row (I), the old row (D), or {column: [before, after]} (U)."""

    block_id = models.BigIntegerField(_("审计记录"))
    row_id = models.BigIntegerField(_("记录编号"))
    kind = models.CharField(_("动作"), max_length=1, choices=AuditBlock.Verb)
    data = models.TextField(_("内容"))

    class Meta:
        managed = False
        db_table = 'audit"."entry'
        verbose_name = _("审计条目")
        verbose_name_plural = _("审计条目")
        ordering = ["-id"]
        default_permissions = ["view"]

    def __str__(self) -> str:
        return str(self.pk)

    def before(self) -> dict[str, Any] | None:
        """The changed columns as they were, the whole row if it is gone, None if it was not there."""
        values = json.loads(self.data)
        if self.kind == "U":
            return {name: pair[0] for name, pair in values.items()}
        return values if self.kind == "D" else None

    def after(self) -> dict[str, Any] | None:
        values = json.loads(self.data)
        if self.kind == "U":
            return {name: pair[1] for name, pair in values.items()}
        return values if self.kind == "I" else None


class AuditLink(models.Model):
    """The chain: each link's hash is made of the one before and of a block."""

    no = models.BigIntegerField(_("序号"), primary_key=True)
    block_id = models.BigIntegerField(_("审计记录"))
    prev = models.BinaryField(_("前一指纹"))
    hash = models.BinaryField(_("指纹"))

    class Meta:
        managed = False
        db_table = 'audit"."link'
        verbose_name = _("审计链")
        verbose_name_plural = _("审计链")
        ordering = ["-no"]
        default_permissions = ["view"]

    def __str__(self) -> str:
        return str(self.no)
