"""A company as the bureau knows it.

The internal id is the identity: codes change, companies merge and split, so 统一社会信用代码 are dated aliases
(CompanyIdentifier) and no foreign key of the program ever points at a code. `code` (C000123) is what people and
addresses use. What comes from a data source is written by crm.sync.merge only, in one transaction per run; NULL from a
source never overwrites a value, a deletion there only marks `status` here. `version` grows with every change and guards
edits made by two people at once. Natural persons (法定代表人 …) are not stored.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from crm.codes import OPERATING, STATUS_LABELS, division_name, divisions, industry_name, street_name
from office.models import Versioned


class NextCompanyCode(models.Func):
    """'C' and the next number of its own sequence, made by the database so that COPY and raw inserts get one too."""

    template = "('C' || lpad((nextval('crm_company_code_seq'::regclass))::text, 6, '0'))"
    output_field = models.CharField()


class Company(Versioned):
    code = models.CharField(_("编号"), max_length=16, db_default=NextCompanyCode(), editable=False)
    name = models.CharField(_("企业名称"), max_length=200)
    short_name = models.CharField(_("简称"), max_length=64, blank=True, db_default="")
    name_pinyin = models.CharField(_("名称拼音"), max_length=600, blank=True, editable=False, db_default="")
    name_initials = models.CharField(_("拼音首字母"), max_length=200, blank=True, editable=False, db_default="")
    status = models.CharField(_("登记状态"), max_length=24, choices=list(STATUS_LABELS.items()), default="active")
    is_operating = models.GeneratedField(
        verbose_name=_("在营"), expression=models.Q(status__in=OPERATING), output_field=models.BooleanField(),
        db_persist=True,
    )
    industry_code = models.CharField(_("行业代码"), max_length=4, blank=True, db_default="", help_text="GB/T 4754-2017")
    industry = models.ForeignKey(
        "crm.IndustryCode", verbose_name=_("行业"), null=True, blank=True, on_delete=models.PROTECT,
        related_name="companies",
    )
    district_code = models.CharField(_("区划代码"), max_length=6, blank=True, db_default="", help_text="GB/T 2260")
    street_code = models.CharField(_("街道代码"), max_length=9, blank=True, db_default="")
    address = models.CharField(_("地址"), max_length=300, blank=True, db_default="")
    established_on = models.DateField(_("成立日期"), null=True, blank=True)
    registered_capital = models.DecimalField(
        _("注册资本（元）"), max_digits=20, decimal_places=4, null=True, blank=True
    )
    registered_capital_currency = models.CharField(_("注册资本币种"), max_length=3, blank=True, db_default="")
    registered_capital_text = models.CharField(_("注册资本原文"), max_length=64, blank=True, db_default="")
    annual_revenue = models.DecimalField(_("年营业收入（元）"), max_digits=20, decimal_places=4, null=True, blank=True)
    revenue_year = models.PositiveSmallIntegerField(_("营收年度"), null=True, blank=True)
    employees = models.PositiveIntegerField(_("从业人数"), null=True, blank=True)
    business_scope = models.TextField(_("经营范围"), blank=True, db_default="")
    products = models.JSONField(_("主要产品"), default=list, blank=True, help_text=_("每项为产品名称与营收占比"))
    is_sample = models.BooleanField(_("示例"), default=False, editable=False)
    source = models.ForeignKey(
        "crm.Source", verbose_name=_("数据源"), null=True, blank=True, editable=False, on_delete=models.PROTECT,
        related_name="companies", db_index=False,
    )
    first_run = models.ForeignKey(
        "crm.SyncRun", verbose_name=_("建档于"), null=True, blank=True, editable=False, on_delete=models.PROTECT,
        related_name="+", db_index=False,
    )
    merged_into = models.ForeignKey(
        "self", verbose_name=_("已并入"), null=True, blank=True, editable=False, on_delete=models.PROTECT,
        related_name="absorbed", db_index=False,
    )
    created_at = models.DateTimeField(_("录入时间"), auto_now_add=True)
    updated_at = models.DateTimeField(_("更新时间"), auto_now=True)

    class Meta:
        verbose_name = _("企业")
        verbose_name_plural = _("企业")
        ordering = ["code"]
        indexes = [
            models.Index(fields=["district_code", "industry_code"], name="company_place_trade"),
            models.Index(fields=["name_initials"], name="company_initials", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["name"], name="company_name"),
            models.Index(fields=["merged_into"], condition=models.Q(merged_into__isnull=False), name="company_merged"),
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="company_name_trgm"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["code"], name="company_code_once"),
            models.CheckConstraint(
                condition=models.Q(merged_into__isnull=True) | ~models.Q(merged_into=models.F("id")),
                name="company_not_merged_into_itself",
            ),
            models.CheckConstraint(condition=models.Q(status__in=list(STATUS_LABELS)), name="company_status_known"),
            models.CheckConstraint(condition=~models.Q(name=""), name="company_named"),
            models.CheckConstraint(
                condition=models.Q(district_code__regex=r"^(\d{6})?$") & models.Q(street_code__regex=r"^(\d{9})?$"),
                name="company_place_shape", violation_error_message=_("区划代码应为 6 位数字，街道代码应为 9 位数字"),
            ),
            models.CheckConstraint(
                condition=models.Q(registered_capital__isnull=True) | models.Q(registered_capital__gte=0),
                name="company_capital_not_negative", violation_error_message=_("注册资本不能为负"),
            ),
            models.CheckConstraint(
                condition=models.Q(annual_revenue__isnull=True)
                | models.Q(annual_revenue__gte=0, revenue_year__isnull=False),
                name="company_revenue_has_year", violation_error_message=_("年营业收入不能为负，且须注明年度"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        adding = self._state.adding
        super().save(*args, **kwargs)
        if adding:
            self.refresh_from_db(fields=["code", "is_operating"])
        else:
            self.__dict__.pop("is_operating", None)  # the database computes it: read it again when asked

    def clean(self) -> None:
        if self.district_code and self.district_code not in divisions():
            raise ValidationError({"district_code": _("区划代码不在 GB/T 2260 表中")})
        if self.street_code and not self.street_code.startswith(self.district_code or "?"):
            raise ValidationError({"street_code": _("街道不在所填的区划内")})

    @property
    def root(self) -> Company:
        """The live company that this row is now: itself, or the one that has absorbed it (merges are one level deep)."""
        return self.merged_into or self

    @property
    def district_name(self) -> str:
        return division_name(self.district_code)

    @property
    def street_name(self) -> str:
        return street_name(self.street_code)

    @property
    def industry_name(self) -> str:
        return industry_name(self.industry_code)
