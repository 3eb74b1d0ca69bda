from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from chains.models import GapReport, GapReportRow
from chains.reports.masking import mask_row
from chains.reports.pages import seen_projects
from office.api import CODE, NUMBER, ScopedViewSet
from office.api_input import RowSerializer


class ReportRowSerializer(RowSerializer):
    class Meta:
        model = GapReportRow
        fields = [
            "rank", "code", "name", "tier", "status", "fragile", "action", "action_clause", "covered_by_pipeline", "gap",
            "gap_with_pipeline", "contributions", "interval", "projects", "candidates", "carriers", "people", "next_step",
        ]
        read_only_fields = fields


class ReportSerializer(RowSerializer):
    chain = serializers.SlugRelatedField(slug_field="code", read_only=True)
    chain_version = serializers.IntegerField(source="version.number", read_only=True)

    class Meta:
        model = GapReport
        fields = [
            "id", "chain", "chain_version", "number", "as_of", "model_version", "input_hash", "content_hash", "created",
        ]
        read_only_fields = fields


class WholeReportSerializer(ReportSerializer):
    rows = ReportRowSerializer(many=True, read_only=True)

    class Meta(ReportSerializer.Meta):
        fields = [*ReportSerializer.Meta.fields, "rows"]
        read_only_fields = fields


class GapReportViewSet(ScopedViewSet):
    """Frozen reports: the list without rows, one report with them."""

    model = GapReport
    key_field = NUMBER
    lookup_field = "pk"
    http_method_names = ["get", "head"]
    related = ("chain", "version")
    ordering = ("-created", "number", "as_of")
    filters = {"chain": ("chain__code", CODE)}

    def get_serializer_class(self) -> Any:
        return WholeReportSerializer if self.action == "retrieve" else ReportSerializer

    def get_queryset(self) -> QuerySet[GapReport]:
        rows = super().get_queryset().defer("input_document", "analysis", "context")
        return rows.prefetch_related("rows") if self.action == "retrieve" else rows

    def get_object(self) -> GapReport:
        """As on the page: projects outside the reader's scope keep their officer and phase, and nothing else."""
        report: GapReport = super().get_object()
        rows = list(report.rows.all())
        seen = seen_projects(self.request.user, (project["code"] for row in rows for project in row.projects))
        for row in rows:
            mask_row(row, seen=seen)
        return report
