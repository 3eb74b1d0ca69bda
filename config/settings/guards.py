"""What production refuses to start with. Pure, so that a test can plant each fault."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured

MIN_SECRET_LENGTH = 40
DEFAULT_SECRETS = ("only-for-tests", "django-insecure", "changeme", "change-me", "secret", "default")


def refuse_unsafe_production(
    *, secret_key: str, debug: bool, demo_users: bool, allowed_hosts: Sequence[str], embedded: bool, redis_url: str
) -> None:
    """Raise ImproperlyConfigured naming every fault at once, each with its mend."""
    faults = []
    weak = len(secret_key) < MIN_SECRET_LENGTH or len(set(secret_key)) < 10  # noqa: PLR2004
    if weak or secret_key.lower().startswith(DEFAULT_SECRETS):
        faults.append(f"SECRET_KEY 缺失、为默认值或过短：请设为不少于 {MIN_SECRET_LENGTH} 个字符的随机串")
    if debug:
        faults.append("DEBUG 已打开：请取消环境变量 DEBUG")
    if demo_users:
        faults.append("演示用户已打开：请取消环境变量 DEMO_USERS")
    if not allowed_hosts or "*" in allowed_hosts:
        faults.append("ALLOWED_HOSTS 为空或含 *：请列出本系统的域名，用逗号分隔")
    if embedded:
        faults.append("DATABASE_URL 未设：生产环境不使用内嵌数据库")
    if not redis_url:
        faults.append("REDIS_URL 未设：生产环境不使用内嵌 Valkey")
    if faults:
        raise ImproperlyConfigured("生产设置不安全，拒绝启动：\n  - " + "\n  - ".join(faults))
