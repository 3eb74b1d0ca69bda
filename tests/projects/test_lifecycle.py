"""The table of stages: what is allowed, and everything else refused."""

from __future__ import annotations

import itertools

import pytest

from projects import lifecycle
from projects.lifecycle import LifecycleError, allowed_moves, check_move, check_side_move


@pytest.mark.parametrize("track", lifecycle.TRACKS)
def test_every_pair_is_one_step_forward_or_a_step_back_with_reason_or_refused(track: str) -> None:
    sequence = lifecycle.SEQUENCE[track]
    for source, target in itertools.product(sequence, lifecycle.STAGES):
        forward = target in sequence and sequence.index(target) == sequence.index(source) + 1
        back = target in sequence and sequence.index(target) < sequence.index(source)
        if forward or back:
            move = check_move(track=track, stage=source, side_state="active", target=target, reason="原因")
            assert move.needs_reason is back
        else:
            with pytest.raises(LifecycleError):
                check_move(track=track, stage=source, side_state="active", target=target, reason="原因")


def test_a_step_back_without_a_reason_is_refused() -> None:
    with pytest.raises(LifecycleError, match="原因"):
        check_move(track="building", stage="signed", side_state="active", target="lead", reason="  ")


def test_the_refusal_names_what_is_possible() -> None:
    with pytest.raises(LifecycleError, match="研判"):
        check_move(track="building", stage="lead", side_state="active", target="signed", reason="")


@pytest.mark.parametrize("state", ["paused", "deferred", "terminated", "closed"])
def test_a_project_that_stands_still_does_not_move(state: str) -> None:
    with pytest.raises(LifecycleError, match="重启"):
        check_move(track="building", stage="lead", side_state=state, target="screening", reason="")


def test_side_states_follow_their_table() -> None:
    for source, target in itertools.product(lifecycle.SIDE_STATES, lifecycle.SIDE_STATES):
        if target in lifecycle.SIDE_MOVES[source]:
            check_side_move(side_state=source, target=target, reason="原因")
        else:
            with pytest.raises(LifecycleError):
                check_side_move(side_state=source, target=target, reason="原因")


def test_stopping_needs_a_reason_and_restarting_does_not() -> None:
    with pytest.raises(LifecycleError, match="原因"):
        check_side_move(side_state="active", target="paused", reason="")
    check_side_move(side_state="paused", target="active", reason="")


def test_a_stage_of_the_other_track_is_named() -> None:
    with pytest.raises(LifecycleError, match="开工"):
        allowed_moves("building", "construction_started")


def test_every_stage_belongs_to_a_track_and_a_phase() -> None:
    assert {stage for sequence in lifecycle.SEQUENCE.values() for stage in sequence} == set(lifecycle.STAGES)
    assert {lifecycle.phase(stage) for stage in lifecycle.STAGES} == {"在谈", "签约", "落地", "运营"}
