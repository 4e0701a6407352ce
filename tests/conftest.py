"""Fixtures for every test."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from tileframe import registry as registry_module
from tileframe.registry import Registry

# A slow moment of a busy machine is no failure.
settings.register_profile("tileframe", deadline=None)
settings.load_profile("tileframe")

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def registry() -> Registry:
    """What is installed."""
    return registry_module.load()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real slides and pictures, where they are."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the folder of real slides is not here")
    return SHARED_DATA
