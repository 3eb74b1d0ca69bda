from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from crm.models import Company
from office import scope
from office.api import CODE, ScopedViewSet
from office.api_input import RowSerializer, ScopedCode, Strict
from projects import lifecycle
from projects.models import Carrier, Commitment, Project
from projects.services.handover import HandoverError, hand_over, officers
from projects.services.transition import change_side_state, change_stage
from projects.services.update import edit_project

EARLIEST = dt.date(2000, 1, 1)


class ProjectSerializer(RowSerializer):
    company = ScopedCode(Company)
    carrier = ScopedCode(Carrier, allow_null=True, required=False)
    officer_name = serializers.CharField(source="officer", read_only=True)

    class Meta:
        model = Project
        fields = [
            "code", "name", "company", "track", "stage", "stage_since", "side_state", "officer", "officer_name", "carrier",
            "total_investment", "expected_output", "source_place", "summary", "next_step", "is_sample", "version", "created",
            "updated",
        ]
        read_only_fields = [
            "code", "stage", "stage_since", "side_state", "officer", "is_sample", "version", "created", "updated",
        ]


class CommitmentSerializer(RowSerializer):
    class Meta:
        model = Commitment
        fields = ["id", "agreement_version", "metric", "year", "amount", "entered_as"]
        read_only_fields = fields


class _Dated(Strict):
    on = serializers.DateField(required=False)
    reason = serializers.CharField(max_length=255, required=False, allow_blank=True, default="")

    def validate_on(self, on: dt.date) -> dt.date:
        if not EARLIEST <= on <= timezone.localdate():
            raise ValidationError("日期不能晚于今天，也不能早于 2000 年")
        return on

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"on": timezone.localdate(), **attrs}


class TransitionBody(_Dated):
    stage = serializers.ChoiceField(list(lifecycle.STAGES), required=False)
    side_state = serializers.ChoiceField(list(lifecycle.SIDE_STATES), required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("stage" in attrs) == ("side_state" in attrs):
            raise ValidationError("请写明 stage 或 side_state 之一")
        return super().validate(attrs)


class HandoverBody(_Dated):
    officer = serializers.PrimaryKeyRelatedField(queryset=officers())
    reason = serializers.CharField(max_length=255)


class ProjectViewSet(ScopedViewSet):
    """Projects. A stage and an officer change by a transition and a handover only."""

    model = Project
    serializer_class = ProjectSerializer
    related = ("company", "carrier", "officer")
    ordering = ("code", "stage_since", "expected_output", "updated")
    rights = {"commitments": "projects.view_commitment"}
    domain_errors = (lifecycle.LifecycleError, HandoverError)
    filters = {
        "stage": ("stage", serializers.ChoiceField(list(lifecycle.STAGES))),
        "side_state": ("side_state", serializers.ChoiceField(list(lifecycle.SIDE_STATES))),
        "track": ("track", serializers.ChoiceField(list(lifecycle.TRACKS))),
        "company": ("company__code", CODE), "carrier": ("carrier__code", CODE),
    }

    def partial_update(self, request: Request, **_: Any) -> Response:
        return self.change(request, ProjectSerializer, lambda project, values: edit_project(
            project=project, values=values, by=request.user, on=timezone.localdate(),
        ))

    @action(detail=True, methods=["post"])
    def transition(self, request: Request, **_: Any) -> Response:
        return self.change(request, TransitionBody, lambda project, values: _move(project, values, request.user))

    @action(detail=True, methods=["post"])
    def handover(self, request: Request, **_: Any) -> Response:
        return self.change(request, HandoverBody, lambda project, values: hand_over(project_id=project.pk, **values))

    @action(detail=True, methods=["get"])
    def commitments(self, request: Request, **_: Any) -> Response:
        rows = scope.visible_to(request.user, Commitment.objects.filter(project=self.get_object()).order_by("pk"))
        page = self.paginate_queryset(rows)
        body = CommitmentSerializer(page, many=True, context=self.get_serializer_context())
        return self.get_paginated_response(body.data)


def _move(project: Project, values: dict[str, Any], by: Any) -> None:
    told = {"project_id": project.pk, "by": by, "on": values["on"], "reason": values["reason"]}
    if "stage" in values:
        change_stage(target=values["stage"], **told)
    else:
        change_side_state(target=values["side_state"], **told)
