"""The one table of stages, tracks, side states and allowed moves. Pure.

    both    lead → screening → negotiating → pre_signing → signed → registered →
    land    landed → construction_started → completed → in_production → full_capacity
    building moved_in → operating → target_met

A project moves one stage forward at a time; back to any earlier stage of its track only with a reason.
Side states stand beside the stage and never replace it.
"""

from __future__ import annotations

from dataclasses import dataclass

LAND, BUILDING = "land", "building"
TRACKS = {LAND: "用地类", BUILDING: "楼宇类"}

STAGES = {
    "lead": "线索", "screening": "研判", "negotiating": "在谈", "pre_signing": "拟签约", "signed": "签约",
    "registered": "注册", "landed": "落地", "construction_started": "开工", "completed": "竣工",
    "in_production": "投产", "full_capacity": "达产", "moved_in": "入驻", "operating": "开业", "target_met": "达标",
}
_SHARED = ("lead", "screening", "negotiating", "pre_signing", "signed", "registered")
SEQUENCE = {
    LAND: (*_SHARED, "landed", "construction_started", "completed", "in_production", "full_capacity"),
    BUILDING: (*_SHARED, "moved_in", "operating", "target_met"),
}
FIRST_STAGE = "lead"

ACTIVE, PAUSED, DEFERRED, TERMINATED, CLOSED = "active", "paused", "deferred", "terminated", "closed"
SIDE_STATES = {ACTIVE: "推进中", PAUSED: "暂停", DEFERRED: "缓办", TERMINATED: "终止", CLOSED: "办结"}
# From → to. 重启 is the move back to active; a closed project stays closed.
SIDE_MOVES = {
    ACTIVE: (PAUSED, DEFERRED, TERMINATED, CLOSED),
    PAUSED: (ACTIVE, TERMINATED),
    DEFERRED: (ACTIVE, TERMINATED),
    TERMINATED: (ACTIVE,),
    CLOSED: (),
}


class LifecycleError(ValueError):
    """A move that the table does not allow; the message says which moves are."""


@dataclass(frozen=True)
class Move:
    """One allowed change of stage; `needs_reason` for every step back."""

    track: str
    source: str
    target: str
    needs_reason: bool


def allowed_moves(track: str, stage: str) -> tuple[Move, ...]:
    """Every move open to a project of `track` at `stage`: one step forward, or back to any earlier stage."""
    sequence = SEQUENCE[track]
    if stage not in sequence:
        raise LifecycleError(f"“{STAGES.get(stage, stage)}”不是{TRACKS[track]}项目的阶段")
    here = sequence.index(stage)
    forward = [Move(track, stage, target, needs_reason=False) for target in sequence[here + 1 : here + 2]]
    back = [Move(track, stage, target, needs_reason=True) for target in sequence[:here]]
    return tuple(forward + back)


def check_track(*, track: str, stage: str) -> None:
    """Raise LifecycleError where the project stands at a stage that the other track does not have."""
    if stage not in SEQUENCE[track]:
        raise LifecycleError(f"已到“{STAGES[stage]}”，该类型没有这个阶段；请先退回再改类型")


def check_move(*, track: str, stage: str, side_state: str, target: str, reason: str) -> Move:
    """Return the move, or raise LifecycleError saying why not and what is possible."""
    if side_state != ACTIVE:
        raise LifecycleError(f"项目处于“{SIDE_STATES[side_state]}”，须先重启才能改变阶段")
    moves = {move.target: move for move in allowed_moves(track, stage)}
    if target not in moves:
        possible = "、".join(STAGES[name] for name in moves) or "无"
        raise LifecycleError(f"不能从“{STAGES[stage]}”直接到“{STAGES.get(target, target)}”；可到：{possible}")
    move = moves[target]
    if move.needs_reason and not reason.strip():
        raise LifecycleError(f"从“{STAGES[stage]}”退回“{STAGES[target]}”须写明原因")
    return move


def check_side_move(*, side_state: str, target: str, reason: str) -> None:
    """Raise LifecycleError unless the side state may change so; every change but a restart needs a reason."""
    if target not in SIDE_MOVES[side_state]:
        possible = "、".join(SIDE_STATES[name] for name in SIDE_MOVES[side_state]) or "无"
        raise LifecycleError(f"不能从“{SIDE_STATES[side_state]}”到“{SIDE_STATES.get(target, target)}”；可到：{possible}")
    if target in (TERMINATED, PAUSED, DEFERRED) and not reason.strip():
        raise LifecycleError(f"改为“{SIDE_STATES[target]}”须写明原因")


# For lists and funnels: where a project stands, in the words a report uses.
def phase(stage: str) -> str:
    """One of 在谈, 签约, 落地, 运营: the coarse phase a gap report names."""
    if stage in ("lead", "screening", "negotiating", "pre_signing"):
        return "在谈"
    if stage == "signed":
        return "签约"
    if stage in ("operating", "in_production", "full_capacity", "target_met"):
        return "运营"
    return "落地"
