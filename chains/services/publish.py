"""Publish a chain file as the next version of its chain. The only writer of the map."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from chains.analysis.chainfile import ChainDocument
from chains.models import Chain, ChainVersion, Node, NodeSpec, SupplyAlternative, SupplyGroup
from office.models import User
from plans.models import Clause

_CHAIN_COLUMNS = {"code", "name", "as_of", "district_share"}
_NODE_COLUMNS = {
    "code", "name", "tier", "weight", "target_capacity", "national_mass", "external_availability", "policy_weight",
    "is_output", "clause", "source", "reason", "keywords", "gb4754",
}
_GROUP_COLUMNS = {"node", "importance", "alternatives", "label"}
_OPTION_COLUMNS = {"node", "substitution"}
_TOP_COLUMNS = {"format", "chain", "nodes", "supply", "placements", "pipeline"}


class UnknownClause(ValueError):
    """A node cites a clause that no loaded plan has; the message names the node and the anchor."""


@dataclass(frozen=True)
class Published:
    version: ChainVersion
    created: bool
    ignored_placements: int  # a chain file's companies are not ours: placements come from the sync and the officers


def publish_chain(
    *, document: ChainDocument, now: dt.datetime, by: User | None = None, note: str = ""
) -> Published:
    """Make the file's map the newest version of its chain, or return the newest one when it already says the same.

    Raises UnknownClause; a document has passed every other check when it was parsed.
    """
    whole = document.to_dict()
    head = whole["chain"]
    undated = {key: value for key, value in head.items() if key != "as_of"}
    structure_hash = _hash({"chain": undated, "nodes": whole["nodes"], "supply": whole["supply"]})
    clauses = _clauses(whole)
    with transaction.atomic():
        chain = _chain(head, clauses)
        Chain.objects.select_for_update().get(pk=chain.pk)
        newest = chain.versions.order_by("-number").first()
        ignored = len(whole["placements"]) + len(whole["pipeline"])
        if newest is not None and newest.structure_hash == structure_hash:
            return Published(newest, created=False, ignored_placements=ignored)
        version = ChainVersion.objects.create(
            chain=chain, number=newest.number + 1 if newest else 1, structure_hash=structure_hash,
            district_share=head.get("district_share"), note=note, published=now, published_by=by,
            extra={key: value for key, value in head.items() if key not in _CHAIN_COLUMNS},
            document_extra={key: value for key, value in whole.items() if key not in _TOP_COLUMNS},
        )
        nodes = _write_specs(version, whole["nodes"], clauses)
        _write_groups(version, whole["supply"], nodes)
    return Published(version, created=True, ignored_placements=ignored)


def _hash(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def check_clauses(document: ChainDocument) -> None:
    """Raise UnknownClause when a chain file cites a clause that no loaded plan has."""
    _clauses(document.to_dict())


def _clauses(whole: dict[str, Any]) -> dict[str, Clause]:
    cited = {node.get("clause"): node["code"] for node in whole["nodes"] if node.get("clause")}
    if anchor := whole["chain"].get("clause"):
        cited[anchor] = "chain"
    found = {clause.anchor: clause for clause in Clause.objects.filter(anchor__in=cited)}
    if missing := cited.keys() - found.keys():
        places = "；".join(f"{cited[anchor]} 引用 {anchor}" for anchor in sorted(missing))
        raise UnknownClause(f"规划中没有这些条款：{places}。请核对条款号，或先导入规划")
    return found


def _chain(head: dict[str, Any], clauses: dict[str, Clause]) -> Chain:
    chain, _created = Chain.objects.update_or_create(
        code=head["code"],
        defaults={
            "name": head["name"], "group": head.get("group", ""), "summary": head.get("summary", ""),
            "clause": clauses.get(head.get("clause")),
        },
    )
    return chain


def _write_specs(version: ChainVersion, rows: list[dict[str, Any]], clauses: dict[str, Clause]) -> dict[str, Node]:
    Node.objects.bulk_create(
        [Node(chain=version.chain, code=row["code"], name=row["name"]) for row in rows],
        update_conflicts=True, unique_fields=["chain", "code"], update_fields=["name"],
    )
    nodes = {node.code: node for node in Node.objects.filter(chain=version.chain)}
    NodeSpec.objects.bulk_create(
        NodeSpec(
            version=version, node=nodes[row["code"]], order=order, name=row["name"], tier=row["tier"],
            weight=row["weight"], target_capacity=row["target_capacity"], national_mass=row["national_mass"],
            external_availability=row["external_availability"], policy_weight=row["policy_weight"],
            is_output=row["is_output"], clause=clauses.get(row.get("clause") or ""),
            origin=row.get("source", NodeSpec.Origin.INDUSTRY), reason=row.get("reason", ""),
            keywords=row.get("keywords", []), industry_codes=row.get("gb4754", []),
            extra={key: value for key, value in row.items() if key not in _NODE_COLUMNS},
        )
        for order, row in enumerate(rows)
    )
    return nodes


def _write_groups(version: ChainVersion, rows: list[dict[str, Any]], nodes: dict[str, Node]) -> None:
    groups = SupplyGroup.objects.bulk_create(
        SupplyGroup(
            version=version, node=nodes[row["node"]], order=order, label=row.get("label", ""),
            importance=row["importance"],
            extra={key: value for key, value in row.items() if key not in _GROUP_COLUMNS},
        )
        for order, row in enumerate(rows)
    )
    SupplyAlternative.objects.bulk_create(
        SupplyAlternative(
            group=group, node=nodes[option["node"]], order=order, substitution=option["substitution"],
            extra={key: value for key, value in option.items() if key not in _OPTION_COLUMNS},
        )
        for group, row in zip(groups, rows, strict=True)
        for order, option in enumerate(row["alternatives"])
    )
