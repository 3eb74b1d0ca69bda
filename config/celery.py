from __future__ import annotations

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")

app = Celery("luohu")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def our_logging(**_: Any) -> None:
    """Celery would replace our handlers by its own, which mask nothing: being connected here keeps it from doing so."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
