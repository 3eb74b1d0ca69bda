from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = _("企业库")

    def ready(self) -> None:
        from crm import job_kinds, scopes  # noqa: F401  (registers its handlers, declares who sees its rows)
