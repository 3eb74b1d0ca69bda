"""What production refuses to start with. Pure, so that a test can plant each fault."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

from django.core.exceptions import ImproperlyConfigured

MIN_SECRET_LENGTH = 40
DEFAULT_SECRETS = ("only-for-tests", "django-insecure", "changeme", "change-me", "secret", "default")
OIDC_NAMES = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")


def refuse_unsafe_production(
    *, secret_key: str, debug: bool, demo_users: bool, allowed_hosts: Sequence[str], embedded: bool, redis_url: str,
    mfa_required: bool, oidc: Mapping[str, str], trusted_proxies: Sequence[str],
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
    if not mfa_required:
        faults.append("MFA_REQUIRED 已关闭：生产环境的系统管理员与审计员必须使用两步验证，请取消该变量")
    faults += [*oidc_faults(oidc), *proxy_faults(trusted_proxies)]
    if faults:
        raise ImproperlyConfigured("生产设置不安全，拒绝启动：\n  - " + "\n  - ".join(faults))


def oidc_faults(oidc: Mapping[str, str]) -> list[str]:
    """Single sign-on is configured wholly or not at all, and its provider is reached over TLS."""
    missing = [name for name in OIDC_NAMES if not oidc.get(name)]
    if len(missing) == len(OIDC_NAMES):
        return []
    faults = [f"单点登录只设了一部分：还缺 {'、'.join(missing)}；请补齐，或全部取消"] if missing else []
    issuer = oidc.get("OIDC_ISSUER", "")
    if issuer and not issuer.startswith("https://"):
        faults.append("OIDC_ISSUER 须以 https:// 开头")
    return faults


def proxy_faults(trusted_proxies: Sequence[str]) -> list[str]:
    """Whoever may name the caller's address decides whose sign-in is locked: never everybody."""
    faults = []
    for word in trusted_proxies:
        try:
            everybody = ipaddress.ip_network(word).prefixlen == 0
        except ValueError:
            faults.append(f"TRUSTED_PROXIES 中的 {word[:50]} 不是地址或网段（例：10.0.0.5,10.1.0.0/24）")
        else:
            if everybody:
                faults.append(f"TRUSTED_PROXIES 中的 {word} 等于信任任何人：请只列自己的反向代理")
    return faults
