from django.apps import AppConfig

# Libraries whose tables are of no concern to anybody at a screen; some hold what must not be seen there at all.
NOT_IN_ADMIN = {"account", "mfa", "socialaccount", "axes"}


class WiringConfig(AppConfig):
    """Loads the Celery app in every process, so that shared tasks find the configured broker."""

    name = "config"
    label = "wiring"

    def ready(self) -> None:
        from django.contrib import admin

        from config import celery, checks  # noqa: F401

        for model in [model for model in admin.site._registry if model._meta.app_label in NOT_IN_ADMIN]:
            admin.site.unregister(model)
