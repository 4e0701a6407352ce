"""Fixtures for every test."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

from tests import buckets
from tests.plugin_page import FILES, Import, Load
from tileframe import registry as registry_module
from tileframe.registry import Registry

# A slow moment of a busy machine is no failure.
settings.register_profile("tileframe", deadline=None)
settings.load_profile("tileframe")

# Where no bytecode is to be written, each of the hundreds of processes here would compile all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# As the command has it: else numpy, in each of them, starts threads of OpenBLAS, which wait by spinning and do nothing.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

Install = Callable[..., None]

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
MEMORY, ROOM = Path("/dev/shm"), 4 << 30


def pytest_configure() -> None:
    """Keep what is temporary in memory where there is much of it: on a disk, each run waits until all is written."""
    if "TMPDIR" in os.environ or not MEMORY.is_dir():
        return
    if min(psutil.disk_usage(str(MEMORY)).free, psutil.virtual_memory().available) > ROOM:
        tempfile.tempdir = os.environ["TMPDIR"] = str(MEMORY)


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


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The URL of an S3 with an empty bucket; each test has a folder of its own there."""
    with buckets.moto() as url:
        yield url


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    """Import a file of the page by its name."""
    folder = tmp_path / "shown"
    for name, code in FILES.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def loaded(shown: Import) -> Load:
    """What is installed, and one plugin of the page."""
    return lambda name: registry_module.load([shown(name)])


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Make the distributions in a folder of tests/plugins count as installed; ``only`` limits what loads."""

    def put_on_path(folder: str, *, only: str | None = None) -> None:
        monkeypatch.syspath_prepend(Path(__file__).parent / "plugins" / folder)
        if only is None:
            monkeypatch.delenv("TILEFRAME_PLUGINS", raising=False)
        else:
            monkeypatch.setenv("TILEFRAME_PLUGINS", only)

    yield put_on_path
    for name in [name for name in sys.modules if name.startswith("fake_")]:
        del sys.modules[name]
