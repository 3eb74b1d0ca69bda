"""One line instead of a traceback when a command needs a server and none runs."""

from __future__ import annotations

NO_SERVER = "数据库没有运行：请先在另一个终端执行 ./run（或 ./run --servers-only），或设置环境变量 DATABASE_URL。"


def database_hint(error: Exception) -> str | None:
    """The line to print for a failed connection, None where the error means something else."""
    from django.conf import settings

    text = str(error)
    unreachable = "connection failed" in text or "could not connect" in text or "Connection refused" in text
    if not unreachable:
        return None
    if settings.EMBEDDED:
        return NO_SERVER
    reason = text.strip().splitlines()[0]
    return f"连不上 DATABASE_URL 指向的数据库：{reason}。请检查地址、口令与网络后重试。"
