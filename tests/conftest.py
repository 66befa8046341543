"""Fixtures that every tier of tests shares."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of reference scans that lies beside the repository; never part of it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the reference scans (../shared/data) are not beside this clone")
    return SHARED_DATA
