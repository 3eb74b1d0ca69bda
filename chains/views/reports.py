"""Pages of chains and their gap reports. Each reads a frozen report in a fixed number of queries."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from chains import loading
from chains.models import Chain, GapReport
from chains.reports import pages


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    return render(request, "chains/overview.html", pages.overview())


@require_GET
def chain_report(request: HttpRequest, code: str, number: int | None = None) -> HttpResponse:
    report = _report(code, number)
    if report is None:
        return render(request, "chains/no_report.html", {"chain": get_object_or_404(Chain, code=code)})
    return render(request, "chains/report.html", pages.report_page(report))


@require_GET
def node_page(request: HttpRequest, code: str, node: str, number: int | None = None) -> HttpResponse:
    report = _report(code, number)
    page = pages.node_page(report, node) if report else None
    if page is None:
        raise Http404("没有这个环节")
    return render(request, "chains/node.html", page)


@require_GET
def chain_file(request: HttpRequest, code: str, number: int | None = None) -> JsonResponse:
    """The chain as an open chain file: as of today, or as a report froze it, so that anyone can compute it again."""
    chain = get_object_or_404(Chain, code=code)
    if number is not None:
        return _download(get_object_or_404(chain.reports, number=number).input_document, f"{code}-{number}.chain.json")
    body = loading.document(loading.current_version(chain), as_of=timezone.localdate())
    return _download(body, f"{code}.chain.json")


def _download(body: dict[str, Any], name: str) -> JsonResponse:
    response = JsonResponse(body, json_dumps_params={"ensure_ascii": False, "indent": 1})
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_GET
def model_page(request: HttpRequest) -> HttpResponse:
    return render(request, "chains/model.html", pages.model_page())


def _report(code: str, number: int | None) -> GapReport | None:
    """The numbered report (404 if there is none), or the newest one, or None for a chain without any."""
    reports = GapReport.objects.filter(chain__code=code).select_related("chain", "version", "created_by")
    if number is not None:
        return get_object_or_404(reports, number=number)
    return reports.order_by("-number").first()
