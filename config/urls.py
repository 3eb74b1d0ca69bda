from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config.api import router

urlpatterns = [
    path("healthz", include("office.urls")),
    path("", include("office.signin.urls")),
    path("admin/login/", RedirectView.as_view(pattern_name="login", query_string=True)),  # one way in
    path("admin/", admin.site.urls),
    path("api/v1/", include(router.urls)),
    path("plan/", include("plans.urls")),
    path("", include("chains.urls")),
]
