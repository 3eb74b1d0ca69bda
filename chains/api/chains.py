from __future__ import annotations

from rest_framework import serializers

from chains.models import Chain
from office.api import ScopedViewSet
from office.api_input import RowSerializer


class ChainSerializer(RowSerializer):
    clause = serializers.SlugRelatedField(slug_field="anchor", read_only=True)
    contact_name = serializers.CharField(source="contact", read_only=True, default=None)

    class Meta:
        model = Chain
        fields = ["code", "name", "group", "summary", "clause", "contact_name", "order", "version"]
        read_only_fields = fields


class ChainViewSet(ScopedViewSet):
    model = Chain
    serializer_class = ChainSerializer
    http_method_names = ["get", "head"]
    related = ("clause", "contact")
    ordering = ("order", "code", "name")
