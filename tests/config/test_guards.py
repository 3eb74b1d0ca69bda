"""Production starts with nothing unsafe, and says all that is wrong at once."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings.addresses import database_from_url
from config.settings.guards import OIDC_NAMES, refuse_unsafe_production

GOOD = {
    "secret_key": "k3J9xQ2mZ8vB5nC7wR1tY6uP4sD0fG2hL9aE", "debug": False, "demo_users": False,
    "allowed_hosts": ["crm.example.gov.cn"], "embedded": False, "redis_url": "redis://cache:6379/0",
    "mfa_required": True, "oidc": {}, "trusted_proxies": ["10.0.0.5", "10.1.0.0/24", "::1"],
}
GOOD["secret_key"] = str(GOOD["secret_key"]) + "xYz12345"


def test_a_safe_configuration_starts() -> None:
    refuse_unsafe_production(**GOOD)


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ({"secret_key": ""}, "SECRET_KEY"),
        ({"secret_key": "django-insecure-" + "abcdefghij0123456789" * 3}, "SECRET_KEY"),
        ({"secret_key": "a" * 60}, "SECRET_KEY"),
        ({"debug": True}, "DEBUG"),
        ({"demo_users": True}, "演示用户"),
        ({"allowed_hosts": []}, "ALLOWED_HOSTS"),
        ({"allowed_hosts": ["*"]}, "ALLOWED_HOSTS"),
        ({"embedded": True}, "DATABASE_URL"),
        ({"redis_url": ""}, "REDIS_URL"),
        ({"mfa_required": False}, "MFA_REQUIRED"),
        ({"oidc": {"OIDC_ISSUER": "https://id.example.gov.cn"}}, "还缺 OIDC_CLIENT_ID、OIDC_CLIENT_SECRET"),
        ({"oidc": {"OIDC_CLIENT_SECRET": "x"}}, "还缺 OIDC_ISSUER"),
        ({"oidc": dict.fromkeys(OIDC_NAMES, "http://id.example.gov.cn")}, "https://"),
        ({"trusted_proxies": ["proxy.local"]}, "TRUSTED_PROXIES"),
        ({"trusted_proxies": ["10.0.0.0/33"]}, "TRUSTED_PROXIES"),
        ({"trusted_proxies": ["0.0.0.0/0"]}, "等于信任任何人"),
        ({"trusted_proxies": ["::/0"]}, "等于信任任何人"),
    ],
)
def test_each_fault_stops_the_start(fault: dict[str, object], word: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=word):
        refuse_unsafe_production(**{**GOOD, **fault})


def test_single_sign_on_wholly_configured_starts() -> None:
    refuse_unsafe_production(**{**GOOD, "oidc": dict.fromkeys(OIDC_NAMES, "https://id.example.gov.cn")})


def test_all_faults_are_named_together() -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        refuse_unsafe_production(**{**GOOD, "debug": True, "demo_users": True, "redis_url": ""})
    assert str(caught.value).count("\n") == 3


def test_addresses() -> None:
    entry = database_from_url("postgresql://app:p%40ss@db.example:6543/crm?sslmode=require")
    assert (entry["USER"], entry["PASSWORD"], entry["HOST"], entry["PORT"], entry["NAME"]) == (
        "app", "p@ss", "db.example", "6543", "crm",
    )
    assert entry["OPTIONS"]["sslmode"] == "require"
    assert database_from_url("postgresql://app@/crm?host=/run/socket")["HOST"] == "/run/socket"
    with pytest.raises(ValueError, match="PostgreSQL"):
        database_from_url("sqlite:///db.sqlite3")
