from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from plans.models import Clause, Indicator


@require_GET
@permission_required("plans.view_clause", raise_exception=True)
def plan(request: HttpRequest) -> HttpResponse:
    """The plan's clauses, each with an anchor that other pages cite, and the indicators of Table 1 (2 queries)."""
    clauses = Clause.objects.select_related("plan").order_by("order")
    indicators = Indicator.objects.select_related("clause").order_by("order")
    context = {"clauses": clauses, "table1": [row for row in indicators if row.kind == Indicator.Kind.TABLE1]}
    return render(request, "plans/plan.html", context)
