"""Where projects land: zones (一主两区三带) and the carriers in them."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.utils.translation import gettext_lazy as _

from office.models import User, Versioned
from plans.models import Clause


class Zone(Versioned):
    class Kind(models.TextChoices):
        AXIS = "axis", _("一主")
        AREA = "area", _("两区")
        BELT = "belt", _("三带")
        CLUSTER = "cluster", _("片区")

    code = models.SlugField(_("代码"), max_length=48, unique=True)
    name = models.CharField(_("名称"), max_length=64)
    kind = models.CharField(_("类别"), max_length=8, choices=Kind)
    parent = models.ForeignKey(
        "self", verbose_name=_("所属"), null=True, blank=True, on_delete=models.PROTECT, related_name="parts"
    )
    focus = models.CharField(_("方向"), max_length=255, blank=True)
    boundary = models.CharField(_("范围"), max_length=255, blank=True)
    area_sqm = models.DecimalField(_("面积（平方米）"), max_digits=14, decimal_places=2, null=True, blank=True)
    clause = models.ForeignKey(Clause, verbose_name=_("规划条款"), null=True, on_delete=models.PROTECT)

    class Meta:
        verbose_name = _("片区")
        verbose_name_plural = _("片区")
        ordering = ["kind", "code"]

    def __str__(self) -> str:
        return self.name


class Carrier(Versioned):
    class Kind(models.TextChoices):
        BUILDING = "building", _("产业楼宇")
        PARK = "park", _("园区")
        RENEWAL = "renewal", _("城市更新项目")
        BASE = "base", _("产业基地")
        STREET = "street", _("商圈街区")

    code = models.SlugField(_("代码"), max_length=48, unique=True)
    name = models.CharField(_("名称"), max_length=64)
    kind = models.CharField(_("类别"), max_length=8, choices=Kind)
    zone = models.ForeignKey(
        Zone, verbose_name=_("片区"), null=True, blank=True, on_delete=models.PROTECT, related_name="carriers"
    )
    area_sqm = models.DecimalField(_("面积（平方米）"), max_digits=14, decimal_places=2, null=True, blank=True)
    industries = models.JSONField(_("产业方向"), default=list, blank=True, help_text=_("产业链代码列表"))
    clause = models.ForeignKey(Clause, verbose_name=_("规划条款"), null=True, on_delete=models.PROTECT)
    note = models.CharField(_("说明"), max_length=255, blank=True)
    is_sample = models.BooleanField(_("示例"), default=False)

    class Meta:
        verbose_name = _("载体")
        verbose_name_plural = _("载体")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(area_sqm__isnull=True) | models.Q(area_sqm__gt=0), name="carrier_area_positive",
                violation_error_message=_("面积须大于 0；不详请留空"),
            )
        ]

    def __str__(self) -> str:
        return self.name


class CarrierOperator(models.Model):
    """楼宇运营方: who runs a carrier, from when to when. The person sees this carrier and the projects bound for it."""

    carrier = models.ForeignKey(Carrier, verbose_name=_("载体"), on_delete=models.CASCADE, related_name="operators")
    user = models.ForeignKey(User, verbose_name=_("运营方"), on_delete=models.PROTECT, related_name="operated_carriers")
    term = DateRangeField(_("任期"))

    class Meta:
        verbose_name = _("运营方任期")
        verbose_name_plural = _("运营方任期")
        ordering = ["carrier", "term"]
        constraints = [
            ExclusionConstraint(
                name="carrier_operator_once_at_a_date",
                expressions=[
                    ("carrier", RangeOperators.EQUAL), ("user", RangeOperators.EQUAL), ("term", RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("这位运营方在这段时间已登记"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.carrier} · {self.user}"
