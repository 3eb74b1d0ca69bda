from __future__ import annotations

from django.contrib import admin

from office.admin_tools import ReadOnlyAdmin
from office.models import Job


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ["kind", "slot", "state", "attempts", "created", "finished"]
    list_filter = ["state", "kind"]
    search_fields = ["kind", "slot"]
