from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from chains.models import Placement
from chains.services.decide_placement import decide_placement
from office.api import CODE, NUMBER, ScopedViewSet
from office.api_input import RowSerializer, Strict
from projects.services.update import lock_project


class PlacementSerializer(RowSerializer):
    chain = serializers.CharField(source="node.chain.code", read_only=True)
    node = serializers.SlugRelatedField(slug_field="code", read_only=True)
    company = serializers.SlugRelatedField(slug_field="code", read_only=True)
    project = serializers.SlugRelatedField(slug_field="code", read_only=True)
    decided_by_name = serializers.CharField(source="decided_by", read_only=True, default=None)

    class Meta:
        model = Placement
        fields = [
            "id", "chain", "node", "company", "project", "probability", "revenue_share", "evidence", "state", "source",
            "placed_on", "decided_by_name", "version",
        ]
        read_only_fields = fields


class DecisionBody(Strict):
    confirmed = serializers.BooleanField()


class PlacementViewSet(ScopedViewSet):
    model = Placement
    serializer_class = PlacementSerializer
    key_field = NUMBER
    lookup_field = "pk"
    http_method_names = ["get", "head", "post"]
    related = ("node__chain", "company", "project", "decided_by")
    ordering = ("id", "-probability", "placed_on")
    filters = {
        "state": ("state", serializers.ChoiceField(Placement.State.values)), "chain": ("node__chain__code", CODE),
        "node": ("node__code", CODE), "company": ("company__code", CODE), "project": ("project__code", CODE),
    }

    def locked(self, pk: int, seen: int | None, body: Any) -> Any:
        """The project before its placement, as everybody locks them: no two wait for each other."""
        for project in Placement.objects.filter(pk=pk, project__isnull=False).values_list("project", flat=True):
            lock_project(project_id=project)
        return super().locked(pk, seen, body)

    @action(detail=True, methods=["post"])
    def decide(self, request: Request, **_: Any) -> Response:
        return self.change(request, DecisionBody, lambda row, values: decide_placement(
            placement_id=row.pk, by=request.user, **values,
        ))
