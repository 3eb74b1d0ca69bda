"""Who is who. A, B are codes; 1, 2 company ids; k1, k2 the source's keys.

direct:   A live at 1            → 1
changed:  k1 known as 1, code B  → 1, told
former:   A former at 1          → 1, told
refused:  A live at 1, k2 known as 2 → nobody, a person decides
"""

from __future__ import annotations

import pytest

from crm.sync.matching import Incoming, Known, match


def one(record: Incoming, known: Known) -> tuple[int | None, bool, str, str]:
    decision = match([record], known)[0]
    return decision.company, decision.is_new, decision.notice, decision.error


def test_a_live_code_identifies() -> None:
    assert one(Incoming("k1", "A"), Known(live={"A": 1}, keys={"k1": 1})) == (1, False, "", "")
    assert one(Incoming("other", "A"), Known(live={"A": 1})) == (1, False, "", "")


def test_the_same_key_with_a_new_code_is_the_same_company() -> None:
    company, is_new, notice, error = one(Incoming("k1", "B"), Known(live={"A": 1}, keys={"k1": 1}))
    assert (company, is_new, error) == (1, False, "")
    assert "变更为 B" in notice


def test_a_former_code_identifies_and_is_told() -> None:
    company, _new, notice, _error = one(Incoming("k9", "A"), Known(former={"A": 1}))
    assert company == 1
    assert "旧代码" in notice


def test_a_live_code_wins_over_a_former_one() -> None:
    assert one(Incoming("k9", "A"), Known(live={"A": 2}, former={"A": 1}))[0] == 2


def test_a_record_that_names_its_former_code() -> None:
    company, _new, notice, _error = one(Incoming("k9", "B", ("A",)), Known(live={"A": 1}))
    assert company == 1
    assert "变更为 B" in notice


def test_a_stranger_is_new_and_a_namesake_is_told() -> None:
    assert one(Incoming("k1", "A", (), "甲公司"), Known()) == (None, True, "", "")
    company, is_new, notice, _error = one(
        Incoming("k1", "A", (), "甲公司"), Known(names={"甲公司": "C000007"})
    )
    assert (company, is_new) == (None, True)
    assert "C000007 同名" in notice


@pytest.mark.parametrize(
    ("record", "known", "reason"),
    [
        (Incoming("k2", "A"), Known(live={"A": 1}, keys={"k2": 2}), "是否合并"),
        (Incoming("k9", "C", ("A", "B")), Known(live={"A": 1, "B": 2}), "可能是合并"),
    ],
)
def test_contradictions_are_left_to_a_person(record: Incoming, known: Known, reason: str) -> None:
    company, is_new, _notice, error = one(record, known)
    assert (company, is_new) == (None, False)
    assert reason in error
