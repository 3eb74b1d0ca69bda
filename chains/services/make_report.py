"""Make a chain's gap report: load, analyse, word, freeze."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction

from chains import loading
from chains.analysis.analysis import analyse
from chains.analysis.chainfile import parse_chain
from chains.facts import load_facts
from chains.models import Chain, GapReport, GapReportRow, Node
from chains.reports.build import build
from office.models import User


@dataclass(frozen=True)
class ReportResult:
    report: GapReport
    created: bool


def make_report(*, chain: Chain, as_of: dt.date, now: dt.datetime, by: User | None = None) -> ReportResult:
    """Freeze a new report, or return the newest one when nothing that a reader sees has changed since.

    Raises ChainVersion.DoesNotExist where the chain has no version, ChainFileError where stored data breaks the model's
    laws (an officer's correction is needed; nothing is written).
    """
    version = loading.current_version(chain)
    document = parse_chain(loading.document(version, as_of=as_of))
    analysis = analyse(document).to_dict()
    whole = document.to_dict()
    content = build(whole, analysis, load_facts(version, document, analysis, as_of=as_of))
    with transaction.atomic():
        Chain.objects.select_for_update().get(pk=chain.pk)
        newest = chain.reports.order_by("-number").first()
        if newest is not None and newest.content_hash == content.content_hash and newest.version_id == version.pk:
            return ReportResult(newest, created=False)
        report = GapReport.objects.create(
            chain=chain, version=version, number=newest.number + 1 if newest else 1, as_of=as_of,
            model_version=analysis["model_version"], input_hash=analysis["input_hash"],
            content_hash=content.content_hash, input_document=whole, analysis=analysis, context=content.context,
            created=now, created_by=by,
        )
        nodes = dict(Node.objects.filter(chain=chain).values_list("code", "id"))
        GapReportRow.objects.bulk_create(
            GapReportRow(report=report, node_id=nodes[row["code"]], **row) for row in content.rows
        )
    return ReportResult(report, created=True)


def recompute(report: GapReport) -> bool:
    """Whether analysing the frozen input again gives the frozen analysis, figure by figure."""
    return bool(analyse(parse_chain(report.input_document)).to_dict() == report.analysis)
