from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from crm.codes import STATUS_LABELS
from crm.models import Company, CompanyIdentifier, IndustryCode
from crm.services.save_company import edit_company
from office.api import ScopedViewSet
from office.api_input import FiniteFloat, RowSerializer, ScopedCode, Strict

PLACE = serializers.RegexField(r"^[0-9]{6}$")
WHOLE = 1.005  # shares are rounded


class ProductSerializer(Strict):
    name = serializers.CharField(max_length=100)
    revenue_share = FiniteFloat(min_value=0, max_value=1, allow_null=True, default=None)


class CompanySerializer(RowSerializer):
    industry = ScopedCode(IndustryCode, allow_null=True, required=False)
    source = serializers.SlugRelatedField(slug_field="code", read_only=True)
    merged_into = serializers.SlugRelatedField(slug_field="code", read_only=True)
    uscc = serializers.SerializerMethodField()
    products = ProductSerializer(many=True, required=False, max_length=100)

    class Meta:
        model = Company
        fields = [
            "code", "name", "uscc", "short_name", "status", "is_operating", "industry", "industry_code", "district_code",
            "street_code", "address", "established_on", "registered_capital", "registered_capital_currency",
            "registered_capital_text", "annual_revenue", "revenue_year", "employees", "business_scope", "products",
            "is_sample", "source", "merged_into", "version", "created_at", "updated_at",
        ]
        read_only_fields = [
            "code", "is_operating", "industry_code", "registered_capital_currency", "registered_capital_text", "is_sample",
            "version", "created_at", "updated_at",
        ]

    def get_uscc(self, company: Company) -> str | None:
        codes = company.live_codes  # type: ignore[attr-defined]
        return codes[0].value if codes else None

    def validate_products(self, products: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if sum(item["revenue_share"] or 0 for item in products) > WHOLE:
            raise ValidationError("各产品营收占比合计超过 100%")
        return [dict(item) for item in products]


class CompanyViewSet(ScopedViewSet):
    """Companies. PATCH what an officer may edit; what a data source keeps is refused by name."""

    model = Company
    serializer_class = CompanySerializer
    related = ("industry", "source", "merged_into")
    ordering = ("code", "name", "annual_revenue", "updated_at")
    filters = {
        "status": ("status", serializers.ChoiceField(list(STATUS_LABELS))), "district_code": ("district_code", PLACE),
        "name": ("name__icontains", serializers.CharField(max_length=100)),
    }

    def get_queryset(self) -> QuerySet[Company]:
        live = CompanyIdentifier.objects.filter(scheme="uscc", valid_to__isnull=True)
        rows = super().get_queryset()
        if self.action == "list":  # what was absorbed is read by its code, and says where it is kept now
            rows = rows.filter(merged_into__isnull=True)
        return rows.prefetch_related(Prefetch("identifiers", live, to_attr="live_codes"))

    def partial_update(self, request: Request, **_: Any) -> Response:
        return self.change(request, CompanySerializer, lambda company, values: edit_company(
            company=company, values=values, as_of=timezone.localdate(), by=request.user,
        ))
