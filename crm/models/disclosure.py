"""Each time that a contact's clear values left the program: who, when, what for. One row a contact; a trigger refuses
UPDATE and DELETE, so these rows are kept as long as the program: they hold no personal value that would have to expire."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThanOrEqual
from django.utils.translation import gettext_lazy as _

from crm.models.contacts import Contact
from office.models import User

LEAST_PURPOSE = 4


class Disclosure(models.Model):
    class Kind(models.TextChoices):
        REVEAL = "reveal", _("查阅")
        EXPORT = "export", _("导出")

    class Channel(models.TextChoices):
        ADMIN = "admin", _("业务后台")
        API = "api", _("接口")

    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(User, verbose_name=_("查阅人"), on_delete=models.PROTECT, related_name="disclosures")
    kind = models.CharField(_("方式"), max_length=8, choices=Kind)
    contact = models.ForeignKey(Contact, verbose_name=_("联系人"), on_delete=models.PROTECT, related_name="disclosures")
    purpose = models.CharField(_("用途"), max_length=200)
    fields = models.JSONField(_("所含信息"), default=list)
    channel = models.CharField(_("渠道"), max_length=8, choices=Channel, default=Channel.ADMIN)
    batch = models.UUIDField(_("导出批次"), null=True, blank=True, help_text=_("同一次导出的各行相同"))
    request_id = models.CharField(_("请求编号"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("个人信息查阅记录")
        verbose_name_plural = _("个人信息查阅记录")
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=GreaterThanOrEqual(Length("purpose"), LEAST_PURPOSE), name="disclosure_says_why",
                violation_error_message=_("用途至少写 4 个字"),
            ),
        ]
        indexes = [
            models.Index(fields=["by", "-at"], name="disclosure_by_at"),
            models.Index(fields=["-at"], name="disclosure_at"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"
