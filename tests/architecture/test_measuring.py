"""Coverage traces the tests that count for it, once, and no others: tracing doubles what a test takes."""

from __future__ import annotations

import pytest
from coverage import Coverage


def measures(config: pytest.Config) -> bool:
    return bool(config.getoption("cov_source", default=None)) and not config.getoption("no_cov", default=False)


@pytest.mark.django_db
def test_a_test_with_a_database_is_not_traced() -> None:
    assert Coverage.current() is None


def test_canary_one_measurement_is_left_for_a_pure_test_and_ends_when_it_is_stopped(pytestconfig: pytest.Config) -> None:
    """A second one beneath it, which pytest-cov leaves in a worker, would go on tracing every test."""
    measuring = Coverage.current()
    assert (measuring is not None) == measures(pytestconfig)
    if measuring is not None:
        measuring.stop()
        beneath = Coverage.current()
        measuring.start()
        assert beneath is None


@pytest.mark.django_db
@pytest.mark.measured
def test_a_test_that_says_so_is_traced_with_its_database(pytestconfig: pytest.Config) -> None:
    assert (Coverage.current() is not None) == measures(pytestconfig)
