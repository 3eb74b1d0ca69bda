"""What the picture is drawn from, and the laws that its input must keep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Tier = Literal["upstream", "midstream", "downstream"]
Status = Literal["strong", "weak", "missing"]
TIERS: tuple[Tier, ...] = ("upstream", "midstream", "downstream")
STATUSES: tuple[Status, ...] = ("strong", "weak", "missing")
ACTIONS = ("fill", "strengthen", "extend", "none")
SERVICES = "services"


@dataclass(frozen=True)
class LaneNode:
    """One box. `gap` in points 0–100; `coming` counts the projects aimed at the node; `href` is where the box leads."""

    code: str
    name: str
    tier: Tier
    lane: Literal["services"] | None
    status: Status
    fragile: bool
    action: str
    gap: float
    coming: int
    is_output: bool
    href: str

    @property
    def single_point(self) -> bool:
        """A missing node has no company left to lose, so the mark of the single company is not drawn on it."""
        return self.fragile and self.status != "missing"


@dataclass(frozen=True)
class LaneLink:
    """`source` supplies `target`; importance and substitution in [0, 1]; `present` when the source is there."""

    source: str
    target: str
    importance: float
    substitution: float
    present: bool


def check_nodes(nodes: Sequence[LaneNode]) -> None:
    """Raises ValueError naming the first node that cannot be placed."""
    seen: set[str] = set()
    for node in nodes:
        if node.code in seen:
            raise ValueError(f"链图中环节编码“{node.code}”出现两次，请先改正链文件中的重复编码")
        seen.add(node.code)
        _one_of(node.code, "tier", node.tier, TIERS)
        _one_of(node.code, "lane", node.lane, (None, SERVICES))
        _one_of(node.code, "status", node.status, STATUSES)
        _one_of(node.code, "action", node.action, ACTIONS)


def _one_of(code: str, field: str, value: str | None, allowed: Iterable[str | None]) -> None:
    allowed = tuple(allowed)
    if value not in allowed:
        known = "、".join(str(item) for item in allowed)
        raise ValueError(f"环节“{code}”的 {field} 是“{value}”，只能是 {known} 之一")


def merge_links(nodes: Sequence[LaneNode], links: Sequence[LaneLink]) -> list[LaneLink]:
    """One line per (source, target): two groups may name the same supplier, and the more important one is drawn.

    Raises ValueError for a link whose end is not among the nodes.
    """
    codes = {node.code for node in nodes}
    best: dict[tuple[str, str], LaneLink] = {}
    for link in links:
        for end in (link.source, link.target):
            if end not in codes:
                raise ValueError(
                    f"供应关系 {link.source} → {link.target} 中的环节“{end}”不在链图里，"
                    "请先在链文件中补上该环节或删去这条关系"
                )
        key = (link.source, link.target)
        if key not in best or link.importance > best[key].importance:
            best[key] = link
    return list(best.values())
