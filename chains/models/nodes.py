"""Nodes and supply: a node's identity is its code in its chain; what it looks like belongs to a version.

NodeSpec and SupplyGroup rows of a published version are frozen by a database trigger.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chains.models.chains import Chain, ChainVersion
from plans.models import Clause


class Node(models.Model):
    chain = models.ForeignKey(Chain, verbose_name=_("产业链"), on_delete=models.PROTECT, related_name="nodes")
    code = models.CharField(_("代码"), max_length=64)
    name = models.CharField(_("环节"), max_length=64, help_text=_("随最新版本更新"))

    class Meta:
        verbose_name = _("环节")
        verbose_name_plural = _("环节")
        ordering = ["chain", "code"]
        constraints = [models.UniqueConstraint(fields=["chain", "code"], name="node_code_in_chain")]

    def __str__(self) -> str:
        return f"{self.name}（{self.chain.name}）"  # chains share node names: whoever lists nodes joins the chain in


class NodeSpec(models.Model):
    class Tier(models.TextChoices):
        UPSTREAM = "upstream", _("上游")
        MIDSTREAM = "midstream", _("中游")
        DOWNSTREAM = "downstream", _("下游")

    class Origin(models.TextChoices):
        PLAN = "plan", _("规划点名")
        INDUSTRY = "industry", _("行业常识")

    version = models.ForeignKey(ChainVersion, verbose_name=_("版本"), on_delete=models.CASCADE, related_name="specs")
    node = models.ForeignKey(Node, verbose_name=_("环节"), on_delete=models.PROTECT, related_name="specs")
    order = models.PositiveSmallIntegerField(_("次序"), default=0)
    name = models.CharField(_("名称"), max_length=64)
    tier = models.CharField(_("层级"), max_length=10, choices=Tier)
    weight = models.FloatField(_("权重"), default=1)
    target_capacity = models.FloatField(_("目标能力（亿元/年）"))
    national_mass = models.FloatField(_("全国规模（亿元/年）"), null=True, blank=True)
    external_availability = models.FloatField(_("外购可得性"), default=0)
    policy_weight = models.FloatField(_("政策权重"), default=0)
    is_output = models.BooleanField(_("终端产出"), default=False)
    clause = models.ForeignKey(Clause, verbose_name=_("规划条款"), null=True, blank=True, on_delete=models.PROTECT)
    origin = models.CharField(_("来历"), max_length=8, choices=Origin, default=Origin.INDUSTRY)
    reason = models.CharField(_("理由"), max_length=255, blank=True)
    keywords = models.JSONField(_("关键词"), default=list, blank=True)
    industry_codes = models.JSONField(_("行业代码"), default=list, blank=True)
    extra = models.JSONField(_("其他字段"), default=dict, blank=True)

    class Meta:
        verbose_name = _("环节参数")
        verbose_name_plural = _("环节参数")
        ordering = ["version", "order"]
        constraints = [
            models.UniqueConstraint(fields=["version", "node"], name="node_once_a_version"),
            models.CheckConstraint(condition=models.Q(weight__gte=0), name="node_weight_not_negative"),
            models.CheckConstraint(condition=models.Q(target_capacity__gt=0), name="node_capacity_positive"),
            models.CheckConstraint(
                condition=models.Q(external_availability__gte=0, external_availability__lte=1)
                & models.Q(policy_weight__gte=0, policy_weight__lte=1),
                name="node_shares_in_unit_interval",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SupplyGroup(models.Model):
    """One need of a node: any one of the alternatives will do, and a node needs every one of its groups."""

    version = models.ForeignKey(ChainVersion, verbose_name=_("版本"), on_delete=models.CASCADE, related_name="groups")
    node = models.ForeignKey(Node, verbose_name=_("需求环节"), on_delete=models.PROTECT, related_name="needs")
    order = models.PositiveSmallIntegerField(_("次序"), default=0)
    label = models.CharField(_("需求"), max_length=64, blank=True)
    importance = models.FloatField(_("重要性"), default=1)
    extra = models.JSONField(_("其他字段"), default=dict, blank=True)

    class Meta:
        verbose_name = _("供应组")
        verbose_name_plural = _("供应组")
        ordering = ["version", "order"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(importance__gte=0, importance__lte=1), name="group_importance_in_unit_interval"
            )
        ]

    def __str__(self) -> str:
        return self.label or str(self.node)


class SupplyAlternative(models.Model):
    group = models.ForeignKey(SupplyGroup, verbose_name=_("供应组"), on_delete=models.CASCADE, related_name="alternatives")
    node = models.ForeignKey(Node, verbose_name=_("供应环节"), on_delete=models.PROTECT, related_name="supplies")
    order = models.PositiveSmallIntegerField(_("次序"), default=0)
    substitution = models.FloatField(_("替代程度"), default=1)
    extra = models.JSONField(_("其他字段"), default=dict, blank=True)

    class Meta:
        verbose_name = _("供应选项")
        verbose_name_plural = _("供应选项")
        ordering = ["group", "order"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(substitution__gte=0, substitution__lte=1), name="substitution_in_unit_interval"
            )
        ]

    def __str__(self) -> str:
        return str(self.node)
