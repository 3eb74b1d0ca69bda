"""What ./test uses: its own embedded servers, fast hashing, eager Celery."""

from __future__ import annotations

import os

from config.settings.base import *  # noqa: F403
from config.settings.base import CACHES, CELERY_BROKER_URL, MIDDLEWARE, REDIS_URL

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
# Workers of one run share a Valkey: each takes a database of its own there, as pytest-django gives it one in PostgreSQL.
_NUMBER = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
REDIS_URL = REDIS_URL.replace("db=0", f"db={_NUMBER}")
CELERY_BROKER_URL = CELERY_BROKER_URL.replace("db=0", f"db={_NUMBER}")
CACHES = {**CACHES, "default": {**CACHES["default"], "LOCATION": REDIS_URL}}
# Each has its own tests, which switch it on.
AXES_ENABLED = False
MFA_REQUIRED = False
ACCOUNT_RATE_LIMITS = {"login": "100000/m/ip", "login_failed": "5/5m/key"}
