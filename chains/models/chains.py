"""A chain and its versions.

    Chain ──< ChainVersion ──< NodeSpec, SupplyGroup      what the map says in that version; never edited afterwards
      └────< Node                                         what a placement and a report point at; outlives versions

An edit publishes the next version (services/publish.py). Reports keep the version that they were made with.
"""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Company
from office.models import User, Versioned
from plans.models import Clause


class Chain(Versioned):
    code = models.SlugField(_("代码"), max_length=48, unique=True)
    name = models.CharField(_("名称"), max_length=64, unique=True)
    group = models.CharField(_("分组"), max_length=32, blank=True)
    summary = models.CharField(_("概要"), max_length=255, blank=True)
    clause = models.ForeignKey(Clause, verbose_name=_("规划条款"), null=True, blank=True, on_delete=models.PROTECT)
    contact = models.ForeignKey(
        User, verbose_name=_("专班联系人"), null=True, blank=True, on_delete=models.PROTECT, related_name="contact_of_chains"
    )
    order = models.PositiveSmallIntegerField(_("次序"), default=0)

    class Meta:
        verbose_name = _("产业链")
        verbose_name_plural = _("产业链")
        ordering = ["order", "code"]

    def __str__(self) -> str:
        return self.name


class ChainVersion(models.Model):
    chain = models.ForeignKey(Chain, verbose_name=_("产业链"), on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("版本号"))
    structure_hash = models.CharField(_("结构指纹"), max_length=71)
    district_share = models.FloatField(_("本区占全国份额"), null=True, blank=True)
    note = models.CharField(_("说明"), max_length=255, blank=True)
    extra = models.JSONField(_("其他字段"), default=dict, blank=True)
    document_extra = models.JSONField(_("文件其他字段"), default=dict, blank=True)
    published = models.DateTimeField(_("发布时间"))
    published_by = models.ForeignKey(
        User, verbose_name=_("发布人"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("产业链版本")
        verbose_name_plural = _("产业链版本")
        ordering = ["chain", "-number"]
        constraints = [models.UniqueConstraint(fields=["chain", "number"], name="chain_version_number")]

    def __str__(self) -> str:
        return f"{self.chain} 第 {self.number} 版"


class ChainLeader(models.Model):
    """链长: an official who answers for a chain during a term of office; never a company (that is 链主企业)."""

    chain = models.ForeignKey(Chain, verbose_name=_("产业链"), on_delete=models.CASCADE, related_name="leaders")
    user = models.ForeignKey(User, verbose_name=_("链长"), on_delete=models.PROTECT, related_name="led_chains")
    term = DateRangeField(_("任期"))

    class Meta:
        verbose_name = _("链长任期")
        verbose_name_plural = _("链长任期")
        ordering = ["chain", "term"]
        constraints = [
            ExclusionConstraint(
                name="chain_one_leader_at_a_date",
                expressions=[("chain", RangeOperators.EQUAL), ("term", RangeOperators.OVERLAPS)],
                violation_error_message=_("任期与本链另一位链长重叠"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.chain} · {self.user}"


class LeadFirm(models.Model):
    """链主企业 as the plan names it. The plan gives a name and nothing else, so the company is linked by hand."""

    chain = models.ForeignKey(Chain, verbose_name=_("产业链"), on_delete=models.CASCADE, related_name="lead_firms")
    name = models.CharField(_("名称"), max_length=64)
    company = models.ForeignKey(Company, verbose_name=_("企业"), null=True, blank=True, on_delete=models.SET_NULL)
    clause = models.ForeignKey(Clause, verbose_name=_("规划条款"), null=True, on_delete=models.PROTECT)

    class Meta:
        verbose_name = _("链主企业")
        verbose_name_plural = _("链主企业")
        ordering = ["chain", "id"]
        constraints = [models.UniqueConstraint(fields=["chain", "name"], name="lead_firm_once_a_chain")]

    def __str__(self) -> str:
        return self.name
