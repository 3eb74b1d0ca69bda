from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class OfficeConfig(AppConfig):
    name = "office"
    verbose_name = _("人员与任务")

    def ready(self) -> None:
        from office import job_kinds, scopes, sessions  # noqa: F401  (registers handlers, declares who sees its rows)
        from office.audit import checks, install  # noqa: F401

        user_logged_in.connect(sessions.begin, dispatch_uid="office.sessions")
        autodiscover_modules("audit_tables")  # every app above declares its own
        pre_migrate.connect(install.before_migrate, dispatch_uid="audit")
        post_migrate.connect(install.after_migrate, dispatch_uid="audit")
