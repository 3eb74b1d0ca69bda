from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class IndustryCode(models.Model):
    """One row of 国民经济行业分类; `standard` names the version, so that a later edition stands beside it."""

    standard = models.CharField(_("标准"), max_length=32)
    code = models.CharField(_("代码"), max_length=4)
    name = models.CharField(_("名称"), max_length=128)
    level = models.PositiveSmallIntegerField(_("层级"))
    parent_code = models.CharField(_("上级代码"), max_length=4, blank=True)
    section = models.CharField(_("门类"), max_length=1)

    class Meta:
        verbose_name = _("行业代码")
        verbose_name_plural = _("行业代码")
        ordering = ["standard", "code"]
        constraints = [
            models.UniqueConstraint(fields=["standard", "code"], name="industrycode_once"),
            models.CheckConstraint(condition=models.Q(level__gte=1, level__lte=4), name="industrycode_level"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"
