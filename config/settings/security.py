"""Signing in, sessions, second factor, single sign-on, headers. What an installation may change comes from the environment."""

from __future__ import annotations

import datetime as dt
import os
from urllib.parse import urlsplit

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured

from config.settings.guards import OIDC_NAMES


def flag(name: str, *, default: bool) -> bool:
    text = os.environ.get(name, "").strip().lower()
    return default if not text else text in ("1", "true", "yes", "on")


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def number(name: str, default: int, *, most: int) -> int:
    text = os.environ.get(name, "").strip() or str(default)
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= most):
        raise ImproperlyConfigured(f"{name} 应为 1 至 {most} 的整数，现为 {text[:20]}")
    return int(text)


# ---- Who may sign in, and how: accounts are made by the administrator only; there is no way to sign up.

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
ACCOUNT_ADAPTER = "office.signin.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGIN_TIMEOUT = 300
ACCOUNT_FORMS = {"login": "office.signin.forms.SignInForm", "reauthenticate": "office.signin.forms.PasswordAgainForm"}
# "login" is what one address may ask of the page at all; "login_failed" here counts wrong second-factor codes alone,
# and only those who already gave the right password can spend it. Wrong passwords are counted by axes below.
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "5/5m/key"}

# ---- Lock-out: by name and address together, so that nobody can lock out a colleague from elsewhere.

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = dt.timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_CALLABLE = "office.signin.guessing.lockout_response"
AXES_CLIENT_IP_CALLABLE = "office.signin.addresses.client_address"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken"]
# Many addresses, one name: beyond this many failures in the cool-off, only addresses that the person has used before.
SIGNIN_SPREAD_LIMIT = 20
SIGNIN_KNOWN_ADDRESS_DAYS = 30
# Whose X-Forwarded-For is believed: addresses or networks of our own reverse proxies.
TRUSTED_PROXIES = words("TRUSTED_PROXIES")

# ---- Sessions

SESSION_IDLE_MINUTES = number("SESSION_IDLE_MINUTES", 30, most=24 * 60)
SESSION_ABSOLUTE_HOURS = number("SESSION_ABSOLUTE_HOURS", 12, most=24)
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_HOURS * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"  # Strict would lose the session on the way back from the identity provider
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"

# ---- Second factor

# Old keys, newest first: sessions end with a new SECRET_KEY, second factors are still read with these.
SECRET_KEY_FALLBACKS = words("SECRET_KEY_FALLBACKS")

MFA_ADAPTER = "office.signin.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "罗湖产业链招商"
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "office.signin.forms.CodeForm",
    "reauthenticate": "office.signin.forms.CodeAgainForm",
    "activate_totp": "office.signin.forms.ActivateForm",
}
MFA_REQUIRED = flag("MFA_REQUIRED", default=True)
MFA_REQUIRED_ROLES = words("MFA_REQUIRED_ROLES", "系统管理员,审计员")

# ---- Single sign-on: off unless all three are there (production refuses a part of them).

OIDC = {name: os.environ.get(name, "").strip() for name in OIDC_NAMES}
OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET = OIDC.values()
OIDC_ENABLED = all(OIDC.values())
OIDC_NAME = os.environ.get("OIDC_NAME", "").strip() or "统一身份认证"
OIDC_USERNAME_CLAIM = os.environ.get("OIDC_USERNAME_CLAIM", "").strip() or "preferred_username"
OIDC_HOSTS = words("OIDC_HOSTS")  # further origins of the same provider, where its endpoints lie on several
OIDC_INTRANET = flag("OIDC_INTRANET", default=False)  # it answers on a private address
SOCIALACCOUNT_ADAPTER = "office.signin.adapters.SingleSignOnAdapter"
SOCIALACCOUNT_AUTO_SIGNUP = False
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False


def _origin(address: str) -> str:
    parts = urlsplit(address if "//" in address else f"https://{address}")
    return f"{parts.scheme}://{parts.netloc}"


_providers = [_origin(OIDC_ISSUER), *map(_origin, OIDC_HOSTS)] if OIDC_ENABLED else []

# ---- What a page may load. Ours need one style sheet and no script at all.

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF, *_providers],
        "frame-ancestors": [NONE],
    }
}
# The theme of the admin evaluates expressions written in attributes (Alpine), sets style attributes, and fetches
# autocompletions; it keeps its fonts with itself. Inline scripts stay refused there too.
ADMIN_CONTENT_SECURITY_POLICY = {
    **CONTENT_SECURITY_POLICY["DIRECTIVES"],
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "connect-src": [SELF],
}
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()" for feature in (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone", "midi",
        "payment", "usb", "browsing-topics",
    )
)
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

# ---- Size of what is sent to us; a file beyond the second goes to disk while it is read.

DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
DATA_UPLOAD_MAX_NUMBER_FILES = 10
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o640

# ---- Secrets stay out of logs and error reports.

DEFAULT_EXCEPTION_REPORTER = "office.logs.MaskedReporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "office.logs.HidePosted"
