"""What stands around an analysis in a report: projects, candidate companies, carriers, people (8 queries a chain)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import F, Q, Window
from django.db.models.functions import Coalesce, RowNumber

from chains import loading
from chains.analysis.candidates import Arrival, falls
from chains.analysis.chainfile import ChainDocument
from chains.analysis.parameters import MODEL_1
from chains.models import ChainVersion, Placement
from chains.reports.build import CandidateFact, CarrierFact, Facts, ProjectFact, evidence_words
from crm.models import Company
from plans.models import Indicator
from projects import lifecycle
from projects.models import Carrier, Project

Document = dict[str, Any]

# How many companies are weighed for each node before the best few are named.
POOL = 40
LEAST_PROBABILITY = 0.5


def load_facts(version: ChainVersion, document: ChainDocument, analysis: Document, *, as_of: dt.date) -> Facts:
    chain = version.chain
    leader = chain.leaders.select_related("user").filter(term__contains=as_of).first()
    return Facts(
        leader=str(leader.user) if leader else "",
        contact=str(chain.contact) if chain.contact else "",
        version=version.number,
        clause=chain.clause.anchor if chain.clause else "",
        targets=_targets(version),
        lead_firms=tuple(chain.lead_firms.values_list("name", flat=True)),
        carriers=_carriers(chain.code),
        projects=_projects(version),
        candidates=_candidates(version, document, analysis),
        unknown_size=_unknown_size(version),
        company_names=_company_names(analysis),
    )


def _targets(version: ChainVersion) -> tuple[Document, ...]:
    rows = Indicator.objects.filter(chain_code=version.chain.code).select_related("clause").order_by("order")
    return tuple({"name": row.name, "target": _target_text(row), "clause": row.clause.anchor} for row in rows)


def _target_text(row: Indicator) -> str:
    """"> 100 亿元", "1–2 个": the figure as the plan prints it."""
    low, high = (f"{value.normalize():f}" if value is not None else "" for value in (row.target_2025, row.target_high))
    sign = "" if row.comparator == Indicator.Comparator.EQUAL else f"{row.get_comparator_display()} "
    return f"{sign}{low}{'–' + high if high else ''} {row.unit}"


def _carriers(chain_code: str) -> tuple[CarrierFact, ...]:
    rows = Carrier.objects.filter(industries__contains=[chain_code]).select_related("zone", "clause").order_by("kind", "code")
    return tuple(
        CarrierFact(
            code=row.code, name=row.name, zone=row.zone.name if row.zone else "",
            area_sqm=float(row.area_sqm) if row.area_sqm else None, clause=row.clause.anchor if row.clause else "",
        )
        for row in rows
    )


def _projects(version: ChainVersion) -> Mapping[str, list[ProjectFact]]:
    facts: dict[str, list[ProjectFact]] = defaultdict(list)
    rows = loading.placement_rows(version).filter(
        project__isnull=False, project__side_state=lifecycle.ACTIVE
    )
    order = {stage: -place for place, stage in enumerate(lifecycle.STAGES)}
    for row in sorted(rows, key=lambda row: (order[row.project.stage], row.project.code)):
        project = row.project
        facts[row.node.code].append(
            ProjectFact(
                code=project.code, name=project.name, company=project.company.root.name, stage=project.get_stage_display(),
                phase=lifecycle.phase(project.stage), since=project.stage_since.isoformat(),
                officer=str(project.officer), next_step=project.next_step, sample=project.is_sample,
                capacity=float(project.expected_output / loading.YUAN_PER_UNIT) if project.expected_output else None,
            )
        )
    return facts


def _company_names(analysis: Document) -> dict[str, str]:
    """Names of the companies whose loss would hurt most, for the sentence that says so."""
    worst = [analysis["chain"][variant].get("worst_company") for variant in ("current", "with_pipeline")]
    codes = [company["company"] for company in worst if company]
    return dict(Company.objects.filter(code__in=codes).values_list("code", "name"))


def _unknown_size(version: ChainVersion) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    rows = loading.placement_rows(version).filter(company__isnull=False).annotate(**loading.firm()).filter(
        firm_district_code=settings.HOME_DISTRICT, firm_is_operating=True, firm_annual_revenue__isnull=True
    )
    for code in rows.values_list("node__code", flat=True):
        counts[code] += 1
    return dict(sorted(counts.items()))


def _candidates(version: ChainVersion, document: ChainDocument, analysis: Document) -> Mapping[str, list[CandidateFact]]:
    """For each node with an action, the companies elsewhere whose landing would narrow its gap most."""
    acting = {node["code"]: node for node in analysis["nodes"] if node["action"] != "none"}
    by_node: dict[str, list[Any]] = defaultdict(list)
    for row in _pool(version, list(acting)):
        by_node[row.node.code].append(row)
    followed = _followed({row.company.root.pk for rows in by_node.values() for row in rows})
    return {
        node: _ranked(rows, falls(document, acting[node], [_arrival(row) for row in rows], MODEL_1), followed)
        for node, rows in by_node.items()
    }


def _size(row: Any) -> float | None:
    revenue = row.company.root.annual_revenue
    return float(revenue / loading.YUAN_PER_UNIT) if revenue else None


def _arrival(row: Any) -> Arrival:
    return Arrival(probability=row.probability, mass=(_size(row) or 0.0) * row.revenue_share)


def _ranked(rows: list[Any], points: list[float], followed: Mapping[int, str]) -> list[CandidateFact]:
    facts = [
        CandidateFact(
            code=row.company.root.code, name=row.company.root.name, district=row.company.root.district_name or "所在地不详",
            probability=round(row.probability, 4), size=_size(row), expected_fall=round(fall, 4),
            why=tuple(evidence_words(item) for item in row.evidence[:3]), followed_by=followed.get(row.company.root.pk, ""),
            sample=row.company.root.is_sample,
        )
        for row, fall in zip(rows, points, strict=True)
    ]
    return sorted(facts, key=lambda fact: (-fact.expected_fall, fact.code))


def _pool(version: ChainVersion, node_codes: list[str]) -> Any:
    """The likeliest companies outside the district at each node; those with a project there are coming already."""
    ranked = (
        loading.placement_rows(version, node_codes=node_codes)
        .annotate(**loading.firm())
        .filter(company__isnull=False, firm_is_operating=True, probability__gte=LEAST_PROBABILITY)
        .exclude(firm_district_code=settings.HOME_DISTRICT)
        .annotate(
            place=Window(
                RowNumber(), partition_by=F("node_id"),
                order_by=[F("firm_annual_revenue").desc(nulls_last=True), F("probability").desc(), F("id").asc()],
            )
        )
    )
    coming = Placement.objects.filter(node__chain_id=version.chain_id, project__isnull=False).values_list(
        "node_id", Coalesce("project__company__merged_into", "project__company")
    )
    taken = set(coming)
    return (row for row in ranked.filter(place__lte=POOL) if (row.node_id, row.company.root.pk) not in taken)


def _followed(company_ids: set[int]) -> dict[int, str]:
    """Who already courts a company, so that two officers do not call the same firm."""
    live = Q(side_state__in=[lifecycle.ACTIVE, lifecycle.PAUSED])
    theirs = Q(company__in=company_ids) | Q(company__merged_into__in=company_ids)
    rows = Project.objects.filter(live, theirs).select_related("officer", "company").order_by("-stage_since", "id")
    return {row.company.merged_into_id or row.company_id: str(row.officer) for row in reversed(rows)}
