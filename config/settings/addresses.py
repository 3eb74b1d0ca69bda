"""Where the database and the broker are: the environment first, then the embedded servers of ./run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from config.startup.state import read_state

# A name that never resolves: Django needs a host to be configured, and commands that touch no database must still start.
NOWHERE_DATABASE = "postgresql://nobody@/nothing?host=/nonexistent"
NOWHERE_REDIS = "unix:///nonexistent/valkey.sock?db=0"


def embedded_or_env(var: Path) -> tuple[str, str, bool]:
    """Return (database url, redis url, whether the database is an embedded one)."""
    database, broker = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
    embedded = not database
    if not (database and broker):
        state = read_state(var)
        if state is not None:
            database = database or state.database_url
            broker = broker or state.redis_url
    return database or NOWHERE_DATABASE, broker or NOWHERE_REDIS, embedded


def database_from_url(url: str) -> dict[str, Any]:
    """Turn postgresql://user:password@host:port/name?host=/socket/dir&sslmode=… into a DATABASES entry."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError(f"DATABASE_URL 只支持 PostgreSQL（postgresql://…），现为 {parts.scheme or '空'}://")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    host = query.pop("host", "") or parts.hostname or ""
    return {
        "ENGINE": "office.database",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # A prepared LIKE gets a generic plan that ignores the trigram index: keep automatic preparation off.
        "OPTIONS": {**query, "prepare_threshold": None},
    }
