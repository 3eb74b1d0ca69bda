"""A gap report is frozen when made: its input, its analysis and its rows never change (a database trigger sees to it).

`input_document` is the whole chain file, so that the report can be recomputed as of its date on any machine.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chains.models.chains import Chain, ChainVersion
from chains.models.nodes import Node
from office.models import User


class GapReport(models.Model):
    chain = models.ForeignKey(Chain, verbose_name=_("产业链"), on_delete=models.PROTECT, related_name="reports")
    version = models.ForeignKey(ChainVersion, verbose_name=_("链版本"), on_delete=models.PROTECT, related_name="reports")
    number = models.PositiveIntegerField(_("期号"))
    as_of = models.DateField(_("截至日期"))
    model_version = models.CharField(_("模型版本"), max_length=16)
    input_hash = models.CharField(_("输入指纹"), max_length=71)
    content_hash = models.CharField(_("内容指纹"), max_length=71)
    input_document = models.JSONField(_("输入"))
    analysis = models.JSONField(_("分析"))
    context = models.JSONField(_("报告内容"), default=dict)
    created = models.DateTimeField(_("生成时间"))
    created_by = models.ForeignKey(
        User, verbose_name=_("生成人"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("缺口报告")
        verbose_name_plural = _("缺口报告")
        ordering = ["chain", "-number"]
        constraints = [models.UniqueConstraint(fields=["chain", "number"], name="report_number_in_chain")]

    def __str__(self) -> str:
        return f"{self.chain}缺口报告第 {self.number} 期"


class GapReportRow(models.Model):
    """One line before the 链长. Every cell is a copy made when the report was, never a live value."""

    report = models.ForeignKey(GapReport, verbose_name=_("报告"), on_delete=models.CASCADE, related_name="rows")
    rank = models.PositiveSmallIntegerField(_("名次"))
    node = models.ForeignKey(Node, verbose_name=_("环节"), on_delete=models.PROTECT, related_name="report_rows")
    code = models.CharField(_("代码"), max_length=64)
    name = models.CharField(_("环节"), max_length=64)
    tier = models.CharField(_("层级"), max_length=10)
    status = models.CharField(_("状态"), max_length=8)
    fragile = models.BooleanField(_("单点"))
    action = models.CharField(_("动作"), max_length=12)
    action_clause = models.TextField(_("判定"))
    covered_by_pipeline = models.BooleanField(_("已有项目覆盖"), default=False)
    gap = models.FloatField(_("分值"))
    gap_with_pipeline = models.FloatField(_("计入在途项目后的分值"))
    contributions = models.JSONField(_("构成"))
    interval = models.JSONField(_("区间"))
    projects = models.JSONField(_("在谈/签约项目"))
    candidates = models.JSONField(_("候选企业"))
    carriers = models.JSONField(_("载体"))
    people = models.JSONField(_("专人"))
    next_step = models.CharField(_("下一步"), max_length=255, blank=True)

    class Meta:
        verbose_name = _("报告行")
        verbose_name_plural = _("报告行")
        ordering = ["report", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["report", "rank"], name="report_row_rank"),
            models.UniqueConstraint(fields=["report", "node"], name="report_row_node"),
        ]

    def __str__(self) -> str:
        return f"{self.rank}. {self.name}"
