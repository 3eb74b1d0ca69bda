"""A person at a company whom an officer may call: kept for a purpose, by a keeper, until a date (个人信息保护法).

    Contact ── PERSONAL_FIELDS       what erasing overwrites, and what the audit may only hold as salted fingerprints
       │   └── CONFIDENTIAL_FIELDS   what reaches the person: masked for every role (crm/scopes.py hides the columns)
       └── Disclosure                each time that the clear values left the program, and for what (disclosure.py)

`str()` names nobody, so that admin log entries, messages, job results and tracebacks cannot either. Rows are written by
services/save_contact.py and erase_contact.py; what is erased stays as it is (trigger), and nothing is deleted.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from office.models import User, Versioned
from office.privacy import format_phone, mask_email, mask_phone, mask_word

ERASED_NAME = "已删除的联系人"
_BLANK = models.Q(title="", department="", phone="", other_phone="", email="", wechat="")


class Contact(Versioned):
    PERSONAL_FIELDS = ("name", "title", "department", "phone", "other_phone", "email", "wechat")
    CONFIDENTIAL_FIELDS = ("phone", "other_phone", "email", "wechat")

    class Purpose(models.TextChoices):
        PROJECT = "project", _("项目洽谈与落地")
        SERVICE = "service", _("企业走访与服务")
        POLICY = "policy", _("政策申报")
        EVENT = "event", _("活动邀约")

    class Basis(models.TextChoices):
        SELF = "self", _("本人提供")
        DUTY = "duty", _("所在单位指定的对接人")
        CONSENT = "consent", _("本人同意后由他人介绍")
        PUBLIC = "public", _("本人或单位已合法公开")

    class Status(models.TextChoices):
        ACTIVE = "active", _("在用")
        ERASED = "erased", _("已删除")

    company = models.ForeignKey(
        "crm.Company", verbose_name=_("企业"), on_delete=models.PROTECT, related_name="contacts"
    )
    name = models.CharField(_("姓名"), max_length=64)
    title = models.CharField(_("职务"), max_length=64, blank=True)
    department = models.CharField(_("所在部门"), max_length=64, blank=True)
    phone = models.CharField(_("电话"), max_length=32, blank=True)
    other_phone = models.CharField(_("备用电话"), max_length=32, blank=True)
    email = models.EmailField(_("电子邮箱"), max_length=128, blank=True)
    wechat = models.CharField(_("微信号"), max_length=64, blank=True)
    purpose = models.CharField(_("保存目的"), max_length=16, choices=Purpose)
    basis = models.CharField(_("取得依据"), max_length=16, choices=Basis)
    collected_on = models.DateField(_("取得日期"))
    last_used_on = models.DateField(_("最近使用"), editable=False)
    keep_until = models.DateField(_("保存至"))
    keep_until_agreed = models.BooleanField(
        _("期限为人工填写"), default=False, editable=False, help_text=_("人工填写的期限不因再次使用而延长")
    )
    keeper = models.ForeignKey(User, verbose_name=_("保管人"), on_delete=models.PROTECT, related_name="kept_contacts")
    status = models.CharField(_("状态"), max_length=8, choices=Status, default=Status.ACTIVE, editable=False)
    erased_at = models.DateTimeField(_("删除时间"), null=True, blank=True, editable=False)
    erased_by = models.ForeignKey(
        User, verbose_name=_("删除人"), null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    erased_reason = models.CharField(_("删除原因"), max_length=200, blank=True, editable=False)
    privacy_salt = models.UUIDField(_("指纹盐"), default=uuid.uuid4, editable=False)
    is_sample = models.BooleanField(_("示例"), default=False, editable=False)
    created_at = models.DateTimeField(_("录入时间"), auto_now_add=True)
    updated_at = models.DateTimeField(_("更新时间"), auto_now=True)

    class Meta:
        verbose_name = _("联系人")
        verbose_name_plural = _("联系人")
        ordering = ["status", "company", "id"]
        permissions = [
            ("reveal_contact", "查阅联系人完整信息"), ("export_contact", "导出联系人"), ("erase_contact", "删除联系人个人信息"),
        ]
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="contact_named"),
            models.CheckConstraint(
                condition=models.Q(status="active", erased_at__isnull=True, erased_reason="")
                | (models.Q(status="erased", erased_at__isnull=False, name=ERASED_NAME) & ~models.Q(erased_reason="") & _BLANK),
                name="contact_erased_is_empty",
            ),
            models.CheckConstraint(
                condition=models.Q(last_used_on__gte=models.F("collected_on")), name="contact_used_after_collected"
            ),
        ]
        indexes = [
            models.Index(fields=["keeper"], name="contact_keeper"),
            models.Index(fields=["phone"], name="contact_phone"),
            models.Index(fields=["keep_until"], condition=models.Q(status="active"), name="contact_due"),
        ]

    def __str__(self) -> str:
        return f"联系人 {self.pk}" if self.pk else "新联系人"

    @property
    def is_erased(self) -> bool:
        return self.status == self.Status.ERASED

    def masked(self, field: str) -> str:
        """One of CONFIDENTIAL_FIELDS as everybody sees it."""
        value: str = getattr(self, field)
        if field == "email":
            return mask_email(value)
        return mask_word(value) if field == "wechat" else mask_phone(value)

    def clear_values(self) -> dict[str, str]:
        """Field → value that reaches the person. Only services that write a Disclosure may ask."""
        values = {field: getattr(self, field) for field in self.CONFIDENTIAL_FIELDS}
        return {field: format_phone(v) if "phone" in field else v for field, v in values.items() if v}
