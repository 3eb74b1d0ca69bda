"""Where company data comes from, what each run brought, and what it could not take.

    Source ── SyncRun ── SyncIssue          every reason and notice of a run
       │         └────── QuarantinedRow     a record that was not merged: mend it, replay it
       └── SourceLink ── Company            which record of which source is this company, and the digest it was last read with

Between fetch and merge the rows of a run stand in a table of their own (crm/sync/staging.py), which goes with the merge.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from office.models import Versioned

# The departments whose word on a field counts (crm/sync/ownership.py says which field is whose).
DEPARTMENTS = [
    ("market", _("市场监管部门")), ("commerce", _("商务部门")), ("tax", _("税务部门")), ("statistics", _("统计部门")),
    ("social", _("社保部门")), ("customs", _("海关")), ("forex", _("外汇管理部门")), ("vendor", _("数据供应商")),
]

# What a run can say of its rows, of who is gone, and of its cost.
RESULTS = {
    "fetched": _("读到"), "NEW": _("新增"), "UPDATE": _("更新"), "SKIP": _("无变化"), "INVALID": _("不合规"),
    "ERROR": _("出错"), "REVIEW": _("待判断"), "CONFLICT": _("分歧"), "ended": _("已注销等"), "removed": _("来源移除"),
    "absent": _("清单缺席"), "redacted": _("来源屏蔽"), "calls": _("调用次数"), "seconds": _("用时（秒）"),
}


class Source(models.Model):
    """One enterprise database. `cursor` moves only inside a run's merge transaction."""

    code = models.SlugField(_("代码"), max_length=32, unique=True)
    name = models.CharField(_("名称"), max_length=64)
    connector = models.CharField(
        _("连接器"), max_length=300, blank=True, db_default="", editable=False, help_text=_("随程序的名称，或定义文件的路径")
    )
    department = models.CharField(_("代表部门"), max_length=16, choices=DEPARTMENTS, default="market", db_default="market")
    base_url = models.CharField(_("地址"), max_length=200, blank=True)
    cursor = models.JSONField(_("游标"), default=dict, blank=True, editable=False)
    fingerprint = models.CharField(
        _("定义指纹"), max_length=64, blank=True, db_default="", editable=False,
        help_text=_("连接器定义改变后，所有记录重新读取"),
    )
    calls_on = models.DateField(_("调用计数日"), null=True, editable=False)
    calls = models.PositiveIntegerField(_("当日调用"), default=0, db_default=0, editable=False)
    last_ok_at = models.DateTimeField(_("最近成功"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("数据源")
        verbose_name_plural = _("数据源")
        ordering = ["code"]
        permissions = [("sync_source", _("立即同步"))]

    def __str__(self) -> str:
        return self.name


class SyncRun(models.Model):
    class Status(models.TextChoices):
        RUNNING = "running", _("进行中")
        DONE = "done", _("完成")
        FAILED = "failed", _("失败")
        HALTED = "halted", _("已中止")

    class Mode(models.TextChoices):
        FULL = "full", _("全量")
        CHANGES = "changes", _("增量")
        REPLAY = "replay", _("隔离重放")

    source = models.ForeignKey(Source, verbose_name=_("数据源"), on_delete=models.PROTECT, related_name="runs")
    slot = models.CharField(_("时段"), max_length=40)
    mode = models.CharField(_("方式"), max_length=8, choices=Mode)
    status = models.CharField(_("状态"), max_length=8, choices=Status, default=Status.RUNNING)
    reason = models.TextField(_("原因"), blank=True)
    next_step = models.CharField(_("下一步"), max_length=8, blank=True)
    started_at = models.DateTimeField(_("开始"), auto_now_add=True)
    finished_at = models.DateTimeField(_("结束"), null=True, blank=True)
    progress = models.JSONField(_("进度"), default=dict, db_default={})
    counts = models.JSONField(_("结果"), default=dict)
    staged_cursor = models.JSONField(_("暂存游标"), default=dict)
    page_hash = models.CharField(_("页哈希"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("同步记录")
        verbose_name_plural = _("同步记录")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["source", "slot"], name="syncrun_slot_once")]

    def __str__(self) -> str:
        return f"{self.source_id}/{self.slot}"

    @property
    def results(self) -> dict[str, Any]:
        """The counts in the order of `RESULTS`: jsonb keeps none."""
        return {name: self.counts[name] for name in RESULTS if name in self.counts}


class SourceLink(models.Model):
    """A record of a source is a company. `digest` is of the record as last read: what has not changed is not read again.

    `gone` keeps three kinds apart: removed (the source said so), absent (no longer in the whole listing), redacted (the source
    may not tell any more). That a firm has ended is no matter of its link: it is a registration status.
    """

    class Gone(models.TextChoices):
        HERE = "", _("在册")
        REMOVED = "removed", _("来源已移除")
        ABSENT = "absent", _("全量清单中缺席")
        REDACTED = "redacted", _("来源已屏蔽")

    source = models.ForeignKey(Source, verbose_name=_("数据源"), on_delete=models.PROTECT, related_name="links", db_index=False)
    key = models.CharField(_("数据源编号"), max_length=64)
    company = models.ForeignKey("crm.Company", verbose_name=_("企业"), on_delete=models.PROTECT, related_name="links")
    key_hash = models.BigIntegerField(editable=False)
    digest = models.BigIntegerField(default=0, db_default=0, editable=False)
    absent_runs = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    gone = models.CharField(_("去向"), max_length=8, choices=Gone, blank=True, default="", db_default="")
    source_updated_at = models.DateTimeField(_("数据源更新时间"), null=True, blank=True)
    asked_at = models.DateTimeField(_("最近查询"), null=True, editable=False)  # of sources that are asked one company at a time

    class Meta:
        verbose_name = _("来源记录")
        verbose_name_plural = _("来源记录")
        ordering = ["source", "key"]
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="sourcelink_key_once")]

    def __str__(self) -> str:
        return f"{self.source_id}/{self.key}"


class QuarantinedRow(Versioned):
    """A record that was not merged. `corrected` is what a person made of it; replaying merges that."""

    class State(models.TextChoices):
        OPEN = "open", _("待处理")
        REPLAYED = "replayed", _("已重放")
        DISMISSED = "dismissed", _("已忽略")
        SUPERSEDED = "superseded", _("已由新版本取代")

    run = models.ForeignKey(SyncRun, verbose_name=_("同步记录"), on_delete=models.CASCADE, related_name="quarantined")
    source_key = models.CharField(_("数据源编号"), max_length=64, blank=True, db_index=True)
    seq = models.BigIntegerField(_("序号"), default=0)
    page = models.PositiveIntegerField(_("页"), default=0)
    digest = models.BigIntegerField(_("内容指纹"), default=0, db_default=0, editable=False)  # see SourceLink
    payload = models.JSONField(_("原始内容"), null=True)
    corrected = models.JSONField(_("更正后的内容"), null=True, blank=True)
    state = models.CharField(_("处理"), max_length=12, choices=State, default=State.OPEN)
    replayed_in = models.ForeignKey(
        SyncRun, verbose_name=_("重放于"), null=True, blank=True, on_delete=models.PROTECT, related_name="replays"
    )
    handled_by = models.ForeignKey(
        "office.User", verbose_name=_("处理人"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    handled_at = models.DateTimeField(_("处理时间"), null=True, blank=True)
    dismissed_because = models.CharField(_("忽略的理由"), max_length=200, blank=True, default="", db_default="", editable=False)
    created_at = models.DateTimeField(_("时间"), auto_now_add=True)

    class Meta:
        verbose_name = _("隔离行")
        verbose_name_plural = _("隔离行")
        ordering = ["-id"]
        indexes = [models.Index(fields=["state"], condition=models.Q(state="open"), name="quarantined_open")]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.source_key}"


class SyncIssue(models.Model):
    """Why a row was not merged (error), or something that a person should know (notice, halt)."""

    class Severity(models.TextChoices):
        ERROR = "error", _("未并入")
        NOTICE = "notice", _("提示")
        HALT = "halt", _("整批中止")

    run = models.ForeignKey(SyncRun, verbose_name=_("同步记录"), on_delete=models.CASCADE, related_name="issues")
    row = models.ForeignKey(
        QuarantinedRow, verbose_name=_("隔离行"), null=True, blank=True, on_delete=models.CASCADE, related_name="issues"
    )
    source_key = models.CharField(_("数据源编号"), max_length=64, blank=True)
    field = models.CharField(_("字段"), max_length=64, blank=True)
    severity = models.CharField(_("性质"), max_length=8, choices=Severity, default=Severity.ERROR)
    reason = models.TextField(_("原因"))
    created_at = models.DateTimeField(_("时间"), auto_now_add=True)

    class Meta:
        verbose_name = _("隔离与提示")
        verbose_name_plural = _("隔离与提示")
        ordering = ["-id"]
        indexes = [models.Index(fields=["severity"], name="syncissue_severity")]

    def __str__(self) -> str:
        return f"{self.source_key} {self.field}"


class CompanyEvent(models.Model):
    """What a run changed on a company: only the changed fields, before and after. Its first run stands on the company."""

    company = models.ForeignKey("crm.Company", verbose_name=_("企业"), on_delete=models.CASCADE, related_name="events")
    run = models.ForeignKey(SyncRun, verbose_name=_("同步记录"), on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(
        _("类别"), max_length=8, choices=[("update", _("更新")), ("delete", _("移除"))]
    )
    before = models.JSONField(_("变更前"), default=dict)
    after = models.JSONField(_("变更后"), default=dict)
    at = models.DateTimeField(_("时间"), auto_now_add=True)

    class Meta:
        verbose_name = _("企业变更")
        verbose_name_plural = _("企业变更")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["company", "run"], name="companyevent_once_per_run")]

    def __str__(self) -> str:
        return f"{self.company_id} {self.kind}"
