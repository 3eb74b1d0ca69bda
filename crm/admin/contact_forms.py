"""The contact form: what reaches the person goes in and never comes out again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
)

from crm.models import Contact
from crm.retention import KeptTooLong, end_of_keeping
from office.models import User
from office.people import holding
from office.privacy import PhoneError, canonical_phone
from office.roles import PERMISSIONS

CLEAR = "-"
KEEPING_ROLES = [role for role, rights in PERMISSIONS.items() if "crm.change_contact" in rights]


class NewValue(forms.CharField):
    """Empty whatever is stored; what is typed replaces it, and "-" empties it."""

    def __init__(self, *, column: str, widget: Any = UnfoldAdminTextInputWidget, **kwargs: Any) -> None:
        self.column = column
        label, longest = Contact._meta.get_field(column).verbose_name, Contact._meta.get_field(column).max_length
        super().__init__(
            label=label, required=False, max_length=longest, widget=widget(attrs={"autocomplete": "off"}), **kwargs
        )

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return text if text in ("", CLEAR) else self.checked(text)

    def checked(self, text: str) -> str:
        return text


class NewPhone(NewValue):
    def checked(self, text: str) -> str:
        try:
            return canonical_phone(text)
        except PhoneError as error:
            raise ValidationError(str(error)) from error


class NewEmail(NewValue):
    def checked(self, text: str) -> str:
        return str(forms.EmailField().clean(text))


class ContactForm(forms.ModelForm):
    new_phone = NewPhone(column="phone")
    new_other_phone = NewPhone(column="other_phone")
    new_email = NewEmail(column="email", widget=UnfoldAdminEmailInputWidget)
    new_wechat = NewValue(column="wechat")
    agreed_until = forms.DateField(label=_("约定保存至"), required=False, widget=UnfoldAdminSingleDateWidget)
    keeper = forms.ModelChoiceField(
        User.objects.none(), label=_("保管人"), widget=UnfoldAdminSelectWidget,
        help_text=_("换保管人即移交：移交后由对方查阅、修改和负责删除"),
    )

    class Meta:
        model = Contact
        fields = ["company", "name", "title", "department", "purpose", "basis", "collected_on"]
        help_texts = {"name": _("姓名不掩码，凡能看到这条记录的人都能看到")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        contact = self.instance
        self.fields["agreed_until"].help_text = (
            f"可留空：自最近使用之日起保存 {settings.CONTACT_RETENTION_MONTHS} 个月；与本人约定了更短的期限时填写"
        )
        if contact.pk is None:
            self.fields.pop("keeper", None)  # whoever enters it keeps it
            self.fields["collected_on"].initial = timezone.localdate()
            return
        self.fields["keeper"].queryset = holding(*KEEPING_ROLES, keep=contact.keeper_id)
        self.fields["keeper"].initial = contact.keeper_id
        self.fields["agreed_until"].initial = contact.keep_until if contact.keep_until_agreed else None
        for name in self.fields:
            if name.startswith("new_"):
                shown = contact.masked(self.fields[name].column)
                said = f"现为 {shown}；填写则替换，填 {CLEAR} 则清空，留空不变" if shown else "现未填"
                self.fields[name].help_text = said

    def clean_collected_on(self) -> Any:
        day = self.cleaned_data["collected_on"]
        if day > timezone.localdate():
            raise ValidationError(_("取得日期不能晚于今天"))
        return day

    def clean_agreed_until(self) -> Any:
        agreed = self.cleaned_data["agreed_until"]
        try:
            end_of_keeping(last_used=timezone.localdate(), months=settings.CONTACT_RETENTION_MONTHS, agreed=agreed)
        except KeptTooLong as error:
            raise ValidationError(str(error)) from error
        return agreed

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name, field in self.fields.items():
            if name.startswith("new_") and data.get(name):
                setattr(self.instance, field.column, "" if data[name] == CLEAR else data[name])
        if data.get("keeper"):
            self.instance.keeper = data["keeper"]
        broken = any(name.startswith("new_") for name in self.errors)
        if not broken and not self.instance.clear_values():
            self.add_error("new_phone", "请至少填写一种联系方式：电话、备用电话、邮箱或微信号")
        return data


class PurposeForm(forms.Form):
    """What for: asked before anything is shown, exported or erased."""

    purpose = forms.CharField(
        label=_("用途"), max_length=200, widget=UnfoldAdminTextInputWidget,
        help_text=_("例如：约定现场踏勘时间。请不要写姓名和号码，这条记录长期保存"),
    )


class ReasonForm(forms.Form):
    purpose = forms.CharField(
        label=_("删除原因"), max_length=200, widget=UnfoldAdminTextInputWidget,
        help_text=_("例如：本人要求删除；项目终止，不再需要。请不要写姓名和号码"),
    )
