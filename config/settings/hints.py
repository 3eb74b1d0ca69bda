"""One line instead of a traceback when a command needs a server and none runs."""

from __future__ import annotations

NO_SERVER = "数据库没有运行：请先在另一个终端执行 ./run（或 ./run --servers-only），或设置环境变量 DATABASE_URL。"


def database_hint(error: Exception) -> str | None:
    """The line to print where no connection could be made; None where the error means something else."""
    from django.conf import settings
    from django.db import connection

    if connection.connection is not None:
        return None  # a server answered: this is a fault of the statement, and its traceback is needed
    if settings.EMBEDDED:
        return NO_SERVER
    reason = str(error).strip().splitlines()[0]
    return f"连不上 DATABASE_URL 指向的数据库：{reason}。请检查地址、密码与网络后重试。"
