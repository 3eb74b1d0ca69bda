"""`place`: companies on the nodes of chains."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chains.analysis.placement.parameters import PLACER_1, PlacerParameters
from chains.analysis.placement.records import Candidate, CompanyText, Evidence, NodeText, check
from chains.analysis.placement.scoring import ChainIndex, Found, Tally, ceiling, judge
from chains.analysis.placement.text import Segment, product_share, segments


@dataclass(frozen=True)
class _Accepted:
    node: NodeText
    probability: float
    evidence: tuple[Evidence, ...]
    rows: frozenset[int]  # the products found at this node


def place(
    companies: Iterable[CompanyText], nodes: Iterable[NodeText], *, parameters: PlacerParameters = PLACER_1
) -> list[Candidate]:
    """Candidates in the order of companies, then chains as given, then falling probability, then node code.

    A company stands at up to `nodes_per_chain` nodes of a chain, or at none when what is known is thin. Companies are
    handled in blocks, so memory grows with the block and the number of nodes. Raises PlacementError for bad input.
    """
    companies, nodes = list(companies), list(nodes)
    check(companies, nodes)
    chains: dict[str, list[NodeText]] = defaultdict(list)
    for node in nodes:
        chains[node.chain].append(node)
    indexes = [ChainIndex(members, parameters) for members in chains.values()]
    placed: list[Candidate] = []
    for start in range(0, len(companies), parameters.block):
        placed += _place_block(companies[start : start + parameters.block], indexes, parameters)
    return placed


def _place_block(
    companies: Sequence[CompanyText], indexes: Sequence[ChainIndex], parameters: PlacerParameters
) -> list[Candidate]:
    parts = [segments(company, parameters) for company in companies]
    texts = sorted({part.text for own in parts for part in own})
    placed: list[list[Candidate]] = [[] for _ in companies]
    for index in indexes:
        found = index.look_up(texts)
        for here, company, own in zip(placed, companies, parts, strict=True):
            here += _candidates(company, own, index, found)
    return [candidate for here in placed for candidate in here]


def _candidates(
    company: CompanyText, parts: Sequence[Segment], index: ChainIndex, found: Mapping[str, Found]
) -> list[Candidate]:
    parameters = index.parameters
    accepted = []
    for number, tally in index.tally(parts, company.industry_code, found).items():
        if ceiling(tally, parameters) < parameters.threshold:
            continue
        probability, evidence = judge(tally, parameters)
        if probability >= parameters.threshold:
            accepted.append(_Accepted(index.nodes[number], probability, evidence, _rows(tally)))
    accepted.sort(key=lambda item: (-item.probability, item.node.node))
    del accepted[parameters.nodes_per_chain :]
    shares = revenue_shares([product_share(p) for p in company.products], [(a.probability, a.rows) for a in accepted])
    return [
        Candidate(company.company, item.node.node, item.probability, share, item.evidence, item.node.chain)
        for item, share in zip(accepted, shares, strict=True)
    ]


def _rows(tally: Tally) -> frozenset[int]:
    return frozenset(row for row, _ in tally.products)


def revenue_shares(
    products: Sequence[float | None], accepted: Sequence[tuple[float, frozenset[int]]]
) -> list[float]:
    """Revenue share of each accepted (probability, product rows), in [0, 1], together at most 1.

    A product's share goes to the nodes that name it, by probability. Overlapping revenue lines that add up to more than
    1 are scaled down together. What no node named goes to the nodes without a product of known share, to each its
    probability, scaled down where these add up to more than 1: the rest of a thinly placed company is taken to lie
    elsewhere.
    """
    shares = [0.0] * len(accepted)
    by_product = [any(products[row] for row in rows) for _, rows in accepted]
    for row, share in enumerate(products):
        named = [place for place, (_, rows) in enumerate(accepted) if row in rows]
        total = math.fsum(accepted[place][0] for place in named)
        for place in named:
            shares[place] += (share or 0.0) * accepted[place][0] / total
    known = math.fsum(shares)
    shares = [share / max(1.0, known) for share in shares]
    rest = max(0.0, 1.0 - known)
    total = math.fsum(p for (p, _), has in zip(accepted, by_product, strict=True) if not has)
    for place, ((probability, _), has) in enumerate(zip(accepted, by_product, strict=True)):
        if not has:
            shares[place] += rest * probability / max(1.0, total)
    return [math.floor(min(1.0, share) * 1e6) / 1e6 for share in shares]
