"""Every address of signing in, by hand: what is not here does not exist (no sign-up, no mail, no password by mail).

The names are those that allauth looks for.
"""

from __future__ import annotations

from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import ReauthenticateView as CodeAgainView
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import DeactivateTOTPView
from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.decorators.cache import never_cache

from office.signin import views

sign_in = views.SignInView.as_view()

urlpatterns = [
    path("login/", sign_in, name="login"),
    path("login/", sign_in, name="account_login"),
    path("login/code/", views.SecondStepView.as_view(), name="mfa_authenticate"),
    path("login/sso/", views.sso_start, name="sso-start"),
    path("login/sso/callback/", views.sso_callback, name="sso-callback"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("account/", views.SecurityView.as_view(), name="mfa_index"),
    path(
        "account/password/", never_cache(ReauthenticateView.as_view(template_name="office/signin/again.html")),
        name="account_reauthenticate",
    ),
    path(
        "account/code/", never_cache(CodeAgainView.as_view(template_name="office/signin/again.html")),
        name="mfa_reauthenticate",
    ),
    path("account/totp/", never_cache(views.ActivateView.as_view()), name="mfa_activate_totp"),
    path(
        "account/totp/off/", DeactivateTOTPView.as_view(template_name="office/signin/deactivate.html"),
        name="mfa_deactivate_totp",
    ),
    path(
        "account/codes/", never_cache(ViewRecoveryCodesView.as_view(template_name="office/signin/codes.html")),
        name="mfa_view_recovery_codes",
    ),
    path(
        "account/codes/new/", GenerateRecoveryCodesView.as_view(template_name="office/signin/new_codes.html"),
        name="mfa_generate_recovery_codes",
    ),
]
