"""Place every company on the nodes of every chain (挂链), keeping what officers have decided."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from django.db import transaction

from chains import loading
from chains.analysis.placement import Candidate, CompanyText, Product, nodes_from_chain, place
from chains.models import Chain, Node, Placement
from crm.models import Company
from office.statistics import analyse_tables


@dataclass
class PlaceResult:
    """How many placements are new, changed, unchanged and withdrawn; officers' decisions are never touched."""

    new: int = 0
    updated: int = 0
    same: int = 0
    withdrawn: int = 0

    def add(self, other: PlaceResult) -> None:
        self.new, self.updated = self.new + other.new, self.updated + other.updated
        self.same, self.withdrawn = self.same + other.same, self.withdrawn + other.withdrawn


def place_companies(*, as_of: dt.date, chains: Iterable[Chain] | None = None) -> PlaceResult:
    """Run the placer over all companies for the given chains (all by default) and store what changed."""
    texts, ids = _company_texts()
    wanted = chains if chains is not None else Chain.objects.filter(versions__isnull=False).distinct()
    by_code = {chain.code: chain for chain in wanted}
    nodes = [
        node for chain in by_code.values() for node in nodes_from_chain(loading.structure(loading.current_version(chain)))
    ]
    found: dict[str, list[Candidate]] = {code: [] for code in by_code}
    for candidate in place(texts, nodes):  # one call for all chains: a company's text is taken apart once
        found[candidate.chain].append(candidate)
    total = PlaceResult()
    for code, candidates in found.items():
        total.add(_store(by_code[code], candidates, ids, as_of=as_of))
    analyse_tables(Placement, changed=total.new + total.updated)
    return total


def _company_texts() -> tuple[list[CompanyText], dict[str, int]]:
    texts, ids = [], {}
    columns = ("id", "code", "name", "industry_code", "business_scope", "products")
    for pk, code, name, industry, scope, products in Company.objects.order_by("code").values_list(*columns).iterator():
        ids[code] = pk
        listed = tuple(Product(item["name"], item.get("revenue_share")) for item in products or [])
        texts.append(CompanyText(code, name, industry or None, scope, listed))
    return texts, ids


def _store(chain: Chain, candidates: list[Candidate], ids: dict[str, int], *, as_of: dt.date) -> PlaceResult:
    """Write the difference between the placer's answer and the table, in one transaction and four statements."""
    result = PlaceResult()
    nodes = dict(Node.objects.filter(chain=chain).values_list("code", "id"))
    with transaction.atomic():
        Chain.objects.select_for_update().get(pk=chain.pk)  # two placers at once would both find a placement new
        stored = {
            (row.node_id, row.company_id): row
            for row in Placement.objects.select_for_update().filter(node__chain=chain, company__isnull=False)
        }
        fresh: list[Placement] = []
        changed: list[Placement] = []
        for candidate in candidates:
            key = (nodes[candidate.node], ids[candidate.company])
            _sort(candidate, key, stored.pop(key, None), as_of, fresh, changed, result)
        Placement.objects.bulk_create(fresh, batch_size=2000)
        Placement.objects.bulk_update(
            changed, ["probability", "revenue_share", "evidence", "placed_on"], batch_size=1000
        )
        gone = [row.pk for row in stored.values() if _is_the_placers(row)]
        result.withdrawn = len(gone)
        Placement.objects.filter(pk__in=gone).delete()
    result.new, result.updated = len(fresh), len(changed)
    return result


def _sort(
    candidate: Candidate, key: tuple[int, int], row: Placement | None, as_of: dt.date,
    fresh: list[Placement], changed: list[Placement], result: PlaceResult,
) -> None:
    evidence = [asdict(item) for item in candidate.evidence]
    values = {"probability": candidate.probability, "revenue_share": candidate.revenue_share, "evidence": evidence}
    if row is None:
        fresh.append(Placement(node_id=key[0], company_id=key[1], placed_on=as_of, **values))
    elif not _is_the_placers(row) or all(getattr(row, name) == value for name, value in values.items()):
        result.same += 1
    else:
        for name, value in values.items():
            setattr(row, name, value)
        row.placed_on = as_of
        changed.append(row)


def _is_the_placers(row: Placement) -> bool:
    return row.source == Placement.Source.PLACER and row.state == Placement.State.CANDIDATE
