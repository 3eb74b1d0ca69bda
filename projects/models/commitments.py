"""What an agreement promises, by metric and period; actuals come with the promise ledger."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from projects.models.projects import Project


class Commitment(models.Model):
    class Metric(models.TextChoices):
        OUTPUT = "output", _("产值")
        TAX = "tax", _("税收")
        INVESTMENT = "investment", _("投资")
        JOBS = "jobs", _("用工")
        RND = "rnd", _("研发")

    project = models.ForeignKey(Project, verbose_name=_("项目"), on_delete=models.CASCADE, related_name="commitments")
    agreement_version = models.PositiveSmallIntegerField(_("协议版本"), default=1)
    metric = models.CharField(_("指标"), max_length=12, choices=Metric)
    year = models.PositiveSmallIntegerField(_("年度"))
    amount = models.DecimalField(_("承诺值"), max_digits=20, decimal_places=2, help_text=_("金额以元计，用工以人计"))
    entered_as = models.CharField(_("录入原文"), max_length=64, blank=True, help_text=_("例如 1.2 亿元"))

    class Meta:
        verbose_name = _("承诺")
        verbose_name_plural = _("承诺")
        ordering = ["project", "metric", "year"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "agreement_version", "metric", "year"], name="commitment_once_per_period"
            ),
            models.CheckConstraint(
                condition=models.Q(amount__gte=0), name="commitment_not_negative",
                violation_error_message=_("承诺值不能为负"),
            ),
            models.CheckConstraint(
                condition=models.Q(year__gte=2000, year__lte=2100), name="commitment_year_plausible",
                violation_error_message=_("年度应在 2000 至 2100 之间"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_metric_display()} {self.year}"
