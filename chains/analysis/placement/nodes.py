"""Nodes of a chain file (chain/1) as the placer reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chains.analysis.placement.records import NodeText, PlacementError


def nodes_from_chain(document: Mapping[str, Any]) -> list[NodeText]:
    """Read code, name and the extra keys `keywords`, `negative_keywords`, `gb4754` and `activity` of every node.

    The extra keys may be missing. Raises PlacementError (all places at once) where a value has the wrong form.
    """
    problems: list[str] = []
    chain = document.get("chain")
    code = str(chain.get("code", "")) if isinstance(chain, Mapping) else ""
    rows = document.get("nodes")
    if not isinstance(rows, list):
        raise PlacementError(["nodes：应为环节列表，请检查产业链文件"])
    nodes = [_node(code, row, f"nodes[{place}]", problems) for place, row in enumerate(rows)]
    if problems:
        raise PlacementError(problems)
    return nodes


def _node(chain: str, row: Any, path: str, problems: list[str]) -> NodeText:
    if not isinstance(row, Mapping):
        problems.append(f"{path}：应为一个环节对象")
        row = {}
    activity = row.get("activity") or None
    if activity not in (None, "make", "design", "trade", "service"):
        problems.append(f"{path}.activity：“{activity}”无法识别，请用 make、design、trade、service 之一")
    return NodeText(
        node=_text(row, "code", path, problems),
        name=_text(row, "name", path, problems),
        keywords=_texts(row, "keywords", path, problems),
        industry_codes=_texts(row, "gb4754", path, problems),
        negative_keywords=_texts(row, "negative_keywords", path, problems),
        activity=activity,
        chain=chain,
    )


def _text(row: Mapping[str, Any], key: str, path: str, problems: list[str]) -> str:
    value = row.get(key)
    if isinstance(value, str) and value.strip():
        return value
    problems.append(f"{path}.{key}：应为非空文字")
    return ""


def _texts(row: Mapping[str, Any], key: str, path: str, problems: list[str]) -> tuple[str, ...]:
    value = row.get(key)
    if value is None:
        return ()
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    problems.append(f"{path}.{key}：应为文字列表")
    return ()
