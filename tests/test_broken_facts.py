"""Facts of a slide, or of a tile format, that have another type are refused in one line with plugin and field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pictures import gradient, png
from tileframe import (
    Access,
    BaseSource,
    Box,
    Encoding,
    Fit,
    NativeLevel,
    Pixels,
    PluginError,
    ReaderPlugin,
    Rgb,
    Size,
    SlideFacts,
    Source,
    WriterPlugin,
    hookimpl,
    open_slide,
    run,
)
from tileframe.registry import load

ODD_FACTS = [
    ({"size": Size(700.0, 500)}, r"facts\.size\.width must be int, not 700\.0"),  # type: ignore[arg-type]
    ({"size": Size(np.int64(7), 5)}, r"facts\.size\.width must be int, not .*7\)?"),  # type: ignore[arg-type]
    ({"size": (700, 500)}, r"facts\.size must be Size, not \(700, 500\)"),
    ({"icc": "sRGB"}, r"facts\.icc must be bytes \| None, not 'sRGB'"),
    ({"mpp": 0.5}, r"facts\.mpp must be tuple\[float, float\] \| None, not 0\.5"),
    ({"mpp": (0.5,)}, r"facts\.mpp must be .*, not \(0\.5,\)"),
    ({"mpp": ("0.5", "0.5")}, r"facts\.mpp must be .*, not \('0\.5', '0\.5'\)"),
    ({"access": "rows"}, r"facts\.access must be Access, not 'rows'"),
    ({"background": (255, 255, 255)}, r"facts\.background must be Rgb, not \(255, 255, 255\)"),
    ({"bounds": Box(0, 0, 1.5, 2)}, r"facts\.bounds must be .*, not Box\(x=0, .*1\.5, height=2\)"),  # type: ignore[arg-type]
    ({"associated": "label"}, r"facts\.associated must be tuple\[str, \.\.\.\], not 'label'"),
    ({"notes": (b"odd",)}, r"facts\.notes must be tuple\[str, \.\.\.\], not \(b'odd',\)"),
    ({"native_levels": ((350, 250),)}, r"facts\.native_levels must be .*, not \(\(350, 250\),\)"),
]


@pytest.mark.parametrize(("odd", "said"), ODD_FACTS, ids=lambda value: str(value) if isinstance(value, dict) else "")
def test_facts_of_another_type_are_refused_with_the_plugin_and_the_field(odd, said, tmp_path):
    with pytest.raises(PluginError, match=f"^the reader 'odd' is broken: {said}$"):
        opened_with({"format": "odd", "size": Size(700, 500), "access": Access.REGIONS} | odd, tmp_path)


def test_facts_may_have_whole_numbers_for_others_and_lists_for_rows(tmp_path):
    facts = {"mpp": [1, 1], "objective_power": 20, "notes": ["odd"], "native_levels": [NativeLevel(Size(7, 5), 1)]}
    opened_with({"format": "odd", "size": Size(7, 5), "access": Access.REGIONS} | facts, tmp_path).close()


def opened_with(facts: dict[str, Any], folder: Path) -> Source:
    """Open a slide by a reader that says this of it."""

    class Odd(BaseSource):
        def read(self, box: Box, *, native_level: int = 0) -> Pixels:
            raise NotImplementedError

    class Reader:
        def open(self, path: Path, *, background: Rgb | None = None) -> Source:
            return Odd(SlideFacts(**facts))

    class Plugin:
        @staticmethod
        @hookimpl
        def tileframe_readers() -> list[ReaderPlugin]:
            return [ReaderPlugin("odd", "in tests", Reader, lambda path, head: Fit.NATIVE)]

    (folder / "a.odd").write_bytes(b"odd")
    return open_slide(folder / "a.odd", registry=load([Plugin()]))


def test_so_is_an_encoding(tmp_path, monkeypatch):
    class Plugin:
        encoding = Encoding("odd", None, lossless=True)  # type: ignore[arg-type]

        def encode(self, pixels: Pixels) -> bytes:
            raise NotImplementedError

        def decode(self, data: bytes) -> Pixels:
            raise NotImplementedError

        def size(self, data: bytes) -> Size:
            raise NotImplementedError

        @staticmethod
        @hookimpl
        def tileframe_writers() -> list[WriterPlugin]:
            return [WriterPlugin("odd", "in tests", Plugin)]

    png(tmp_path / "a.png", gradient(20, 10))
    with pytest.raises(PluginError, match=r"^the format 'odd' is broken: encoding\.suffix must be str, not None$"):
        run(tmp_path / "a.png", tmp_path / "a", format="odd", registry=load([Plugin()]))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("plugin", ["grey8", object()], ids=["a name", "without hooks"])
def test_what_is_no_plugin_is_not_taken_for_one(plugin):
    with pytest.raises(PluginError, match=r"is broken: TypeError: .* has no hook: it is to be a module, or an object"):
        load([plugin])
