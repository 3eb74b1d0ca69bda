from __future__ import annotations

from rest_framework import serializers

from office.api import CODE, ScopedViewSet
from office.api_input import RowSerializer
from projects.models import Carrier


class CarrierSerializer(RowSerializer):
    zone = serializers.SlugRelatedField(slug_field="code", read_only=True)
    clause = serializers.SlugRelatedField(slug_field="anchor", read_only=True)

    class Meta:
        model = Carrier
        fields = ["code", "name", "kind", "zone", "area_sqm", "industries", "clause", "note", "is_sample", "version"]
        read_only_fields = fields


class CarrierViewSet(ScopedViewSet):
    model = Carrier
    serializer_class = CarrierSerializer
    http_method_names = ["get", "head"]
    related = ("zone", "clause")
    ordering = ("code", "name", "area_sqm")
    filters = {"kind": ("kind", serializers.ChoiceField(Carrier.Kind.values)), "zone": ("zone__code", CODE)}
