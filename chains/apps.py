from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChainsConfig(AppConfig):
    name = "chains"
    verbose_name = _("产业链")

    def ready(self) -> None:
        from chains import job_kinds, scopes  # noqa: F401  (registers its handlers, declares who sees its rows)
