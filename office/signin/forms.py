"""allauth's forms with our words."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm, ReauthenticateForm
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as CodeReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.utils.translation import gettext_lazy as _

MAX_PASSWORD = 256  # a longer one only costs hashing time
CODE_LENGTH = 16


class SignInForm(LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("用户名")
        self.fields["password"] = forms.CharField(label=_("密码"), max_length=MAX_PASSWORD, strip=False)

    def add_prefix(self, field_name: str) -> str:
        """The field is called what everybody calls it; allauth calls it login."""
        return super().add_prefix("username" if field_name == "login" else field_name)


class PasswordAgainForm(ReauthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"] = forms.CharField(label=_("密码"), max_length=MAX_PASSWORD, strip=False)


class _CodeMixin:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"] = forms.CharField(label=_("验证码"), max_length=CODE_LENGTH)  # type: ignore[attr-defined]


class CodeForm(_CodeMixin, AuthenticateForm):
    pass


class CodeAgainForm(_CodeMixin, CodeReauthenticateForm):
    pass


class ActivateForm(_CodeMixin, ActivateTOTPForm):
    pass
