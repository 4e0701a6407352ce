"""Too little memory is named in one line."""

from __future__ import annotations

import pytest

from tests.pictures import gradient, png
from tileframe_start.command import run_command
from tileframe_writers.jpeg import JpegWriter


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")], ids=repr)
def test_it_is_no_bug(error, tmp_path, monkeypatch, capsys):
    def encode(self: JpegWriter, pixels: object) -> bytes:
        raise error

    png(tmp_path / "a.png", gradient(300, 200))
    monkeypatch.setattr(JpegWriter, "encode", encode)
    words = ["--backend", "stream", "-o", str(tmp_path / "o")]
    assert run_command(["run", str(tmp_path / "a.png"), *words]) == 3
    assert capsys.readouterr().err == "tileframe: there is not enough memory for this\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
