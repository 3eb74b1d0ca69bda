"""Single sign-on by OpenID Connect: allauth's flow (state, PKCE, exchange of the code) with a stricter look at the token.

allauth takes a token that came over its own connection without looking at its signature, and knows no nonce. Here the
signature is always checked, by an algorithm from our list, and the nonce ties the token to the browser that asked.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping
from typing import Any

import jwt
import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from office.models import User
from office.signin import second_factor

logger = logging.getLogger(__name__)

PROVIDER_ID = "sso"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384")
LEEWAY = 30  # seconds by which two clocks may differ
UNUSABLE = (requests.RequestException, OAuth2Error, ValueError, KeyError)  # an answer that is none


def application() -> SocialApp:
    return SocialApp(
        provider="openid_connect", provider_id=PROVIDER_ID, name=settings.OIDC_NAME, client_id=settings.OIDC_CLIENT_ID,
        secret=settings.OIDC_CLIENT_SECRET,
        settings={"server_url": settings.OIDC_ISSUER.rstrip("/"), "oauth_pkce_enabled": True, "scope": ["openid", "profile"]},
    )


class TokenRefused(OAuth2Error):
    """The provider's answer does not prove who signed in; the reason goes to the log, never to the page."""


def verified_claims(token: str, *, keys: Mapping[str, Any], issuer: str, audience: str) -> dict[str, Any]:
    """The claims of a signed token, or TokenRefused. `keys` is the provider's key set as it published it."""
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise TokenRefused(f"algorithm {str(header.get('alg'))[:20]}")
        key = next(
            key for key in jwt.PyJWKSet.from_dict(dict(keys)).keys
            if key.key_id == header.get("kid") and key.public_key_use in (None, "sig")
        )
        claims: dict[str, Any] = jwt.decode(
            token, key=key.key, algorithms=[header["alg"]], issuer=issuer, audience=audience, leeway=LEEWAY,
            options={"require": ["exp", "iat", "iss", "aud", "sub", "nonce"]},
        )
    except StopIteration:
        raise TokenRefused("no such key") from None
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise TokenRefused(f"{type(error).__name__}: {error}") from None
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if ("azp" in claims or several) and claims.get("azp") != audience:
        raise TokenRefused("authorized party")
    return claims


class ProviderAdapter(OpenIDConnectOAuth2Adapter):
    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return request.build_absolute_uri(reverse("sso-callback"))

    @property
    def openid_config(self) -> dict[str, Any]:
        found: dict[str, Any] = super().openid_config
        if str(found.get("issuer", "")).rstrip("/") != settings.OIDC_ISSUER.rstrip("/"):
            raise TokenRefused("the provider names another issuer")
        return found

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        config = self.openid_config
        claims = verified_claims(
            str(kwargs["response"].get("id_token", "")), keys=_get(config["jwks_uri"]), issuer=config["issuer"],
            audience=app.client_id,
        )
        if settings.OIDC_USERNAME_CLAIM not in claims and "userinfo_endpoint" in config:
            claims = {**self._more(config["userinfo_endpoint"], token.token, subject=claims["sub"]), **claims}
        # Only what is used is kept: no mail, no telephone, no names (个人信息最小必要).
        kept = {name: claims[name] for name in ("sub", "nonce", "amr", settings.OIDC_USERNAME_CLAIM) if name in claims}
        return self.get_provider().sociallogin_from_response(request, {"id_token": kept})

    def _more(self, address: str, access_token: str, *, subject: str) -> dict[str, Any]:
        found = _get(address, Authorization=f"Bearer {access_token}")
        if found.get("sub") != subject:
            raise TokenRefused("userinfo speaks of another person")
        return found


def _get(address: str, **headers: str) -> dict[str, Any]:
    with get_adapter().get_requests_session() as session:
        answer = session.get(address, headers=headers)
    try:
        found = answer.json()
    except json.JSONDecodeError:
        raise TokenRefused("not JSON") from None
    if not isinstance(found, dict):
        raise TokenRefused("not an object")
    return found


def start(request: HttpRequest, *, next_url: str | None) -> HttpResponse:
    """Send the browser to the provider."""
    adapter = ProviderAdapter(request, PROVIDER_ID)
    provider = adapter.get_provider()
    provider.oauth2_adapter_class = ProviderAdapter
    nonce = secrets.token_urlsafe(24)
    try:
        return provider.redirect(
            request, process="login", next_url=next_url, auth_params={"nonce": nonce}, nonce=nonce
        )
    except UNUSABLE as error:
        logger.warning("single sign-on cannot start: %s", error)
        return failed(request)


def finish(request: HttpRequest) -> HttpResponse:
    """The browser is back with a code."""
    try:
        return OAuth2CallbackView.adapter_view(ProviderAdapter(request, PROVIDER_ID))(request)
    except UNUSABLE as error:
        logger.warning("single sign-on failed: %s", error)
        return failed(request)


def admit(request: HttpRequest, sociallogin: SocialLogin) -> None:
    """Let in a person whom the administrator has made, or raise with a page that refuses. Rights never come from claims."""
    claims = sociallogin.account.extra_data["id_token"]
    if not secrets.compare_digest(str(claims.get("nonce", "")), str(sociallogin.state.get("nonce") or secrets.token_hex())):
        logger.warning("single sign-on refused: nonce")
        raise ImmediateHttpResponse(failed(request))
    user = sociallogin.user if sociallogin.is_existing else _known(sociallogin, claims)
    if user is None or not user.is_active:
        logger.warning("single sign-on refused: nobody of that name may sign in here")
        raise ImmediateHttpResponse(refused(request))
    if not sociallogin.is_existing:
        sociallogin.account.extra_data = {}
        sociallogin.user = user
        sociallogin.account.user = user
        sociallogin.account.save()
    if isinstance(claims.get("amr"), list) and "mfa" in claims["amr"]:  # RFC 8176: more than one factor was given there
        second_factor.mark_given(request, user)


def _known(sociallogin: SocialLogin, claims: Mapping[str, Any]) -> User | None:
    """By name, the first time. A name already tied to another subject was given to somebody else at the provider."""
    name = claims.get(settings.OIDC_USERNAME_CLAIM)
    if not isinstance(name, str) or not name:
        return None
    user = User.objects.filter(username=name).first()
    tied = SocialAccount.objects.filter(user=user, provider=sociallogin.account.provider) if user else None
    return None if tied is not None and tied.exists() else user


def refused(request: HttpRequest) -> HttpResponse:
    return render(request, "office/signin/unknown.html", status=403)


def failed(request: HttpRequest) -> HttpResponse:
    return render(request, "office/signin/failed.html", status=401)
