"""Settings shared by every way of running the program.

The database and the broker come from DATABASE_URL and REDIS_URL; without them, from the embedded servers
that ./run started (config.startup writes their addresses to var/run/servers.json).
"""

from __future__ import annotations

import os
from pathlib import Path

from django.templatetags.static import static
from django.urls import reverse

from config.settings.addresses import database_from_url, embedded_or_env
from config.settings.security import *  # noqa: F403

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = Path(os.environ.get("APP_VAR", BASE_DIR / "var"))

DATABASE_URL, REDIS_URL, EMBEDDED = embedded_or_env(VAR_DIR)

SECRET_KEY = os.environ.get("SECRET_KEY", "")
DEBUG = False
ALLOWED_HOSTS = [host for host in os.environ.get("ALLOWED_HOSTS", "").split(",") if host]

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "office",
    "plans",
    "crm",
    "projects",
    "chains",
    # After our own apps, whose templates come first.
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "axes",
    "csp",
    "config.apps.WiringConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "office.headers.HeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "office.audit.middleware.AuditMiddleware",
    "office.sessions.SessionLimitsMiddleware",
    "office.sessions.SignedInMiddleware",
    "office.signin.second_factor.SecondFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",  # last: it replaces the answer of a sign-in that it refused
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": database_from_url(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

AUTH_USER_MODEL = "office.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
MEDIA_ROOT = VAR_DIR / "media"
FIXTURES_DIR = BASE_DIR / "fixtures"

# The district that the program serves, by GB/T 2260. What stands here is "local" to every gap figure.
HOME_DISTRICT = os.environ.get("HOME_DISTRICT", "440303")

# Which connector file reads it (crm/sync/connectors/<name>.yaml), where it is, and its key.
ENTERPRISE_DB_SOURCE = os.environ.get("ENTERPRISE_DB_SOURCE", "sandbox")
ENTERPRISE_DB_URL = os.environ.get("ENTERPRISE_DB_URL", "")
ENTERPRISE_DB_KEY = os.environ.get("ENTERPRISE_DB_KEY", "")

# Celery carries hints only: the work itself is rows of office.Job.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A hint that was taken and not answered comes again after this long; the job itself comes back by its lease.
# Who sends one gives up at once where no broker is: kombu's own patience is six seconds, and a page waits for it.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600, "socket_connect_timeout": 2, "max_retries": 0, "interval_start": 0, "interval_step": 0,
    "interval_max": 0,
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = TIME_ZONE
# A dead worker's job is taken up again within a lease and a sweep: less than a minute.
JOB_LEASE_SECONDS = float(os.environ.get("JOB_LEASE_SECONDS", "45"))
JOB_SWEEP_SECONDS = float(os.environ.get("JOB_SWEEP_SECONDS", "10"))
JOB_RETRY_SECONDS = float(os.environ.get("JOB_RETRY_SECONDS", "120"))
# What beat sends while nobody listens is not worth keeping: it says "look", and the next one says the same.
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "office.sweep", "schedule": JOB_SWEEP_SECONDS, "options": {"expires": 3 * JOB_SWEEP_SECONDS}},
    "plan": {"task": "office.plan_slots", "schedule": 6 * JOB_SWEEP_SECONDS, "options": {"expires": 6 * JOB_SWEEP_SECONDS}},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["office.api_input.StrictJson"],
    "EXCEPTION_HANDLER": "office.api.handle_error",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

UNFOLD = {
    "SITE_TITLE": "罗湖区产业链招商系统",
    "SITE_HEADER": "产业链招商",
    "SITE_SUBHEADER": "业务后台",
    "SITE_URL": "/",
    "SITE_SYMBOL": "hub",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("office/icon.svg")},
    ],
    "STYLES": [lambda request: static("office/admin.css")],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "ACCOUNT": {"navigation": [{"title": "账号安全", "link": lambda request: reverse("mfa_index")}]},
    "SIDEBAR": {"show_search": False, "navigation": "config.navigation.sidebar"},
    "COLORS": {
        "primary": {
            "50": "232 239 247", "100": "209 224 240", "200": "163 192 224", "300": "112 157 205", "400": "62 120 181",
            "500": "30 88 148", "600": "18 64 111", "700": "15 54 94", "800": "12 43 75", "900": "9 33 58", "950": "6 22 39",
        }
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"redact": {"()": "office.redaction.RedactingFilter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["redact"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "httpx": {"level": "WARNING"}, "axes": {"level": "WARNING"},
        # Django's own handlers mail and print unmasked: all its lines go through ours.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
    },
}

# Personal information of contacts (个人信息保护法 第十九条: no longer than the purpose needs).
CONTACT_RETENTION_MONTHS = int(os.environ.get("CONTACT_RETENTION_MONTHS", "24"))  # counted from the last use
CONTACT_WARN_DAYS = int(os.environ.get("CONTACT_WARN_DAYS", "30"))
CONTACT_REVEALS_A_DAY = int(os.environ.get("CONTACT_REVEALS_A_DAY", "50"))  # for each person
CONTACT_PHONE_SEARCHES_A_DAY = int(os.environ.get("CONTACT_PHONE_SEARCHES_A_DAY", "50"))  # for each person
CONTACT_EXPORT_MOST = int(os.environ.get("CONTACT_EXPORT_MOST", "200"))  # contacts in one export
