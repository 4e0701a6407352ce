"""The record beside a pyramid, and the digests of its tiles."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from tests.pictures import MPP, gradient, jpeg, photo, png, svs
from tests.pyramids import tiles
from tileframe import CheckError, Pyramid, Report, __version__, run
from tileframe.digests import parse_digest_list
from tileframe.manifest import fingerprint, read_manifest
from tileframe.registry import Registry

ROOT = Path(__file__).parents[1]


@pytest.fixture
def done(tmp_path: Path, registry: Registry) -> Report:
    return run(svs(tmp_path / "slide.svs", photo(700, 500)), tmp_path / "out" / "o", registry=registry)


def test_the_record_says_what_was_made_of_what_and_by_whom(done, tmp_path):
    record = read_manifest(done.target)
    assert (record["source"]["name"], record["source"]["bytes"]) == (
        "slide.svs",
        (tmp_path / "slide.svs").stat().st_size,
    )
    assert (record["source"]["mpp"], record["source"]["objective_power"]) == ([MPP, MPP], 20.0)
    assert (record["made_by"]["reader"], record["made_by"]["backend"]) == (done.reader, done.backend)
    assert record["made_by"]["versions"]["tileframe"] == __version__
    assert {"openslide-bin", "pyvips", "imagecodecs"} <= set(record["made_by"]["versions"])
    assert (record["tiles"]["count"], record["tiles"]["bytes"]) == (done.tiles, done.tile_bytes)


def test_the_record_gives_the_geometry_level_by_level(done):
    record, pyramid = read_manifest(done.target)["pyramid"], Pyramid(done.size)
    assert (record["width"], record["height"], record["tile_size"], record["overlap"]) == (700, 500, 254, 1)
    assert (record["suffix"], record["quality"], record["subsampling"]) == ("jpeg", 75, "420")
    assert [(level["columns"], level["rows"]) for level in record["levels"]] == [
        (pyramid.grid(level).width, pyramid.grid(level).height) for level in range(pyramid.level_count)
    ]


def test_the_list_of_digests_is_that_of_the_tiles_and_the_record_vouches_for_it(done):
    listed = done.target.with_suffix(".sha256").read_bytes()
    found = {
        f"o_files/{key}": hashlib.sha256(path.read_bytes()).hexdigest() for key, path in tiles(done.target).items()
    }
    assert parse_digest_list(listed) == found
    assert read_manifest(done.target)["tiles"]["digests_sha256"] == hashlib.sha256(listed).hexdigest()


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum here")
def test_sha256sum_reads_the_list(done):
    command = ["sha256sum", "--check", "--strict", "--quiet", "o.sha256"]
    assert subprocess.run(command, cwd=done.target.parent, check=False).returncode == 0


def test_two_equal_runs_write_the_same_record_but_for_the_time(tmp_path, registry):
    slide = png(tmp_path / "a.png", gradient(300, 200))
    records = []
    for name in ("one", "two"):
        report = run(slide, tmp_path / name / "o", registry=registry, workers=1 if name == "one" else 3)
        record = read_manifest(report.target)
        assert set(record.pop("made")) == {"finished", "seconds"}
        records.append(record)
    assert records[0] == records[1]


SECRETS = {
    "patient": "DOE^JANE", "barcode": "BC-0815", "date": "04/01/2019",
    "user": "dr-roe", "scanner": "SS1302", "id": "12345-67",
}  # fmt: skip


def test_nothing_of_a_person_a_day_or_a_place_gets_into_the_record(tmp_path, registry):
    folder = tmp_path / "secret-folder"
    folder.mkdir()
    facts = "|".join(f"{name.title()} = {value}" for name, value in SECRETS.items())
    description = f"Aperio Image Library v11.2.1\r\n600x500|AppMag = 40|MPP = 0.25|{facts}"
    with tifffile.TiffWriter(folder / "slide.svs") as file:
        how: dict[str, Any] = {"photometric": "rgb", "description": description, "metadata": None}
        file.write(photo(600, 500), tile=(256, 256), datetime=False, **how)
        file.write(np.zeros((50, 60, 3), np.uint8), rowsperstrip=16, **how)
        for name in ("label", "macro"):
            how["description"] = f"Aperio Image Library v11.2.1\r\n{name} 60x50"
            file.write(np.zeros((50, 60, 3), np.uint8), rowsperstrip=16, subfiletype=1 if name == "label" else 9, **how)
    report = run(folder / "slide.svs", tmp_path / "o", registry=registry)
    beside = [path.read_text(encoding="utf-8") for path in tmp_path.iterdir() if path.is_file()]
    assert len(beside) == 3
    for text in beside:
        for word in (*SECRETS.values(), "secret-folder", "label", "macro", str(tmp_path)):
            assert word not in text
    assert read_manifest(report.target)["source"]["objective_power"] == 40.0


def test_the_record_is_as_documented(done):
    """Every field is named in the docs, and the docs name no other."""
    page = (ROOT / "docs" / "manifest.md").read_text(encoding="utf-8")
    documented = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}

    def fields(value: object, prefix: str = "") -> set[str]:
        if not isinstance(value, dict) or prefix == "made_by.versions.":
            return {prefix.rstrip(".")}
        return set().union(*(fields(inner, f"{prefix}{name}.") for name, inner in value.items()))

    record = read_manifest(done.target)
    written = set().union(*(fields(value, f"{name}.") for name, value in record.items()))
    levels = {f"pyramid.levels[].{name}" for name in record["pyramid"]["levels"][0]}
    assert documented == written - {"pyramid.levels"} | levels
    assert record["schema"] in page


def test_a_dropped_profile_is_recorded(tmp_path, registry):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    report = run(jpeg(tmp_path / "a.jpg", gradient(30, 20), icc_profile=profile), tmp_path / "o", registry=registry)
    assert read_manifest(report.target)["source"]["icc"] == {"description": "sRGB built-in", "applied": False}


def test_overwriting_replaces_the_record_too(done, tmp_path, registry):
    png(tmp_path / "b.png", gradient(30, 20))
    report = run(tmp_path / "b.png", done.target, registry=registry, overwrite=True)
    assert read_manifest(report.target)["source"]["name"] == "b.png"
    assert len(parse_digest_list(report.target.with_suffix(".sha256").read_bytes())) == report.tiles


def test_the_fingerprint_changes_with_length_and_content(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 300_000)
    (tmp_path / "b").write_bytes(b"x" * 300_001)
    (tmp_path / "c").write_bytes(b"x" * 150_000 + b"y" + b"x" * 149_999)
    (tmp_path / "large").write_bytes(bytes(9_000_000))
    (tmp_path / "other").write_bytes(bytes(8_999_999) + b"y")
    prints = [fingerprint(tmp_path / name) for name in ("a", "b", "c", "large", "other")]
    assert len(set(prints)) == 5
    assert fingerprint(tmp_path / "a") == prints[0]


@pytest.mark.parametrize("text", ["not json", "[]", '{"schema": "another/9"}', '{"schema": "tileframe-manifest/1"}'])
def test_a_record_that_is_not_ours_is_said_to_be(text, tmp_path):
    (tmp_path / "o.tileframe.json").write_text(text)
    with pytest.raises(CheckError, match=r"o\.tileframe\.json: the manifest"):
        read_manifest(tmp_path / "o.dzi")
