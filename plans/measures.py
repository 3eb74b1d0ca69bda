"""What the plan's figures say: progress, shares and their traps. Pure; shares and percentages are Decimals in per cent.

The formulas are plain arithmetic of our own; what matters is when they refuse to give a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

HUNDRED = Decimal(100)
ROUNDING = Decimal("0.5")  # printed shares carry one decimal: parts of a whole may miss 100 by this much
DASH = "—"


class Direction(StrEnum):
    RISE = "rise"
    FALL = "fall"


class State(StrEnum):
    NO_BASELINE = "no_baseline"
    NO_CURRENT = "no_current"
    PASSED_AT_BASELINE = "passed_at_baseline"
    AWAY = "away"
    UNDER_WAY = "under_way"
    MET = "met"


@dataclass(frozen=True)
class Progress:
    """`share` is the way gone from baseline to target in per cent: below 0 away from it, above 100 beyond it.

    It is None, shown as a dash, where no honest share exists. `holds` says whether the current figure satisfies the
    target; it is known even without a baseline, and None only without a current figure.
    """

    state: State
    share: Decimal | None
    holds: bool | None

    def __str__(self) -> str:
        return DASH if self.share is None else f"{format_figure(self.share.quantize(Decimal('0.1')))}%"


@dataclass(frozen=True)
class Verdict:
    """False carries its reason, so that a page can say why it draws no pie."""

    allowed: bool
    reason: str
    total: Decimal | None = None

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True)
class Share:
    """One share of a whole, which `whole` names. Shares with one `partition` are declared not to overlap."""

    name: str
    value: Decimal | None
    whole: str
    partition: str = ""


def direction_of(baseline: Decimal | None, target: Decimal) -> Direction:
    """The direction that the two figures alone suggest. A plan may mean otherwise: a floor below its baseline rises."""
    return Direction.FALL if baseline is not None and target < baseline else Direction.RISE


def holds(
    current: Decimal, *, comparator: str, target: Decimal, direction: Direction = Direction.RISE
) -> bool:
    """Whether a figure satisfies a target. "=" means at least it when rising and at most it when falling.

    A range is satisfied by its low end; more than its high end is not less than was promised.
    """
    if comparator == "=":
        comparator = ">=" if direction == Direction.RISE else "<="
    outcomes = {
        ">": current > target, ">=": current >= target, "<": current < target, "<=": current <= target,
    }
    return outcomes[comparator]


def progress(
    *, baseline: Decimal | None, target: Decimal, current: Decimal | None,
    direction: Direction = Direction.RISE, comparator: str = "=",
) -> Progress:
    """How far `current` has come from `baseline` to `target`, for rising and falling indicators alike.

    A baseline that already satisfies the target has no way to go: dividing by it would praise every step back
    (76.3 → 75 would make 75.65 "half done"). Only whether the target still holds can be said then.
    """
    if current is None:
        return Progress(State.NO_CURRENT, None, None)
    kept = holds(current, comparator=comparator, target=target, direction=direction)
    if baseline is None:
        return Progress(State.NO_BASELINE, None, kept)
    if holds(baseline, comparator=comparator, target=target, direction=direction) or baseline == target:
        return Progress(State.PASSED_AT_BASELINE, None, kept)
    share = (current - baseline) / (target - baseline) * HUNDRED
    if kept:
        return Progress(State.MET, share, kept)
    return Progress(State.AWAY if share < 0 else State.UNDER_WAY, share, kept)


def value_implied(*, share: Decimal, whole: Decimal) -> Decimal:
    """The value that a share in per cent means: 10 % of 3300 亿元 is 330 亿元, in the unit of `whole`."""
    return share * whole / HUNDRED


def remainder(*, whole: Decimal, parts: Iterable[Decimal]) -> Decimal:
    """What the listed parts leave of the whole unexplained; below 0 where they exceed it."""
    return whole - sum(parts, Decimal(0))


def may_be_drawn_as_parts(shares: Sequence[Share]) -> Verdict:
    """Whether shares may stand in one pie: all known, of one whole, declared disjoint, and not above 100 %."""
    if not shares:
        return Verdict(False, "没有可画的占比")
    missing = [share.name for share in shares if share.value is None]
    if missing:
        return Verdict(False, f"缺少数值：{'、'.join(missing)}")
    total = sum((share.value for share in shares if share.value is not None), Decimal(0))
    if len({share.whole for share in shares}) > 1:
        return Verdict(False, "各项占比的分母不同，不能拼成一个整体", total)
    if total > HUNDRED + ROUNDING:
        return Verdict(False, f"各项合计 {format_figure(total)}%，超过 100%，口径互相重叠", total)
    partitions = {share.partition for share in shares}
    if len(partitions) > 1 or partitions == {""}:
        return Verdict(False, "没有依据表明各项互不重叠", total)
    return Verdict(True, "", total)


def format_figure(figure: Decimal | None) -> str:
    """As the plan prints figures: 36.4 for 36.4000, 1600 for 1600.0000, a dash for none."""
    if figure is None:
        return DASH
    text = f"{figure:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
