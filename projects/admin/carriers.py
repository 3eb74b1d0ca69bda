from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from office.admin_tools import DASH, ModelAdmin, ReadOnlyInline, as_text, link_to, links_to
from projects.models import Carrier, Project, Zone

OFFICER = as_text("officer", _("专人"))


class ZoneCarrierInline(ReadOnlyInline):
    model = Carrier
    fields = ["link", "kind", "area"]
    readonly_fields = ["link", "area"]

    @display(description=_("载体"))
    def link(self, carrier: Carrier) -> SafeString | str:
        return link_to(carrier)

    @display(description=_("面积（平方米）"))
    def area(self, carrier: Carrier) -> str:
        return area_text(carrier)


@admin.register(Zone)
class ZoneAdmin(ModelAdmin):
    list_display = ["name", "kind", "parent_link", "focus", "clause_link"]
    list_filter = ["kind"]
    search_fields = ["name", "focus"]
    search_help_text = _("按片区名称、方向检索")
    list_select_related = ["parent", "clause"]
    autocomplete_fields = ["parent", "clause"]
    fields = ["code", "name", "kind", "parent", "parts", "focus", "boundary", "area_sqm", "clause"]
    readonly_fields = ["parts"]
    inlines = [ZoneCarrierInline]

    @display(description=_("所属"), ordering="parent__name")
    def parent_link(self, zone: Zone) -> SafeString | str:
        return link_to(zone.parent)

    @display(description=_("规划条款"), ordering="clause__order")
    def clause_link(self, zone: Zone) -> SafeString | str:
        return link_to(zone.clause)

    @display(description=_("下属片区"))
    def parts(self, zone: Zone) -> SafeString | str:
        return links_to(zone.parts.all()) if zone.pk else DASH


class CarrierProjectInline(ReadOnlyInline):
    model = Project
    fields = ["link", "stage", "side_state", OFFICER]
    readonly_fields = fields
    list_select_related = ["officer"]
    verbose_name_plural = _("拟用本载体的项目")

    @display(description=_("项目"))
    def link(self, project: Project) -> SafeString | str:
        return link_to(project)


@admin.register(Carrier)
class CarrierAdmin(ModelAdmin):
    list_filter = ["kind", "zone", "is_sample"]
    search_fields = ["name", "note", "zone__name"]
    search_help_text = _("按载体名称、片区、说明检索")
    list_select_related = ["zone", "clause"]
    autocomplete_fields = ["zone", "clause"]
    readonly_fields = ["directions", "sample"]
    inlines = [CarrierProjectInline]
    # chain code → name. The chains stand above this app and put their look-up here.
    chain_names: Callable[[], Mapping[str, str]] = staticmethod(dict)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        names: dict[str, str] = {}

        @display(description=_("产业方向"))
        def directions(carrier: Carrier) -> str:
            if not names:
                names.update(self.chain_names())  # one query a page, not one a row
            return directions_text(carrier, names)

        return ["name", "kind", "zone_link", "area", directions, "clause_link"]

    def get_fields(self, request: HttpRequest, obj: Carrier | None = None) -> list[str]:
        may_change = self.has_change_permission(request, obj)
        industries = "industries" if may_change or obj is None else "directions"
        return ["code", "name", "kind", "zone", "area_sqm", industries, "clause", "note", "sample"]

    @display(description=_("片区"), ordering="zone__name")
    def zone_link(self, carrier: Carrier) -> SafeString | str:
        return link_to(carrier.zone)

    @display(description=_("面积（平方米）"), ordering="area_sqm")
    def area(self, carrier: Carrier) -> str:
        return area_text(carrier)

    @display(description=_("规划条款"), ordering="clause__order")
    def clause_link(self, carrier: Carrier) -> SafeString | str:
        return link_to(carrier.clause)

    @display(description=_("产业方向"))
    def directions(self, carrier: Carrier) -> str:
        return directions_text(carrier, self.chain_names())

    @display(description=_("示例"))
    def sample(self, carrier: Carrier) -> str:
        return "示例数据" if carrier.is_sample else DASH


def area_text(carrier: Carrier) -> str:
    return DASH if carrier.area_sqm is None else f"{carrier.area_sqm:,.0f}"


def directions_text(carrier: Carrier, names: Mapping[str, str]) -> str:
    return "、".join(names.get(code, code) for code in carrier.industries) or DASH
