from __future__ import annotations

from django.contrib import admin
from unfold.admin import ModelAdmin

from projects.models import Carrier, Zone


@admin.register(Zone)
class ZoneAdmin(ModelAdmin):
    list_display = ["name", "kind", "parent", "focus", "clause"]
    list_filter = ["kind"]
    search_fields = ["name", "focus"]
    list_select_related = ["parent", "clause"]
    autocomplete_fields = ["parent", "clause"]


@admin.register(Carrier)
class CarrierAdmin(ModelAdmin):
    list_display = ["name", "kind", "zone", "area_sqm", "clause", "is_sample"]
    list_filter = ["kind", "zone"]
    search_fields = ["name", "note", "zone__name"]
    list_select_related = ["zone", "clause"]
    autocomplete_fields = ["zone", "clause"]
