"""The plan's figures: what it promises (Indicator) and what it reports (ContextFigure)."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from plans.measures import Direction as Rise
from plans.measures import Share
from plans.models.plan import Clause, Plan


class Indicator(models.Model):
    """A target of the plan. Table 1, a chain's own section and the key projects set some, at times for one subject.

    `target_2025` is the figure as printed, the low end where the plan prints a range (`target_high` is the other end).
    A target below its baseline is either falling by design or a floor that was passed before the plan began; which of
    the two it is decides how progress is told, so such a row must carry a note.
    """

    class Kind(models.TextChoices):
        TABLE1 = "table1", _("表1指标")
        CHAIN = "chain", _("产业链目标")
        OTHER = "other", _("其他目标")

    class Direction(models.TextChoices):
        RISE = Rise.RISE.value, _("上升")
        FALL = Rise.FALL.value, _("下降")

    class Comparator(models.TextChoices):
        EQUAL = "=", _("达到")
        OVER = ">", _("超过")
        AT_LEAST = ">=", _("不低于")

    plan = models.ForeignKey(Plan, verbose_name=_("规划"), on_delete=models.PROTECT, related_name="indicators")
    clause = models.ForeignKey(Clause, verbose_name=_("条款"), on_delete=models.PROTECT, related_name="indicators")
    code = models.SlugField(_("代码"), max_length=64)
    kind = models.CharField(_("来源"), max_length=6, choices=Kind)
    category = models.CharField(_("类别"), max_length=16, blank=True)
    name = models.CharField(_("指标"), max_length=64)
    unit = models.CharField(_("单位"), max_length=16)
    baseline_2020 = models.DecimalField(_("2020年值"), max_digits=14, decimal_places=4, null=True, blank=True)
    comparator = models.CharField(_("比较"), max_length=2, choices=Comparator, default=Comparator.EQUAL)
    target_2025 = models.DecimalField(_("目标值"), max_digits=14, decimal_places=4)
    target_high = models.DecimalField(_("目标上限"), max_digits=14, decimal_places=4, null=True, blank=True)
    target_year = models.PositiveSmallIntegerField(
        _("目标年"), null=True, blank=True, help_text=_("原文未写年份则留空，即规划期内")
    )
    direction = models.CharField(_("方向"), max_length=4, choices=Direction)
    share_of = models.CharField(_("占比口径"), max_length=32, blank=True, help_text=_("分子/分母，如 增加值/地区生产总值"))
    chain_code = models.SlugField(_("产业链代码"), max_length=32, blank=True)
    note = models.CharField(_("说明"), max_length=200, blank=True)
    order = models.PositiveSmallIntegerField(_("顺序"))

    class Meta:
        verbose_name = _("指标")
        verbose_name_plural = _("指标")
        ordering = ["plan", "order"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "code"], name="indicator_code_once_per_plan"),
            models.UniqueConstraint(
                fields=["plan", "name"], condition=Q(kind="table1"), name="indicator_table1_name_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["table1", "chain", "other"], direction__in=["rise", "fall"]),
                name="indicator_known_words",
            ),
            models.CheckConstraint(condition=Q(comparator__in=["=", ">", ">="]), name="indicator_comparator"),
            models.CheckConstraint(
                condition=Q(kind="table1") & ~Q(category="") | ~Q(kind="table1") & Q(category=""),
                name="indicator_category_belongs_to_table1",
            ),
            models.CheckConstraint(
                condition=~Q(kind="chain") | ~Q(chain_code=""), name="indicator_of_a_chain_names_it"
            ),
            models.CheckConstraint(
                condition=~Q(kind="other") | Q(chain_code=""), name="indicator_of_no_chain_names_none"
            ),
            models.CheckConstraint(
                condition=Q(target_high__isnull=True) | Q(target_high__gt=F("target_2025")),
                name="indicator_range_rises",
            ),
            models.CheckConstraint(
                condition=Q(target_2025__gte=0) & (~Q(unit="%") | Q(target_2025__lte=100)),
                name="indicator_target_possible",
            ),
            models.CheckConstraint(
                condition=Q(baseline_2020__isnull=True)
                | Q(baseline_2020__gte=0) & (~Q(unit="%") | Q(baseline_2020__lte=100)),
                name="indicator_baseline_possible",
            ),
            models.CheckConstraint(
                condition=~Q(direction="fall")
                | Q(baseline_2020__isnull=False, comparator="=", target_2025__lt=F("baseline_2020")),
                name="indicator_falls_below_its_baseline",
            ),
            models.CheckConstraint(
                condition=Q(baseline_2020__isnull=True) | Q(target_2025__gte=F("baseline_2020")) | ~Q(note=""),
                name="indicator_below_baseline_explained",
            ),
        ]
        indexes = [models.Index(fields=["plan", "chain_code"], name="indicator_by_chain")]

    def __str__(self) -> str:
        return self.name

    @property
    def target_low(self) -> Decimal:
        return self.target_2025

    def as_share(self, *, baseline: bool = False) -> Share:
        """For `may_be_drawn_as_parts`. The plan declares no shares disjoint, so none carries a partition."""
        return Share(self.name, self.baseline_2020 if baseline else self.target_2025, self.share_of)


class ContextFigure(models.Model):
    """A figure that the plan reports about the past, for pages that give the background."""

    class Comparator(models.TextChoices):
        EQUAL = "=", _("为")
        OVER = ">", _("超过")
        UNDER = "<", _("不足")

    plan = models.ForeignKey(Plan, verbose_name=_("规划"), on_delete=models.PROTECT, related_name="context_figures")
    clause = models.ForeignKey(Clause, verbose_name=_("条款"), on_delete=models.PROTECT, related_name="context_figures")
    key = models.SlugField(_("键"), max_length=64)
    name = models.CharField(_("名称"), max_length=64)
    comparator = models.CharField(_("比较"), max_length=2, choices=Comparator, default=Comparator.EQUAL)
    value = models.DecimalField(_("数值"), max_digits=14, decimal_places=4)
    unit = models.CharField(_("单位"), max_length=16)
    year = models.PositiveSmallIntegerField(_("年份"), null=True, blank=True, help_text=_("原文未写年份则留空"))
    note = models.CharField(_("说明"), max_length=200, blank=True)
    order = models.PositiveSmallIntegerField(_("顺序"))

    class Meta:
        verbose_name = _("背景数据")
        verbose_name_plural = _("背景数据")
        ordering = ["plan", "order"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "key"], name="context_figure_key_once_per_plan"),
            models.CheckConstraint(condition=Q(comparator__in=["=", ">", "<"]), name="context_figure_comparator"),
        ]

    def __str__(self) -> str:
        return self.name
