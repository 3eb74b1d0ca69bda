"""挂链: a company or a project at a node, with probability, evidence, source and date."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chains.models.nodes import Node
from crm.models import Company
from office.models import User, Versioned
from projects.models import Project


class Placement(Versioned):
    class State(models.TextChoices):
        CANDIDATE = "candidate", _("待确认")
        CONFIRMED = "confirmed", _("已确认")
        REJECTED = "rejected", _("已否定")

    class Source(models.TextChoices):
        PLACER = "placer", _("自动挂链")
        OFFICER = "officer", _("专员指定")
        FIXTURE = "fixture", _("示例数据")

    node = models.ForeignKey(Node, verbose_name=_("环节"), on_delete=models.PROTECT, related_name="placements")
    company = models.ForeignKey(
        Company, verbose_name=_("企业"), null=True, blank=True, on_delete=models.CASCADE, related_name="placements"
    )
    project = models.ForeignKey(
        Project, verbose_name=_("项目"), null=True, blank=True, on_delete=models.CASCADE, related_name="placements"
    )
    probability = models.FloatField(_("概率"))
    revenue_share = models.FloatField(_("营收占比"), default=1)
    evidence = models.JSONField(_("依据"), default=list, blank=True)
    state = models.CharField(_("状态"), max_length=9, choices=State, default=State.CANDIDATE)
    source = models.CharField(_("来源"), max_length=8, choices=Source, default=Source.PLACER)
    placed_on = models.DateField(_("挂链日期"))
    decided_by = models.ForeignKey(
        User, verbose_name=_("确认人"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("挂链")
        verbose_name_plural = _("挂链")
        ordering = ["node", "-probability", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(company__isnull=False, project__isnull=True)
                | models.Q(company__isnull=True, project__isnull=False),
                name="placement_company_or_project",
                violation_error_message=_("挂链对象须为企业或项目之一"),
            ),
            models.CheckConstraint(
                condition=models.Q(probability__gte=0, probability__lte=1)
                & models.Q(revenue_share__gte=0, revenue_share__lte=1),
                name="placement_shares_in_unit_interval",
                violation_error_message=_("概率与营收占比须在 0 与 1 之间"),
            ),
            models.UniqueConstraint(fields=["node", "company"], name="placement_company_once_a_node"),
            models.UniqueConstraint(fields=["node", "project"], name="placement_project_once_a_node"),
        ]

    def __str__(self) -> str:
        return f"{self.company or self.project} @ {self.node}"
