from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PlansConfig(AppConfig):
    name = "plans"
    verbose_name = _("规划")

    def ready(self) -> None:
        from plans import scopes  # noqa: F401  (declares who sees its rows)
