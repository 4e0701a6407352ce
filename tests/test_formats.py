"""The tables of what each tile format weighs, takes and keeps."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks import formats
from tests.pictures import photo, png
from tests.test_writers import made
from tileframe import CheckError, Writer


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, list[str]]]:
    """The rows of each table, by the format, without the heads."""
    tables: list[dict[str, list[str]]] = []
    for line in capsys.readouterr().out.splitlines():
        cells = line.strip("| ").split(" | ")
        if len(cells) == 1 and line:
            tables.append({})
        elif len(cells) > 1:
            tables[-1][cells[0]] = cells[1:]
    return [dict(list(table.items())[2:]) for table in tables]


def test_every_format_has_its_figures(tmp_path, capsys):
    formats.main([str(png(tmp_path / "a.png", photo(300, 280))), "--rounds", "1"])
    (table,) = printed(capsys)
    assert list(table) == list(formats.FORMATS)
    assert table[formats.BASE][:3] == ["1.00", "1.00", "1.00"]
    for name, cells in table.items():
        *ratios, decibels, likeness = cells
        assert all(re.fullmatch(r"\d+\.\d+", ratio) and float(ratio) > 0 for ratio in ratios)
        exact = name == "PNG" or name.endswith("lossless")
        assert (decibels, likeness) == ("exact", "1") if exact else 20 < float(decibels) < 60 and float(likeness) < 1


def test_the_pictures_that_are_drawn_have_whole_tiles():
    pictures = formats.drawn(formats.TILE)
    assert {name: pixels.shape for name, pixels in pictures.items()} == dict.fromkeys(
        ("section", "photograph"), (formats.TILE, formats.TILE, 3)
    )
    assert all(pixels.std() > 10 for pixels in pictures.values())


@pytest.mark.parametrize(("side", "files"), [("255", []), ("256", ["small.png"])])
def test_what_has_no_whole_tile_is_refused(side, files, tmp_path):
    paths = [str(png(tmp_path / name, photo(300, 200))) for name in files]
    with pytest.raises(SystemExit):
        formats.main([*paths, "--side", side])


def broken(writer: Writer, **methods: Any) -> Any:
    """A writer with other methods."""
    return SimpleNamespace(**{"encoding": writer.encoding, "encode": writer.encode, "decode": writer.decode, **methods})


def test_a_tile_that_comes_back_otherwise_has_no_figures(registry):
    tiles = [photo(64, 64)]
    lossless, lossy = made(registry, "png"), made(registry, "jpeg")
    assert formats.proved("PNG", lossless, tiles).ssim == 1
    with pytest.raises(CheckError, match="PNG: the decoded tiles are too far"):
        formats.proved("PNG", broken(lossless, decode=lambda data: lossless.decode(data) ^ 1), tiles)
    with pytest.raises(CheckError, match="JPEG: the decoded tiles are too far"):
        formats.proved("JPEG", broken(lossy, decode=lambda data: lossy.decode(data)[::-1]), tiles)
    turns = iter(range(9))
    other = broken(lossless, encode=lambda tile: lossless.encode(tile ^ (next(turns) > 0)))
    with pytest.raises(CheckError, match="do not give the same bytes"):
        formats.proved("PNG", other, tiles)


def test_the_structural_similarity_is_that_of_the_paper():
    random = np.random.default_rng(1)
    one, other = (random.integers(0, 256, (11, 11), dtype=np.uint8) for _ in range(2))
    gauss = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weights = np.outer(gauss, gauss) / gauss.sum() ** 2
    x, y = one.astype(float), other.astype(float)
    mean_x, mean_y = (weights * x).sum(), (weights * y).sum()
    covariance = (weights * (x - mean_x) * (y - mean_y)).sum()
    variances = (weights * (x - mean_x) ** 2).sum() + (weights * (y - mean_y) ** 2).sum()
    c1, c2 = 6.5025, 58.5225
    wanted = (2 * mean_x * mean_y + c1) * (2 * covariance + c2) / ((mean_x**2 + mean_y**2 + c1) * (variances + c2))
    grey = [np.repeat(picture[:, :, None], 3, axis=2) for picture in (one, other)]
    assert formats.ssim(*grey) == pytest.approx(wanted, abs=1e-9)
    assert formats.ssim(grey[0], grey[0]) == 1
