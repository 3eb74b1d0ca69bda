"""The pages of signing in. allauth's views with our templates; what differs from them stands here."""

from __future__ import annotations

from typing import Any

import qrcode
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import LoginView
from allauth.mfa.base.views import AuthenticateView, IndexView
from allauth.mfa.totp.views import ActivateTOTPView
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from office.sessions import REASONS
from office.signin import oidc, second_factor


@method_decorator(login_not_required, name="dispatch")
class SignInView(LoginView):
    template_name = "office/login.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """`restart` forgets a sign-in that stands before its second step."""
        if "restart" in request.GET:
            request.session.flush()
            return HttpResponseRedirect(reverse("login"))
        return super().get(request, *args, **kwargs)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user = request.user
        if user.is_authenticated and not user.is_staff and (self._next() or "").startswith(reverse("admin:index")):
            raise PermissionDenied  # to be sent back there would turn in a circle
        if "restart" in request.GET and not user.is_authenticated and request.method == "GET":
            return self.get(request)
        return super().dispatch(request, *args, **kwargs)

    def _next(self) -> str | None:
        return get_next_redirect_url(self.request)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        own = {
            "next": self._next() or "", "reason": REASONS.get(self.request.GET.get("reason", "")),
            "sso_name": settings.OIDC_NAME if settings.OIDC_ENABLED else "",
        }
        return {**super().get_context_data(**kwargs), **own}


class SecondStepView(AuthenticateView):
    template_name = "office/signin/second_step.html"

    def form_valid(self, form: Form) -> HttpResponse:
        second_factor.mark_given(self.request, self.stage.login.user)
        return super().form_valid(form)


class ActivateView(ActivateTOTPView):
    template_name = "office/signin/activate.html"

    def form_valid(self, form: Form) -> HttpResponse:
        answer = super().form_valid(form)
        second_factor.mark_given(self.request, self.request.user)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        page = super().get_context_data(**kwargs)
        secret = page["form"].secret
        return {
            **page, "picture": qr_path(page["totp_url"]), "required": second_factor.is_required(self.request.user),
            "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        }


class SecurityView(IndexView):
    template_name = "office/signin/security.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "required": second_factor.is_required(self.request.user)}


def qr_path(text: str) -> dict[str, object]:
    """A QR code as the data of one SVG path, so that the page needs neither script nor image."""
    code = qrcode.QRCode(border=2)
    code.add_data(text)
    matrix = code.get_matrix()
    dots = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark)
    return {"size": len(matrix), "path": "".join(dots)}


@login_not_required
@require_POST
def sso_start(request: HttpRequest) -> HttpResponse:
    if not settings.OIDC_ENABLED:
        raise Http404
    return oidc.start(request, next_url=get_next_redirect_url(request))


@login_not_required
@never_cache
@require_GET
def sso_callback(request: HttpRequest) -> HttpResponse:
    if not settings.OIDC_ENABLED:
        raise Http404
    return oidc.finish(request)
