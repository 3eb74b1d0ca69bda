"""celery -A tests.office.queue_app worker|beat"""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import django

from config.celery import app

django.setup()

from crm.services import sync_companies  # noqa: E402
from office import jobs, leases  # noqa: E402
from tests.crm.sync_child import naive_merge  # noqa: E402
from tests.office import queue_kinds  # noqa: E402

kept = [replace(jobs._kinds[name], daily_at=None) for name in os.environ.get("QUEUE_KEEPS", "").split()]
jobs._kinds.clear()  # beat must not plan the program's own nights here
jobs._kinds.update({kind.name: kind for kind in kept})
queue_kinds.register(ticking="QUEUE_TICKING" in os.environ)
if "QUEUE_NO_RENEWAL" in os.environ:
    leases._renew = lambda held: None
if "QUEUE_NAIVE_MERGE" in os.environ:
    sync_companies.merge = naive_merge(rows=sys.maxsize)
for name, entry in app.conf.beat_schedule.items():
    if name == "plan":
        entry["schedule"] = entry["options"]["expires"] = 0.5

__all__ = ["app"]
