"""For the worker and beat processes of the queue's tests: as in production, but shorter, and with a broker of their own."""

from __future__ import annotations

import json
import os

from config.settings.test import *  # noqa: F403
from config.settings.test import CELERY_BROKER_TRANSPORT_OPTIONS

CELERY_TASK_ALWAYS_EAGER = False
CELERY_BROKER_URL = os.environ["QUEUE_BROKER"]
if "QUEUE_VISIBILITY" in os.environ:
    CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] = float(os.environ["QUEUE_VISIBILITY"])
if "QUEUE_ACCEPT" in os.environ:  # for the canary alone
    CELERY_ACCEPT_CONTENT = json.loads(os.environ["QUEUE_ACCEPT"])
