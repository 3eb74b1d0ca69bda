"""What a bureau deploys: everything from the environment, and no start without it."""

from __future__ import annotations

import os

from config.settings.base import *  # noqa: F403
from config.settings.base import ALLOWED_HOSTS, EMBEDDED, MFA_REQUIRED, OIDC, SECRET_KEY, TRUSTED_PROXIES
from config.settings.guards import refuse_unsafe_production

DEBUG = os.environ.get("DEBUG", "").lower() in ("1", "true", "yes", "on")
DEMO_USERS = os.environ.get("DEMO_USERS", "").lower() in ("1", "true", "yes", "on")

refuse_unsafe_production(
    secret_key=SECRET_KEY, debug=DEBUG, demo_users=DEMO_USERS, allowed_hosts=ALLOWED_HOSTS, embedded=EMBEDDED,
    redis_url=os.environ.get("REDIS_URL", ""), mfa_required=MFA_REQUIRED, oidc=OIDC, trusted_proxies=TRUSTED_PROXIES,
)

SECURE_SSL_REDIRECT = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
CSRF_TRUSTED_ORIGINS = [f"https://{host.lstrip('.')}" for host in ALLOWED_HOSTS]
