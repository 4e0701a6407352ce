"""What tileframe asks of every plugin, kind by kind; each class is filled with tests by the kit."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
from PIL import Image

import tileframe_example as example
from tileframe import Location, Pixels, testing


def pillow(data: bytes) -> Pixels:
    """Decode a tile by another decoder than ours."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


class TestPlugin(testing.PluginContract):
    module = "tileframe_example"


class TestNpy(testing.ReaderContract):
    plugin = example.tileframe_readers()[0]
    suffix = "npy"
    bad_options = ({"mpp": 0}, {"mpp": "small"})

    def make(self, path: Path, pixels: Pixels) -> Path:
        np.save(path, pixels)
        return path


class TestBmp(testing.WriterContract):
    plugin = example.tileframe_writers()[0]
    max_error = 0  # lossless
    decode = staticmethod(pillow)


class TestFlat(testing.LayoutContract):
    plugin = example.tileframe_layouts()[0]


class TestDatabase(testing.StoreContract):
    plugin = example.tileframe_stores()[0]

    def look(self, location: Location) -> dict[str, bytes]:
        folder = Path(location.folder)
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        if files.get("made.sqlite", b"").startswith(b"SQLite"):
            del files["made.sqlite"]
            with closing(sqlite3.connect(folder / "made.sqlite")) as kept:
                files.update(kept.execute("SELECT key, data FROM files"))
        return files


class TestPlain(testing.BackendContract):
    plugin = example.tileframe_backends()[0]
    decode = staticmethod(pillow)


class TestPool(testing.ExecutorContract):
    plugin = example.tileframe_executors()[0]


class TestWeight(testing.CheckContract):
    plugin = example.tileframe_checks()[0]
    faults = ()  # the kit's are for other checks to find; they must not stop this one


class TestSheet(testing.ViewerContract):
    plugin = example.tileframe_viewers()[0]
