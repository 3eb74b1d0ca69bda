"""Short ways to write companies and nodes, and a small chain to place them on."""

from __future__ import annotations

from dataclasses import replace

from chains.analysis.placement import PLACER_1, Candidate, CompanyText, NodeText, PlacerParameters, Product, place

CHIP = NodeText("chip", "芯片", ("集成电路",), ("3973",), activity="make")
PACKAGING = NodeText("packaging", "芯片封装", ("封装测试",), ("3973",), activity="make")
JEWELLERY = NodeText("jewellery", "珠宝首饰", ("黄金饰品", "镶嵌首饰"), ("2438",), activity="make")
WHOLESALE = NodeText("wholesale", "首饰批发", ("黄金批发",), ("5146",), activity="trade")
SOFTWARE = NodeText("software", "应用软件", ("管理软件",), ("6513",), activity="design")
REPAIR = NodeText("repair", "设备维修", ("终端维修",), ("4390",), activity="service")
NODES = [CHIP, PACKAGING, JEWELLERY, WHOLESALE, SOFTWARE, REPAIR]

EVERYTHING = replace(PLACER_1, threshold=0.0, nodes_per_chain=1000)


def company(
    scope: str = "",
    *,
    name: str = "深圳市甲乙有限公司",
    industry: str | None = None,
    products: dict[str, float | None] | None = None,
) -> CompanyText:
    listed = tuple(Product(product, share) for product, share in (products or {}).items())
    return CompanyText("c1", name, industry, scope, listed)


def placed(
    text: CompanyText, nodes: list[NodeText] | None = None, parameters: PlacerParameters = PLACER_1
) -> dict[str, Candidate]:
    return {candidate.node: candidate for candidate in place([text], nodes or NODES, parameters=parameters)}


def probability(text: CompanyText, node: str, nodes: list[NodeText] | None = None) -> float:
    """The probability before threshold and cap on the number of nodes; 0 where nothing at all points to the node."""
    found = placed(text, nodes, EVERYTHING).get(node)
    return found.probability if found else 0.0


def words(candidate: Candidate, kind: str = "keyword") -> set[str]:
    return {item.text for item in candidate.evidence if item.kind == kind}
