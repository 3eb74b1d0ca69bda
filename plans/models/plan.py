"""The plan and its clauses.

A plan is a published text; the program keeps its structure and its figures, never its sentences. A clause is the
address of one heading, paragraph, box, table or figure ("四(一)2#1"), with one line in our own words. Everything
else in the program that follows from the plan (an indicator, a chain node, a zone, a task) cites a clause, so that a
reader can go back to the page. Clauses are only ever loaded from the fixture files: they are read-only on screen, and
PROTECT keeps a cited clause from vanishing.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Plan(models.Model):
    code = models.SlugField(_("代码"), max_length=32, unique=True)
    name = models.CharField(_("名称"), max_length=128)
    period_start = models.PositiveSmallIntegerField(_("起始年"))
    period_end = models.PositiveSmallIntegerField(_("目标年"))
    published = models.CharField(_("发布年月"), max_length=7, help_text=_("只到月，如 2022-02"))
    issuer = models.CharField(_("发布机构"), max_length=64, blank=True, help_text=_("原文未写则留空"))

    class Meta:
        verbose_name = _("规划")
        verbose_name_plural = _("规划")
        ordering = ["-period_start", "code"]
        constraints = [
            models.CheckConstraint(condition=Q(period_end__gt=F("period_start")), name="plan_period_runs_forward"),
            models.CheckConstraint(
                condition=Q(published__regex=r"^\d{4}-(0[1-9]|1[0-2])$"), name="plan_published_is_a_month"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Clause(models.Model):
    class Kind(models.TextChoices):
        HEADING = "heading", _("标题")
        PARAGRAPH = "paragraph", _("段落")
        BOX = "box", _("专栏")
        TABLE = "table", _("表")
        FIGURE = "figure", _("图")

    plan = models.ForeignKey(Plan, verbose_name=_("规划"), on_delete=models.PROTECT, related_name="clauses")
    anchor = models.CharField(_("条款号"), max_length=32, help_text=_("如 四(一)2 为标题，四(一)2#1 为其下第一段"))
    parent = models.ForeignKey(
        "self", verbose_name=_("上级条款"), on_delete=models.PROTECT, related_name="children", null=True, blank=True
    )
    kind = models.CharField(_("类别"), max_length=9, choices=Kind)
    heading_path = models.CharField(_("所在标题"), max_length=200)
    summary = models.CharField(_("摘要"), max_length=60, help_text=_("用自己的话写一行，不抄原文"))
    page = models.PositiveSmallIntegerField(_("目录页码"), null=True, blank=True)
    order = models.PositiveSmallIntegerField(_("顺序"))

    class Meta:
        verbose_name = _("条款")
        verbose_name_plural = _("条款")
        ordering = ["plan", "order"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "anchor"], name="clause_anchor_once_per_plan"),
            models.CheckConstraint(condition=~Q(anchor=""), name="clause_has_an_anchor"),
            models.CheckConstraint(condition=~Q(summary=""), name="clause_has_a_summary"),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="clause_is_not_its_own_parent"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.anchor} {self.summary}"

    @property
    def title(self) -> str:
        return self.heading_path.rpartition(" / ")[2]
