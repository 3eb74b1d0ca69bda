from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.utils.translation import gettext_lazy as _


class OfficeConfig(AppConfig):
    name = "office"
    verbose_name = _("人员与任务")

    def ready(self) -> None:
        from office import job_kinds, scopes, sessions  # noqa: F401  (registers handlers, declares who sees its rows)

        user_logged_in.connect(sessions.begin, dispatch_uid="office.sessions")
