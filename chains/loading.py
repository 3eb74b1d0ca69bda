"""Rows → the chain file's plain form, in a fixed number of queries.

Everything that judges a chain starts from the document made here, so a stored chain, an uploaded file and a frozen
report go one way through `chains.analysis`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import Case, Exists, F, OuterRef, Q, When

from chains.analysis.chainfile import FORMAT
from chains.models import Chain, ChainVersion, NodeSpec, Placement, SupplyGroup
from projects import lifecycle

Document = dict[str, Any]

# Chain files count in 亿元 of annual output; the database keeps 元.
YUAN_PER_UNIT = 100_000_000


def current_version(chain: Chain) -> ChainVersion:
    """The newest version; raises ChainVersion.DoesNotExist for a chain that has none yet."""
    return chain.versions.select_related("chain").latest("number")


def structure(version: ChainVersion) -> Document:
    """The map of one version as a chain file without placements and pipeline (3 queries)."""
    chain = version.chain
    specs = version.specs.select_related("node", "clause").order_by("order")
    groups = version.groups.select_related("node").prefetch_related("alternatives__node").order_by("order")
    return {
        **version.document_extra,
        "format": FORMAT,
        "chain": {
            **version.extra, "code": chain.code, "name": chain.name, "district_share": version.district_share,
        },
        "nodes": [_node(spec) for spec in specs],
        "supply": [_group(group) for group in groups],
        "placements": [],
        "pipeline": [],
    }


def _node(spec: NodeSpec) -> Document:
    return {
        **spec.extra,
        "code": spec.node.code, "name": spec.name, "tier": spec.tier, "weight": spec.weight,
        "target_capacity": spec.target_capacity, "national_mass": spec.national_mass,
        "external_availability": spec.external_availability, "policy_weight": spec.policy_weight,
        "is_output": spec.is_output, "clause": spec.clause.anchor if spec.clause else None,
        "source": spec.origin, "reason": spec.reason, "keywords": spec.keywords, "gb4754": spec.industry_codes,
    }


def _group(group: SupplyGroup) -> Document:
    alternatives = [
        {**option.extra, "node": option.node.code, "substitution": option.substitution}
        for option in sorted(group.alternatives.all(), key=lambda option: option.order)
    ]
    labelled = {"label": group.label} if group.label else {}
    return {**group.extra, **labelled, "node": group.node.code, "importance": group.importance, "alternatives": alternatives}


def company_placements(version: ChainVersion) -> list[Document]:
    """Placements of local companies on the nodes of this version, in the chain file's form (2 queries).

    A company counts with its annual revenue as known; one whose revenue nobody knows counts as present with size 0,
    since a guess would narrow the gap on no evidence. A company that was merged counts as the one that it is now, once
    a node.
    """
    placed = _on_nodes_of(version).filter(company__isnull=False).annotate(**firm())
    rows = placed.filter(firm_district_code=settings.HOME_DISTRICT).values_list(
        "firm_code", "node__code", "probability", "revenue_share", "firm_annual_revenue", "firm_is_operating"
    ).order_by("node__code", "firm_code")
    return [
        {
            "company": company, "node": node, "probability": probability, "revenue_share": share,
            "size": float((revenue or 0) / YUAN_PER_UNIT), "operating": operating,
        }
        for company, node, probability, share, revenue, operating in rows
    ]


def firm() -> dict[str, Any]:
    """The columns firm_code … of the live company behind a placement. What that does not say is not said: an absorbed
    company's revenue is in its own."""
    return {
        f"firm_{name}": Case(
            When(company__merged_into__isnull=False, then=F(f"company__merged_into__{name}")), default=F(f"company__{name}")
        )
        for name in ("code", "district_code", "annual_revenue", "is_operating")
    }


def pipeline(version: ChainVersion) -> list[Document]:
    """Projects under way at the nodes of this version (2 queries). Those without an expected output carry no capacity.

    A project whose investor already operates here at the node would count twice once it runs; the officer rejects the
    project's placement then, which takes it out of this list.
    """
    rows = (
        _on_nodes_of(version)
        .filter(project__isnull=False, project__side_state=lifecycle.ACTIVE)
        .values_list("project__code", "node__code", "project__expected_output", "project__stage")
        .order_by("node__code", "project__code")
    )
    return [
        {"project": project, "node": node, "capacity": float((output or 0) / YUAN_PER_UNIT), "stage": stage}
        for project, node, output, stage in rows
    ]


def document(version: ChainVersion, *, as_of: dt.date) -> Document:
    """The whole chain file of a version as of a date: its map, the local companies and the projects (7 queries)."""
    whole = structure(version)
    whole["chain"]["as_of"] = as_of.isoformat()
    whole["placements"] = company_placements(version)
    whole["pipeline"] = pipeline(version)
    return whole


def _on_nodes_of(version: ChainVersion) -> Any:
    """Placements that stand on a node which this version still has; a node that an edit removed keeps its rows.

    Of a company that has absorbed others, one a node: its own, and where that was rejected none; else the likeliest.
    """
    nodes = list(version.specs.values_list("node_id", flat=True))  # a list keeps the plan simple: no join to misjudge
    standing = Placement.objects.filter(node_id__in=nodes).exclude(state=Placement.State.REJECTED)
    return standing.filter(Q(company__merged_into__isnull=True) | ~Exists(_goes_before()))


def _goes_before() -> Any:
    """Rows of the same firm at the same node that count instead of an absorbed company's row."""
    likelier = Q(probability__gt=OuterRef("probability")) | Q(probability=OuterRef("probability"), pk__lt=OuterRef("pk"))
    own = Q(company=OuterRef("company__merged_into"))
    sibling = Q(company__merged_into=OuterRef("company__merged_into")) & ~Q(state=Placement.State.REJECTED) & likelier
    return Placement.objects.filter(own | sibling, node=OuterRef("node"))


def placement_rows(version: ChainVersion, *, node_codes: Iterable[str] | None = None) -> Any:
    """Placements with company and project joined in, for pages and candidate lists."""
    rows = _on_nodes_of(version).select_related(
        "node", "company__merged_into", "project", "project__officer", "project__company__merged_into"
    )
    return rows.filter(node__code__in=list(node_codes)) if node_codes is not None else rows
