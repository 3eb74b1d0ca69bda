"""Does the time of a refused sign-in tell whether a name exists?

    ./test --only-tests benchmarks/signin_timing.py -s

A test run gives it a database of its own. Hashing as in production but with a tenth of the iterations, so that whatever
else differs weighs ten times as much; 200 tries of each kind, in turn, so that load on the machine falls on all alike.
The bound: medians differ by less than 20 %.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import Client

from office.models import User

TRIES, BOUND = 200, 0.20
KINDS = {"known, wrong password": "known", "unknown": "nobody", "inactive": "gone", "no password (single sign-on only)": "sso"}


class Lighter(PBKDF2PasswordHasher):
    iterations = PBKDF2PasswordHasher.iterations // 10


@pytest.mark.django_db
def test_refusals_take_the_same_time(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.PASSWORD_HASHERS = ["benchmarks.signin_timing.Lighter"]
    logging.disable(logging.WARNING)
    settings.AXES_ENABLED, settings.AXES_FAILURE_LIMIT, settings.SIGNIN_SPREAD_LIMIT = True, 10**6, 10**6
    User.objects.create_user("known", password="pass-word-1234")
    User.objects.create_user("gone", password="pass-word-1234", is_active=False)
    User.objects.create_user("sso")
    medians = _medians(lambda name: Client().post("/login/", {"username": name, "password": "not-this-one"}))
    worst = max(abs(value - medians["unknown"]) / medians["unknown"] for value in medians.values())
    with capsys.disabled():
        print()
        for kind, value in medians.items():
            print(f"{kind:36} {value * 1000:8.1f} ms")
        print(f"largest difference from an unknown name: {worst:.1%} (bound {BOUND:.0%})")
    assert worst < BOUND


def _medians(refuse: Callable[[str], Any]) -> dict[str, float]:
    taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(TRIES):
        for kind, name in KINDS.items():
            start = time.perf_counter()
            assert refuse(name).status_code == 200
            taken[kind].append(time.perf_counter() - start)
    return {kind: statistics.median(times) for kind, times in taken.items()}
