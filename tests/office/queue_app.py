"""celery -A tests.office.queue_app worker|beat"""

from __future__ import annotations

import os

import django

from config.celery import app

django.setup()

from office import jobs, leases  # noqa: E402
from tests.office import queue_kinds  # noqa: E402

jobs._kinds.clear()  # beat must not plan the program's own nights here
queue_kinds.register(ticking="QUEUE_TICKING" in os.environ)
if "QUEUE_NO_RENEWAL" in os.environ:
    leases._renew = lambda held: None
for name, entry in app.conf.beat_schedule.items():
    if name == "plan":
        entry["schedule"] = entry["options"]["expires"] = 0.5

__all__ = ["app"]
