from __future__ import annotations

from django.urls import path

from plans.views import plan

urlpatterns = [path("", plan, name="plan")]
