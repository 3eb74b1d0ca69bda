from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.startup.harness import data_folder, fake_checkout


@pytest.fixture
def var() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder / "var"


@pytest.fixture
def checkout() -> Iterator[Path]:
    with data_folder() as folder:
        yield fake_checkout(folder)
