"""What production says of itself when it starts: nothing, or every fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.test_manage import manage

SANE = {
    "DJANGO_SETTINGS_MODULE": "config.settings.production", "DATABASE_URL": "postgresql://app@127.0.0.1:9/app",
    "REDIS_URL": "redis://127.0.0.1:9", "ALLOWED_HOSTS": "crm.example.gov.cn",
    "SECRET_KEY": "k3J9xQ2mZ8vB5nC7wR1tY6uP4sD0fG2hL9aExYz1W7qT8rE5oIu", "TRUSTED_PROXIES": "10.0.0.5",
}
SSO = {"OIDC_ISSUER": "https://id.example.gov.cn/realms/x", "OIDC_CLIENT_ID": "crm", "OIDC_CLIENT_SECRET": "a-value-of-tests"}


@pytest.mark.parametrize("more", [{}, SSO], ids=["plain", "with single sign-on"])
def test_djangos_own_check_has_no_issue(tmp_path: Path, more: dict[str, str]) -> None:
    result = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **SANE, **more)
    assert result.returncode == 0, result.stderr
    assert "no issues (0 silenced)" in result.stdout


@pytest.mark.parametrize(("fault", "word"), [
    ({"SECRET_KEY": ""}, "SECRET_KEY"),
    ({"DEBUG": "1"}, "DEBUG"),
    ({"DEMO_USERS": "1"}, "演示用户"),
    ({"MFA_REQUIRED": "0"}, "MFA_REQUIRED"),
    ({"OIDC_ISSUER": "https://id.example.gov.cn"}, "OIDC_CLIENT_ID"),
    ({"TRUSTED_PROXIES": "proxy"}, "TRUSTED_PROXIES"),
    ({"SESSION_IDLE_MINUTES": "soon"}, "SESSION_IDLE_MINUTES"),
    ({"SESSION_ABSOLUTE_HOURS": "0"}, "SESSION_ABSOLUTE_HOURS"),
    ({"SESSION_ABSOLUTE_HOURS": "999"}, "SESSION_ABSOLUTE_HOURS"),
])
def test_each_fault_stops_it_in_one_breath(tmp_path: Path, fault: dict[str, str], word: str) -> None:
    result = manage(tmp_path, "check", **{**SANE, **fault})
    assert result.returncode == 1
    assert word in result.stderr
    assert "Traceback" not in result.stderr
    assert SANE["SECRET_KEY"] not in result.stderr


def test_cookies_and_policy_in_production(tmp_path: Path) -> None:
    show = "from django.conf import settings as s; print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE," \
        " s.SESSION_COOKIE_HTTPONLY, s.CSRF_COOKIE_HTTPONLY, s.SESSION_COOKIE_SAMESITE, s.SESSION_COOKIE_AGE, s.MFA_REQUIRED," \
        " s.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action'])"
    result = manage(tmp_path, "shell", "--no-imports", "-c", show, **SANE, **SSO)
    assert result.stdout.strip() == (
        "True True True True Lax 43200 True [\"'self'\", 'https://id.example.gov.cn']"
    ), result.stderr
