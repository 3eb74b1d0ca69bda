"""What ./test uses: its own embedded servers, fast hashing, eager Celery."""

from __future__ import annotations

from config.settings.base import *  # noqa: F403
from config.settings.base import MIDDLEWARE

MIDDLEWARE = [name for name in MIDDLEWARE if "whitenoise" not in name]  # nothing is collected before a test

SECRET_KEY = "only-for-tests-never-served-anywhere"  # noqa: S105  (the guards refuse it in production)
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
DEMO_USERS = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_TASK_ALWAYS_EAGER = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Each has its own tests, which switch it on.
AXES_ENABLED = False
MFA_REQUIRED = False
ACCOUNT_RATE_LIMITS = {"login": "100000/m/ip", "login_failed": "5/5m/key"}
