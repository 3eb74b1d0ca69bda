from django.apps import AppConfig


class WiringConfig(AppConfig):
    """Loads the Celery app in every process, so that shared tasks find the configured broker."""

    name = "config"
    label = "wiring"

    def ready(self) -> None:
        from config import celery, checks  # noqa: F401
