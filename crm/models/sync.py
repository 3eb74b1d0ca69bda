"""Where company data comes from, what each run brought, and what it could not take."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Source(models.Model):
    """One enterprise database. `cursor` moves only inside a run's merge transaction."""

    code = models.SlugField(_("代码"), max_length=32, unique=True)
    name = models.CharField(_("名称"), max_length=64)
    base_url = models.CharField(_("地址"), max_length=200, blank=True)
    cursor = models.JSONField(_("游标"), default=dict, blank=True, editable=False)
    last_ok_at = models.DateTimeField(_("最近成功"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("数据源")
        verbose_name_plural = _("数据源")
        ordering = ["code"]

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

    source = models.ForeignKey(Source, verbose_name=_("数据源"), on_delete=models.PROTECT, related_name="runs")
    slot = models.CharField(_("时段"), max_length=40)
    mode = models.CharField(_("方式"), max_length=8, choices=Mode)
    status = models.CharField(_("状态"), max_length=8, choices=Status, default=Status.RUNNING)
    reason = models.TextField(_("原因"), blank=True)
    next_step = models.CharField(_("下一步"), max_length=8, blank=True)
    started_at = models.DateTimeField(_("开始"), auto_now_add=True)
    finished_at = models.DateTimeField(_("结束"), null=True, blank=True)
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


class StagedRecord(models.Model):
    """One row of a run between fetch and merge; kept afterwards (without payload) as the row's named result."""

    class Result(models.TextChoices):
        STAGED = "STAGED", _("暂存")
        NEW = "NEW", _("新增")
        UPDATE = "UPDATE", _("更新")
        SKIP = "SKIP", _("无变化")
        INVALID = "INVALID", _("不合规")
        ERROR = "ERROR", _("出错")

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="rows")
    seq = models.BigIntegerField()
    source_key = models.CharField(_("数据源编号"), max_length=64)
    op = models.CharField(max_length=8, default="upsert")
    payload = models.JSONField(null=True)
    hash = models.CharField(max_length=64, blank=True)
    result = models.CharField(_("结果"), max_length=8, choices=Result, default=Result.STAGED)
    company = models.ForeignKey("crm.Company", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = _("同步行")
        verbose_name_plural = _("同步行")
        ordering = ["run", "seq", "id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(op__in=["upsert", "delete"]), name="staged_op_known"),
        ]

    def __str__(self) -> str:
        return f"{self.source_key}: {self.result}"


class SyncIssue(models.Model):
    """Quarantine: a row that was not merged (error), or something that a person should know (notice, halt)."""

    class Severity(models.TextChoices):
        ERROR = "error", _("未并入")
        NOTICE = "notice", _("提示")
        HALT = "halt", _("整批中止")

    run = models.ForeignKey(SyncRun, verbose_name=_("同步记录"), on_delete=models.CASCADE, related_name="issues")
    source_key = models.CharField(_("数据源编号"), max_length=64, blank=True)
    field = models.CharField(_("字段"), max_length=64, blank=True)
    severity = models.CharField(_("性质"), max_length=8, choices=Severity, default=Severity.ERROR)
    reason = models.TextField(_("原因"))
    payload = models.JSONField(_("原始内容"), null=True)
    resolved = models.BooleanField(_("已处理"), default=False)
    created_at = models.DateTimeField(_("时间"), auto_now_add=True)

    class Meta:
        verbose_name = _("隔离与提示")
        verbose_name_plural = _("隔离与提示")
        ordering = ["-id"]
        indexes = [models.Index(fields=["resolved", "severity"], name="syncissue_open")]

    def __str__(self) -> str:
        return f"{self.source_key} {self.field}"


class CompanyEvent(models.Model):
    """What a run changed on a company: only the changed fields, before and after."""

    company = models.ForeignKey("crm.Company", verbose_name=_("企业"), on_delete=models.CASCADE, related_name="events")
    run = models.ForeignKey(SyncRun, verbose_name=_("同步记录"), on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(
        _("类别"), max_length=8, choices=[("new", _("新增")), ("update", _("更新")), ("delete", _("移除"))]
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
