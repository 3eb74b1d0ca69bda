"""A frozen report → what its pages show to one reader. Reads rows; draws and words, but computes no figure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import F, OuterRef, Q, Subquery
from django.urls import reverse

from chains.analysis.parameters import MODEL_1
from chains.models import Chain, GapReport, Placement
from chains.reports.build import ACTION_WORDS, CONTRIBUTION_WORDS, STATUS_WORDS, TIER_WORDS, evidence_words
from chains.reports.lanes import LaneLink, LaneNode, draw
from chains.reports.masking import mask_row
from office import scope
from office.models import User
from projects import lifecycle
from projects.models import Project

Page = dict[str, Any]
WORDS = {"action": ACTION_WORDS, "status": STATUS_WORDS, "tier": TIER_WORDS, "part": CONTRIBUTION_WORDS}


def overview(reader: User) -> Page:
    """Every chain that the reader sees, with its newest report's figures and widest gaps (3 queries)."""
    newest = GapReport.objects.filter(chain=OuterRef("pk")).order_by("-number").values("pk")[:1]
    chains = list(scope.visible_to(reader, Chain).annotate(newest=Subquery(newest)).select_related("contact"))
    reports = {
        report.chain_id: report
        for report in GapReport.objects.filter(pk__in=[chain.newest for chain in chains if chain.newest])
        .defer("input_document").prefetch_related("rows")
    }
    return {"cards": [_card(chain, reports.get(chain.pk)) for chain in chains], "words": WORDS}


def _card(chain: Chain, report: GapReport | None) -> Page:
    rows = [row for row in report.rows.all() if row.action != "none"] if report else []
    return {
        "chain": chain, "report": report, "figures": report.analysis["chain"] if report else None,
        "widest": rows[:3], "counts": report.context["status_counts"] if report else {},
        "actions": report.context["action_counts"] if report else {},
    }


def seen_projects(reader: User, codes: Iterable[str]) -> set[str]:
    """Those of the codes that name a project within the reader's scope (1 query)."""
    return set(scope.visible_to(reader, Project).filter(code__in=set(codes)).values_list("code", flat=True))


def _masked_rows(report: GapReport, reader: User, **only: str) -> list[Any]:
    rows = list(report.rows.filter(**only))
    seen = seen_projects(reader, (project["code"] for row in rows for project in row.projects))
    return [mask_row(row, seen=seen) for row in rows]


def report_page(report: GapReport, reader: User) -> Page:
    """The whole report: figures, picture, findings, table (3 queries besides the report's own)."""
    rows = _masked_rows(report, reader)
    nodes = {node["code"]: node for node in report.analysis["nodes"]}
    acting = [row for row in rows if row.action != "none"]
    return {
        "report": report, "chain": report.chain, "context": report.context, "figures": report.analysis["chain"],
        "rows": [_row(row) for row in acting], "quiet": [row for row in rows if row.action == "none"],
        "picture": _picture(report, rows, nodes), "words": WORDS,
        "issues": list(report.chain.reports.order_by("-number").values_list("number", "as_of")[:12]),
        "is_newest": not report.chain.reports.filter(number__gt=report.number).exists(),
    }


def _row(row: Any) -> Page:
    """One table line: the row and its contributions as (word, points), widest first."""
    parts = sorted(row.contributions.items(), key=lambda item: -item[1])
    return {"row": row, "parts": [(CONTRIBUTION_WORDS[name], value) for name, value in parts]}


def _picture(report: GapReport, rows: list[Any], analysis: dict[str, Page]) -> str:
    """The chain in its tiers as SVG, each node a link to its page."""
    specs = {node["code"]: node for node in report.input_document["nodes"]}
    lane_nodes = [
        LaneNode(
            code=row.code, name=row.name, tier=row.tier, lane=specs[row.code].get("lane"), status=row.status,
            fragile=row.fragile, action=row.action, gap=row.gap, coming=len(row.projects),
            is_output=bool(specs[row.code].get("is_output")),
            href=reverse("report-node", args=[report.chain.code, report.number, row.code]),
        )
        for row in sorted(rows, key=lambda row: list(specs).index(row.code))
    ]
    links = [
        LaneLink(
            source=option["node"], target=group["node"], importance=group.get("importance", 1.0),
            substitution=option.get("substitution", 1.0),
            present=analysis[option["node"]]["status"] != "missing",
        )
        for group in report.input_document["supply"] for option in group["alternatives"]
    ]
    return draw(lane_nodes, links)


def node_page(report: GapReport, code: str, reader: User) -> Page | None:
    """All that a node's figures were made of, from the report's frozen input; None for a node that it does not have."""
    row = next(iter(_masked_rows(report, reader, code=code)), None)
    if row is None:
        return None
    document, analysis = report.input_document, {node["code"]: node for node in report.analysis["nodes"]}
    specs = {node["code"]: node for node in document["nodes"]}
    companies = _companies(document, code, reader)
    return {
        "report": report, "chain": report.chain, "row": row, "parts": _row(row)["parts"], "spec": specs[code],
        "node": analysis[code], "companies": companies[:200], "company_count": len(companies),
        "needs": _groups(document, analysis, specs, lambda group: group["node"] == code),
        "serves": _groups(
            document, analysis, specs, lambda group: any(option["node"] == code for option in group["alternatives"])
        ),
        "model": MODEL_1, "words": WORDS,
    }


def _companies(document: Page, code: str, reader: User) -> list[Page]:
    """The node's local companies, the largest mass first, with names and evidence as they stand today (1 query)."""
    placed = [item for item in document["placements"] if item["node"] == code]
    wanted = [item["company"] for item in placed]
    standing = scope.visible_to(reader, Placement).filter(
        Q(company__code__in=wanted) | Q(company__merged_into__code__in=wanted), node__chain__code=document["chain"]["code"],
        node__code=code,
    )
    rows: dict[str, Placement] = {}
    for row in standing.select_related("company__merged_into").order_by(F("company__merged_into").asc(nulls_first=True)):
        for company in (row.company, row.company.root):  # a frozen report may name one that was absorbed since
            rows.setdefault(company.code, row)
    lines = [
        {
            **item, "mass": item["probability"] * item["revenue_share"] * item["size"], "live": rows.get(item["company"]),
            "why": [evidence_words(piece) for piece in getattr(rows.get(item["company"]), "evidence", [])],
        }
        for item in placed
    ]
    return sorted(lines, key=lambda line: (-line["mass"], -line["probability"], line["company"]))


def _groups(document: Page, analysis: dict[str, Page], specs: dict[str, Page], wanted: Any) -> list[Page]:
    """Supply groups with each alternative's availability, for the two tables of a node's page."""
    return [
        {
            "label": group.get("label") or specs[group["node"]]["name"], "importance": group["importance"],
            "node": specs[group["node"]], "analysis": analysis[group["node"]],
            "options": [
                {
                    "node": specs[option["node"]], "substitution": option["substitution"],
                    "analysis": analysis[option["node"]],
                    "external": specs[option["node"]]["external_availability"],
                }
                for option in group["alternatives"]
            ],
        }
        for group in document["supply"] if wanted(group)
    ]


def model_page() -> Page:
    weights = [(CONTRIBUTION_WORDS[part], getattr(MODEL_1, f"{part}_weight")) for part in CONTRIBUTION_WORDS]
    priors = [(lifecycle.STAGES[stage], chance) for stage, chance in MODEL_1.stage_probabilities.items() if chance]
    return {"model": MODEL_1, "gap_weights": weights, "stage_priors": priors}
