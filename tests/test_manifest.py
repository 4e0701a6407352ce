"""The record beside a pyramid, and the digests of its tiles."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from tests.pictures import MPP, gradient, photo, png, svs
from tests.pyramids import Dzi, beside, manifest, tiles
from tileframe import Box, CheckError, InputError, Manifest, Pyramid, Report, Size, __version__, open_pyramid, run
from tileframe.fingerprint import Fingerprint
from tileframe.ledger import parse_digests
from tileframe.registry import Registry
from tileframe_start.command import run_command

ROOT = Path(__file__).parents[1]


def recorded(dzi: Dzi) -> Manifest:
    """The record, as typed as it is read."""
    with open_pyramid(dzi) as pyramid:
        assert pyramid.manifest is not None
        return pyramid.manifest


@pytest.fixture
def done(tmp_path: Path, registry: Registry) -> Report:
    return run(svs(tmp_path / "slide.svs", photo(700, 500)), tmp_path / "out" / "o", registry=registry)


def test_the_record_says_what_was_made_of_what_and_by_whom(done, tmp_path):
    record = recorded(done.target)
    source, plan = record.plan.source, record.plan
    assert (source.name, source.bytes) == ("slide.svs", (tmp_path / "slide.svs").stat().st_size)
    assert (source.mpp, source.objective_power, source.size) == ((MPP, MPP), 20.0, Size(700, 500))
    assert (plan.reader, plan.backend, plan.method) == (done.reader, done.backend, done.method)
    assert (plan.promises, plan.notes) == (done.promises, done.notes)
    assert record.made.versions["tileframe"] == __version__
    assert {"openslide-bin", "pyvips", "imagecodecs"} <= set(record.made.versions)
    assert (record.tiles.count, record.tiles.bytes) == (done.tiles, done.tile_bytes)


def test_the_record_holds_everything_by_which_the_tiles_can_be_made_again(done):
    plan = recorded(done.target).plan
    assert (plan.pyramid, plan.region) == (Pyramid(Size(700, 500), 254, 1), Box(0, 0, 700, 500))
    assert (plan.layout, plan.store, plan.format, plan.format_options) == ("dzi", "directory", "jpeg", {"quality": 75})
    assert (plan.encoding.suffix, plan.encoding.quality, plan.encoding.subsampling) == ("jpeg", 75, "420")


def test_the_record_says_neither_where_nor_by_how_many_it_was_made(done):
    plan = recorded(done.target).plan
    assert (plan.location.folder, plan.location.name, plan.execution) == ("", "o", None)


def test_the_list_of_digests_is_that_of_the_tiles_and_the_record_vouches_for_it(done):
    listed = beside(done.target, ".sha256").read_bytes()
    found = {
        f"o_files/{key}": hashlib.sha256(path.read_bytes()).hexdigest() for key, path in tiles(done.target).items()
    }
    assert dict(parse_digests(listed.splitlines())) == found
    assert recorded(done.target).tiles.digests_sha256 == hashlib.sha256(listed).hexdigest()


SHA256SUM = pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum here")


@SHA256SUM
def test_sha256sum_reads_the_list(done):
    command = ["sha256sum", "--check", "--strict", "--quiet", "o.sha256"]
    assert subprocess.run(command, cwd=Path(done.target).parent, check=False).returncode == 0


@SHA256SUM
def test_sha256sum_reads_the_list_of_a_pyramid_with_a_line_break_in_its_name(tmp_path, registry):
    name = "two\nlines\\n"
    report = run(png(tmp_path / "a.png", photo(300, 200)), tmp_path / name, registry=registry)
    command = ["sha256sum", "--check", "--strict", "--quiet", f"{name}.sha256"]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    assert run_command(["verify", report.target]) == 0


def test_two_equal_runs_write_the_same_record_but_for_the_time(tmp_path, registry):
    slide = png(tmp_path / "a.png", gradient(300, 200))
    records = []
    for name in ("one", "two"):
        report = run(slide, tmp_path / name / "o", registry=registry, workers=1 if name == "one" else 3)
        record = manifest(report.target)
        assert set(record.pop("made")) == {"finished", "seconds", "versions"}
        records.append(record)
    assert records[0] == records[1]


@pytest.mark.parametrize(("asked", "scale", "by"), [(None, MPP, "slide"), (0.5, 0.5, "user")])
def test_the_record_says_whose_the_scale_is(asked, scale, by, tmp_path, registry):
    report = run(svs(tmp_path / "a.svs", photo(300, 200)), tmp_path / "o", mpp=asked, registry=registry)
    source = recorded(report.target).plan.source
    assert (source.mpp, source.mpp_by.value) == ((scale, scale), by)
    notes = [f"the scale is 0.5 µm a pixel, as asked, and not the slide's {MPP:g}"] if asked else []
    assert list(report.notes) == notes


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
    assert recorded(report.target).plan.source.objective_power == 40.0


def test_the_record_is_as_documented(done):
    """Every field is named in the docs, and the docs name no other."""
    page = (ROOT / "docs" / "manifest.md").read_text(encoding="utf-8")
    documented = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}

    def fields(value: object, prefix: str = "") -> set[str]:
        if not isinstance(value, dict) or prefix.endswith(("_options.", ".versions.")):
            return {prefix.rstrip(".")}
        return set().union(*(fields(inner, f"{prefix}{name}.") for name, inner in value.items()))

    record = manifest(done.target)
    assert documented == set().union(*(fields(value, f"{name}.") for name, value in record.items()))
    assert f"schema `{record['schema']}`" in page


def test_overwriting_replaces_the_record_too(done, tmp_path, registry):
    png(tmp_path / "b.png", gradient(30, 20))
    report = run(tmp_path / "b.png", done.target, registry=registry, overwrite=True)
    assert recorded(report.target).plan.source.name == "b.png"
    assert len(list(parse_digests(beside(report.target, ".sha256").read_bytes().splitlines()))) == report.tiles


def test_the_fingerprint_changes_with_length_and_content(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 300_000)
    (tmp_path / "b").write_bytes(b"x" * 300_001)
    (tmp_path / "c").write_bytes(b"x" * 150_000 + b"y" + b"x" * 149_999)
    (tmp_path / "large").write_bytes(bytes(9_000_000))
    (tmp_path / "other").write_bytes(bytes(8_999_999) + b"y")
    prints = [Fingerprint.of(tmp_path / name) for name in ("a", "b", "c", "large", "other")]
    assert len(set(prints)) == 5
    assert Fingerprint.of(tmp_path / "a") == prints[0]


def test_a_slide_that_is_replaced_during_the_run_is_refused_and_nothing_is_left(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    other = png(tmp_path / "other.png", photo(300, 200, seed=9)).read_bytes()
    slide = png(tmp_path / "a.png", photo(300, 200))

    def replaced(tiles: int, pixels: int) -> None:
        slide.write_bytes(other)

    with pytest.raises(InputError, match=r"^a\.png: was changed while it was read; run again$") as caught:
        run("a.png", "out/o", progress=replaced)
    assert caught.value.exit_code == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "other.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open cannot be deleted there")
def test_a_slide_that_vanishes_during_the_run_is_refused_and_nothing_is_left(tmp_path):
    slide = png(tmp_path / "a.png", photo(300, 200))

    def gone(tiles: int, pixels: int) -> None:
        slide.unlink(missing_ok=True)

    with pytest.raises(InputError, match="cannot be read"):
        run(slide, tmp_path / "out" / "o", progress=gone)
    assert list(tmp_path.iterdir()) == []


def test_the_fingerprint_is_that_of_the_file_before_a_reader_has_opened_it(tmp_path, registry):
    slide = png(tmp_path / "a.png", photo(300, 200))
    before = Fingerprint.of(slide).text
    assert recorded(run(slide, tmp_path / "o", registry=registry).target).plan.source.fingerprint == before


def test_fields_of_a_later_version_are_passed_over(done):
    path = beside(done.target, ".tileframe.json")
    path.write_text(path.read_text().replace('"plan": {', '"mood": "good", "plan": {"weather": [1],'))
    assert recorded(done.target).plan.reader == done.reader


WRONG = {
    "not json": "is not JSON",
    "[]": "its schema is null, not tileframe-manifest/2",
    '{"schema": "another/9"}': 'its schema is "another/9", not tileframe-manifest/2',
    '{"schema": "tileframe-manifest/1"}': 'its schema is "tileframe-manifest/1", not tileframe-manifest/2',
    '{"schema": "tileframe-manifest/2"}': "is not a record of the schema tileframe-manifest/2",
    '{"schema": "tileframe-manifest/2", "made": 3}': "is not a record of the schema tileframe-manifest/2",
    "[" * 100_000: "is not JSON",
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:40])
def test_a_record_that_is_not_ours_is_said_to_be(text, done, capsys):
    beside(done.target, ".tileframe.json").write_text(text)
    with pytest.raises(CheckError, match=r"o\.tileframe\.json: the manifest ") as caught:
        open_pyramid(done.target)
    assert WRONG[text] in str(caught.value)
    assert run_command(["verify", done.target]) == 5
    assert WRONG[text] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"width": 700', '"width": "wide"'),
        ('"promises": "pixels"', '"promises": "everything"'),
        ('"tile_size": 254', '"tile_size": 0'),
        ('"overlap": 1', '"overlap": 1e300'),
        ('"bytes": ', '"bytes": -0.5, "was": '),
        ('"quality": 75', '"quality": {}'),
    ],
)
def test_a_value_that_cannot_be_is_refused_in_one_line(old, new, done):
    path = beside(done.target, ".tileframe.json")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(CheckError, match=r"o\.tileframe\.json: the manifest is not a record") as caught:
        open_pyramid(done.target)
    assert len(str(caught.value).splitlines()) == 1
