from __future__ import annotations

from django.urls import path

from office.views import healthz

urlpatterns = [path("", healthz, name="healthz")]
