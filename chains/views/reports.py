"""Pages of chains and their gap reports. Each reads a frozen report in a fixed number of queries."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from chains import loading
from chains.models import Chain, GapReport
from chains.reports import pages
from chains.reports.masking import mask_document
from office import scope

_reader = permission_required("chains.view_gapreport", raise_exception=True)


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The chains for those who read them, the back office for those who work there, a refusal for those without a role."""
    if request.user.has_perm("chains.view_gapreport"):
        return render(request, "chains/overview.html", pages.overview(request.user))
    if request.user.role_names:
        return redirect("admin:index")
    raise PermissionDenied


@require_GET
@_reader
def chain_report(request: HttpRequest, code: str, number: int | None = None) -> HttpResponse:
    report = _report(request, code, number)
    if report is None:
        return render(request, "chains/no_report.html", {"chain": _chain(request, code)})
    return render(request, "chains/report.html", pages.report_page(report, request.user))


@require_GET
@_reader
def node_page(request: HttpRequest, code: str, node: str, number: int | None = None) -> HttpResponse:
    report = _report(request, code, number)
    page = pages.node_page(report, node, request.user) if report else None
    if page is None:
        raise Http404("没有这个环节")
    return render(request, "chains/node.html", page)


@require_GET
@_reader
def chain_file(request: HttpRequest, code: str, number: int | None = None) -> JsonResponse:
    """The chain as an open chain file: as of today, or as a report froze it, so that anyone can compute it again."""
    chain = _chain(request, code)
    if number is not None:
        body, name = get_object_or_404(chain.reports, number=number).input_document, f"{code}-{number}.chain.json"
    else:
        body, name = loading.document(loading.current_version(chain), as_of=timezone.localdate()), f"{code}.chain.json"
    seen = pages.seen_projects(request.user, (item["project"] for item in body["pipeline"]))
    return _download(mask_document(body, seen=seen), name)


def _download(body: dict[str, Any], name: str) -> JsonResponse:
    response = JsonResponse(body, json_dumps_params={"ensure_ascii": False, "indent": 1})
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_GET
@_reader
def model_page(request: HttpRequest) -> HttpResponse:
    return render(request, "chains/model.html", pages.model_page())


def _chain(request: HttpRequest, code: str) -> Chain:
    return get_object_or_404(scope.visible_to(request.user, Chain), code=code)


def _report(request: HttpRequest, code: str, number: int | None) -> GapReport | None:
    """The numbered report (404 if there is none), or the newest one, or None for a chain without any."""
    reports = scope.visible_to(request.user, GapReport).filter(chain__code=code)
    reports = reports.select_related("chain", "version", "created_by")
    if number is not None:
        return get_object_or_404(reports, number=number)
    return reports.order_by("-number").first()
