"""Whose word a field of a company is, where it is not that of the company's own source; and where two words contradict.

    FieldOrigin     the field was last written by an officer, or by another source than the company's own
    FieldConflict   a source says something else than the officer (or than a source with more say) wrote: a person decides
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class FieldOrigin(models.Model):
    """`source` empty: an officer wrote it. Without a row, the value is that of the company's own source."""

    company = models.ForeignKey("crm.Company", verbose_name=_("企业"), on_delete=models.CASCADE, related_name="origins")
    field = models.CharField(_("字段"), max_length=40)
    source = models.ForeignKey(
        "crm.Source", verbose_name=_("数据源"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    editor = models.ForeignKey(
        "office.User", verbose_name=_("填写人"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField(_("时间"))

    class Meta:
        verbose_name = _("字段来源")
        verbose_name_plural = _("字段来源")
        ordering = ["company", "field"]
        constraints = [models.UniqueConstraint(fields=["company", "field"], name="fieldorigin_once")]

    def __str__(self) -> str:
        return f"字段来源 {self.pk}"


class FieldConflict(models.Model):
    """`ours` stays in the company until somebody decides. A source that repeats `theirs` does not ask again."""

    class State(models.TextChoices):
        OPEN = "open", _("待决定")
        KEPT = "kept", _("保留本系统的值")
        TAKEN = "taken", _("采用数据源的值")
        WITHDRAWN = "withdrawn", _("已无分歧")

    company = models.ForeignKey("crm.Company", verbose_name=_("企业"), on_delete=models.CASCADE, related_name="conflicts")
    field = models.CharField(_("字段"), max_length=40)
    source = models.ForeignKey("crm.Source", verbose_name=_("数据源"), on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey("crm.SyncRun", verbose_name=_("同步记录"), on_delete=models.PROTECT, related_name="conflicts")
    ours = models.JSONField(_("本系统的值"), null=True)
    theirs = models.JSONField(_("数据源的值"), null=True)
    state = models.CharField(_("处理"), max_length=12, choices=State, default=State.OPEN)
    decided_by = models.ForeignKey(
        "office.User", verbose_name=_("决定人"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(_("决定时间"), null=True, blank=True)
    created_at = models.DateTimeField(_("时间"), auto_now_add=True)

    class Meta:
        verbose_name = _("数据分歧")
        verbose_name_plural = _("数据分歧")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["company", "field", "source"], condition=models.Q(state="open"), name="fieldconflict_open_once"
            ),
        ]

    def __str__(self) -> str:
        return f"分歧 {self.pk}"
