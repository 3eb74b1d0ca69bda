#!/usr/bin/env python
from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db.utils import OperationalError

        from office.audit import context
    except ImportError:
        sys.exit("依赖尚未安装：请先执行 ./run（首次启动会自动安装），再用 .venv/bin/python manage.py …")
    try:
        with context.acting(context.of_command(sys.argv)):
            execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except OperationalError as error:
        from config.settings.hints import database_hint

        hint = database_hint(error)
        if hint is None:
            raise
        sys.exit(hint)


if __name__ == "__main__":
    main()
