"""What holds of a company for a time: its codes, its former names, its grades. Ends are exclusive: [from, to)."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.codes import GRADE_LABELS
from crm.uscc import UsccError, check_uscc

_ENDS_AFTER_START = (
    models.Q(valid_to__isnull=True) | models.Q(valid_from__isnull=True) | models.Q(valid_to__gt=models.F("valid_from"))
)


class CompanyIdentifier(models.Model):
    class Scheme(models.TextChoices):
        USCC = "uscc", _("统一社会信用代码")
        FOREIGN = "foreign", _("境外登记号")

    company = models.ForeignKey(
        "crm.Company", verbose_name=_("企业"), on_delete=models.CASCADE, related_name="identifiers"
    )
    scheme = models.CharField(_("编码体系"), max_length=16, choices=Scheme, default=Scheme.USCC)
    value = models.CharField(_("代码"), max_length=32)
    valid_from = models.DateField(_("启用日期"), null=True, blank=True)
    valid_to = models.DateField(_("停用日期"), null=True, blank=True, help_text=_("空为现用"))

    class Meta:
        verbose_name = _("企业代码")
        verbose_name_plural = _("企业代码")
        ordering = ["company", "scheme", "-valid_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["scheme", "value"], condition=models.Q(valid_to__isnull=True), name="identifier_live_once",
                violation_error_message=_("这个代码正由另一家企业使用"),
            ),
            models.UniqueConstraint(
                fields=["company", "scheme"], condition=models.Q(valid_to__isnull=True), name="identifier_one_live",
                violation_error_message=_("一家企业只能有一个现用代码，请先停用旧代码"),
            ),
            models.CheckConstraint(
                condition=_ENDS_AFTER_START, name="identifier_dates",
                violation_error_message=_("停用日期应晚于启用日期"),
            ),
        ]
        indexes = [models.Index(fields=["value"], name="identifier_value")]

    def __str__(self) -> str:
        return self.value

    def clean(self) -> None:
        if self.scheme == self.Scheme.USCC and self.value:
            try:
                self.value = check_uscc(self.value)
            except UsccError as error:
                raise ValidationError({"value": str(error)}) from None


class CompanyName(models.Model):
    """A former name; the present one stands on the company."""

    company = models.ForeignKey(
        "crm.Company", verbose_name=_("企业"), on_delete=models.CASCADE, related_name="former_names"
    )
    name = models.CharField(_("曾用名"), max_length=200)
    valid_from = models.DateField(_("启用日期"), null=True, blank=True)
    valid_to = models.DateField(_("停用日期"), null=True, blank=True)

    class Meta:
        verbose_name = _("曾用名")
        verbose_name_plural = _("曾用名")
        ordering = ["company", "-valid_to"]
        constraints = [
            models.UniqueConstraint(fields=["company", "name"], name="companyname_once"),
            models.CheckConstraint(
                condition=_ENDS_AFTER_START, name="companyname_dates",
                violation_error_message=_("停用日期应晚于启用日期"),
            ),
        ]
        indexes = [models.Index(fields=["name"], name="companyname_name")]

    def __str__(self) -> str:
        return self.name


class CompanyGrade(models.Model):
    """A title that somebody granted for a time. Whether a company "is" 高新 is a question about a date."""

    company = models.ForeignKey("crm.Company", verbose_name=_("企业"), on_delete=models.CASCADE, related_name="grades")
    grade = models.CharField(_("等级"), max_length=24, choices=list(GRADE_LABELS.items()))
    issuer = models.CharField(_("认定单位"), max_length=64, blank=True, db_default="")
    level = models.CharField(_("层级"), max_length=16, blank=True, db_default="")
    valid_from = models.DateField(_("认定日期"))
    valid_to = models.DateField(_("有效期至"), null=True, blank=True)
    source = models.ForeignKey(
        "crm.Source", verbose_name=_("数据源"), null=True, blank=True, editable=False, on_delete=models.PROTECT,
        related_name="+", help_text=_("空为人工录入；数据源不改人工录入的等级"),
    )

    class Meta:
        verbose_name = _("企业等级")
        verbose_name_plural = _("企业等级")
        ordering = ["company", "grade", "-valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["company", "grade", "valid_from"], name="grade_once"),
            models.CheckConstraint(condition=models.Q(grade__in=list(GRADE_LABELS)), name="grade_known"),
            models.CheckConstraint(
                condition=_ENDS_AFTER_START, name="grade_dates", violation_error_message=_("有效期至应晚于认定日期")
            ),
        ]
        indexes = [models.Index(fields=["grade", "valid_to"], name="grade_valid")]

    def __str__(self) -> str:
        return str(self.get_grade_display())
