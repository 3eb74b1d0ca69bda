"""What ./run uses: embedded servers, loopback only, a secret made on first start and kept under var/."""

from __future__ import annotations

import contextlib
import os
import secrets

from config.settings.base import *  # noqa: F403  (settings are one namespace by Django's design)
from config.settings.base import VAR_DIR
from config.settings.security import flag


def _local_secret() -> str:
    path = VAR_DIR / "secret_key"
    try:
        return path.read_text()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(secrets.token_urlsafe(50))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # whoever links first wins, so that two processes agree on one secret
        draft.unlink()
        return path.read_text()


SECRET_KEY = os.environ.get("SECRET_KEY") or _local_secret()
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
DEMO_USERS = True
SESSION_COOKIE_SECURE = False
CSRF_COOKIE_SECURE = False
MFA_REQUIRED = flag("MFA_REQUIRED", default=False)  # demo users are to be tried by anybody who started the demo
