"""Work is a row. A worker leases it, and a lease that runs out returns it: losing the broker or a worker loses nothing."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Job(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued", _("待办")
        RUNNING = "running", _("执行中")
        DONE = "done", _("完成")
        DEAD = "dead", _("已放弃")
        MERGED = "merged", _("并入新时段")

    kind = models.CharField(_("种类"), max_length=64)
    slot = models.CharField(_("时段"), max_length=64, help_text=_("同一种类同一时段只执行一次"))
    payload = models.JSONField(_("参数"), default=dict, blank=True)
    state = models.CharField(_("状态"), max_length=8, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("已试次数"), default=0)
    not_before = models.DateTimeField(_("最早执行"))
    lease_until = models.DateTimeField(_("租约到期"), null=True, blank=True)
    lease_token = models.UUIDField(_("租约"), null=True, blank=True)
    created = models.DateTimeField(_("登记时间"))
    finished = models.DateTimeField(_("结束时间"), null=True, blank=True)
    progress = models.JSONField(_("进度"), default=dict, blank=True, db_default={})
    result = models.JSONField(_("结果"), default=dict, blank=True)
    error = models.TextField(_("错误"), blank=True)

    class Meta:
        verbose_name = _("后台任务")
        verbose_name_plural = _("后台任务")
        ordering = ["-created", "-id"]
        permissions = [("retry_job", _("重试后台任务"))]
        constraints = [
            models.UniqueConstraint(fields=["kind", "slot"], name="job_once_per_slot"),
            models.CheckConstraint(
                condition=models.Q(state="running", lease_until__isnull=False, lease_token__isnull=False)
                | (~models.Q(state="running") & models.Q(lease_until__isnull=True, lease_token__isnull=True)),
                name="job_running_means_leased",
            ),
        ]
        indexes = [models.Index(fields=["state", "not_before"], name="job_due")]

    def __str__(self) -> str:
        return f"{self.kind} · {self.slot}"
