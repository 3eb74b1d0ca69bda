from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OfficeConfig(AppConfig):
    name = "office"
    verbose_name = _("人员与任务")

    def ready(self) -> None:
        from office import scopes  # noqa: F401  (declares who sees its rows)
