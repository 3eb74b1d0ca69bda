"""Loaded by a nursery before it forks: Django and the sync, but no connection."""

from __future__ import annotations

import django

django.setup()

import crm.services.sync_companies  # noqa: E402, F401
import tests.crm.conftest  # noqa: E402, F401
