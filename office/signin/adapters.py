"""Where allauth asks us: our words, our addresses, no sign-up, no mail, and single sign-on for people we know."""

from __future__ import annotations

import base64
import hashlib
import logging
import time
from typing import Any

import requests
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from office.models import User
from office.sessions import STARTED
from office.signin import guessing, oidc, outbound, second_factor
from office.signin.addresses import client_address

logger = logging.getLogger(__name__)

FRESH = 300  # seconds after signing in during which the password is not asked for again
WRONG = _("用户名或密码不对，请重新输入；密码区分大小写。")
CODE_WRONG = _("验证码不对，请输入应用当前显示的 6 位数字，或一个未用过的备用码。")


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": WRONG,
        "invalid_login": WRONG,
        "account_inactive": WRONG,
        "incorrect_password": _("密码不对，请重新输入。"),
        "incorrect_code": CODE_WRONG,
        "too_many_login_attempts": _("验证码输错次数过多，请 5 分钟后再试。"),
        "rate_limited": _("验证码输错次数过多，请 5 分钟后再试。"),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Failures are counted by axes, by name and address; allauth's own count by name would lock out the owner."""
        username, now = str(credentials.get("username", "")), timezone.now()
        if settings.AXES_ENABLED and guessing.is_spread(username=username, address=client_address(request), now=now):
            minutes = guessing.minutes_left(username=username, address=None, now=now)
            raise ImmediateHttpResponse(guessing.refusal(request, minutes=minutes))
        return authenticate(request, **credentials)

    def is_safe_url(self, url: str | None) -> bool:
        return url_has_allowed_host_and_scheme(url, allowed_hosts=None)  # paths of this site, nothing else

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        signed_in = self.request.session.get(STARTED, 0) if self.request else 0
        return time.time() - signed_in > FRESH

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        return oidc.refused(request)

    def get_login_stages(self) -> list[str]:
        return ["office.signin.stages.SecondFactorStage"]

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Each page says itself what was done."""

    def send_mail(self, *args: Any, **kwargs: Any) -> None:
        """Nothing here depends on mail."""


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": CODE_WRONG,
        "cannot_delete_authenticator": _("您的角色必须使用两步验证，不能停用。"),
        "cannot_generate_recovery_codes": _("请先启用两步验证。"),
    }

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return not second_factor.is_required(authenticator.user)

    def encrypt(self, text: str) -> str:
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """After a change of SECRET_KEY without a fallback no code fits any more: say so in the log, and refuse codes."""
        try:
            return _box().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            logger.error("a second factor cannot be read with this SECRET_KEY; reset it with manage.py reset_signin")
            return base64.b32encode(Fernet.generate_key()[:20]).decode()


def _box() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_key(secret)) for secret in keys])


def _key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(b"office.second-factor:" + secret.encode()).digest())


class SingleSignOnAdapter(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[SocialApp]:
        """From the environment only: a row in the database must not open another way in."""
        return [oidc.application()] if settings.OIDC_ENABLED else []

    def get_requests_session(self) -> requests.Session:
        return outbound.guarded_session()

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        oidc.admit(request, sociallogin)

    def on_authentication_error(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        logger.warning("single sign-on failed: %s", kwargs.get("exception") or kwargs.get("error"))
        raise ImmediateHttpResponse(oidc.failed(request))
