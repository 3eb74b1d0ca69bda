"""What goes into the placer and what comes out; the checks that stand at its door."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Activity = Literal["make", "design", "trade", "service"]
EvidenceKind = Literal["keyword", "industry", "similarity", "product"]
Where = Literal["name", "scope", "products", "industry_code"]

ACTIVITIES: tuple[Activity, ...] = ("make", "design", "trade", "service")
_SHOWN = 20


class PlacementError(ValueError):
    """Input that cannot be placed; `problems` has one Chinese line per bad value, naming where it stands."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        more = f"\n……另有 {len(problems) - _SHOWN} 处" if len(problems) > _SHOWN else ""
        super().__init__("\n".join(self.problems[:_SHOWN]) + more)


@dataclass(frozen=True)
class Product:
    """A product or revenue line; `revenue_share` is a fraction of the company's revenue, None when nobody knows it.

    Annual reports carry negative lines (eliminations) and shares above 1 (gross lines): they count as 0 and 1.
    """

    name: str
    revenue_share: float | None


@dataclass(frozen=True)
class CompanyText:
    """What a company says of itself; `industry_code` is GB/T 4754 with or without the section letter (3973, C39)."""

    company: str
    name: str
    industry_code: str | None
    scope: str
    products: tuple[Product, ...]


@dataclass(frozen=True)
class NodeText:
    """What a node is called. `node` is unique inside a `chain`; `activity` says what counts there (None: anything).

    An item of a company's text that holds one of `negative_keywords` says nothing for this node.
    """

    node: str
    name: str
    keywords: tuple[str, ...]
    industry_codes: tuple[str, ...]
    negative_keywords: tuple[str, ...] = ()
    activity: Activity | None = None
    chain: str = ""


@dataclass(frozen=True)
class Evidence:
    """One reason; `weight` is its part of the log-odds: intercept + all weights = log(p / (1 - p)), up to the cap."""

    kind: EvidenceKind
    where: Where
    text: str
    weight: float


@dataclass(frozen=True)
class Candidate:
    """A company at a node with probability in [.15, .97] and the part of its revenue (0..1) that belongs there."""

    company: str
    node: str
    probability: float
    revenue_share: float
    evidence: tuple[Evidence, ...]
    chain: str = ""


def check(companies: Sequence[CompanyText], nodes: Sequence[NodeText]) -> None:
    """Raise PlacementError naming every bad value at once."""
    problems = [*_company_problems(companies), *_node_problems(nodes)]
    if problems:
        raise PlacementError(problems)


def _company_problems(companies: Sequence[CompanyText]) -> Iterable[str]:
    for code, times in Counter(company.company for company in companies).items():
        if times > 1:
            yield f"企业编号“{code}”出现 {times} 次：请先合并重复企业再挂链"
    for row, company in enumerate(companies, start=1):
        if not company.company.strip():
            yield f"第 {row} 家企业没有编号：请补上企业编号"
        for product in company.products:
            share = product.revenue_share
            if share is not None and not math.isfinite(share):
                where = f"企业“{company.company}”的产品“{product.name}”"
                yield f"{where}营收占比不是有限数：请填 0 到 1 之间的数，不详请留空"


def _node_problems(nodes: Sequence[NodeText]) -> Iterable[str]:
    for (chain, code), times in Counter((node.chain, node.node) for node in nodes).items():
        if times > 1:
            yield f"产业链“{chain}”的环节编号“{code}”出现 {times} 次：请给每个环节不同的编号"
    for row, node in enumerate(nodes, start=1):
        if not node.node.strip():
            yield f"第 {row} 个环节没有编号：请补上环节编号"
        if not node.name.strip():
            yield f"环节“{node.node}”没有名称：请补上环节名称"
        if node.activity is not None and node.activity not in ACTIVITIES:
            yield f"环节“{node.node}”的活动类型“{node.activity}”无法识别：请用 {'、'.join(ACTIVITIES)} 之一或留空"
