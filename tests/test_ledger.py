"""What is kept of every tile, the list of digests that is made of it, and what checks keep of a pyramid."""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.pictures import gradient, photo, png
from tileframe import (
    CheckError,
    Layout,
    Location,
    OutputError,
    Pyramid,
    Severity,
    Size,
    Spec,
    TileAddress,
    open_pyramid,
    run,
    tiles_of,
    verify,
)
from tileframe.ledger import AT_ONCE, DigestList, Ledger, Presence, TileRecord, digest_line
from tileframe.ledger import parse_digests as parsed
from tileframe.planning import prepare
from tileframe.registry import Registry
from tileframe_checks.digests import DigestsByTile
from tileframe_stores.directory import DirectoryStore

LAYOUTS = ["dzi", "zoomify", "google", "iiif3"]
LARGE = Pyramid(Size(6001, 4703), 64, 0)
"""Of more tiles than are read or written at once."""


def layout_of(registry: Registry, layout: str, pyramid: Pyramid, *, name: str = "a", suffix: str = "jpg") -> Layout:
    return registry.layout(layout).create(name, suffix, pyramid)


def record(tile: TileAddress) -> TileRecord:
    return TileRecord.of(f"{tile}".encode(), passed_through=tile.row % 2 == 1)


def filled(layout: Layout, pyramid: Pyramid, *, seed: int | None = None) -> Ledger:
    ledger, tiles = Ledger(pyramid, layout.levels), list(tiles_of(layout, pyramid))
    if seed is not None:
        random.Random(seed).shuffle(tiles)
    for tile in tiles:
        ledger.put(tile, record(tile))
    return ledger


@pytest.mark.parametrize("layout", LAYOUTS)
def test_records_come_back_in_the_order_of_the_tiles_whatever_order_they_came_in(registry, layout):
    made = layout_of(registry, layout, LARGE)
    ledger = filled(made, LARGE, seed=1)
    assert ledger.count > 2 * AT_ONCE
    assert list(ledger.records()) == [record(tile) for tile in tiles_of(made, LARGE)]
    ledger.close()


def test_records_may_be_put_by_many_threads(registry):
    made = layout_of(registry, "dzi", LARGE)
    ledger, tiles = Ledger(LARGE, made.levels), list(tiles_of(made, LARGE))

    def put(part: list[TileAddress]) -> None:
        for tile in part:
            ledger.put(tile, record(tile))

    threads = [threading.Thread(target=put, args=(tiles[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(ledger.records()) == [record(tile) for tile in tiles]
    ledger.close()


def test_a_tile_of_which_nothing_was_put_has_no_record(registry):
    pyramid = Pyramid(Size(600, 400))
    ledger = Ledger(pyramid, range(pyramid.level_count))
    tile = TileAddress(pyramid.base_level, 1, 1)
    ledger.put(tile, TileRecord.of(b""))
    assert [one for one in ledger.records() if one is not None] == [TileRecord(0, hashlib.sha256().digest())]
    assert sum(one is None for one in ledger.records()) == ledger.count - 1 == pyramid.tile_count - 1
    ledger.close()


def test_a_later_record_replaces_an_earlier_one(registry):
    ledger = Ledger(Pyramid(Size(1, 1)), range(1))
    ledger.put(TileAddress(0, 0, 0), TileRecord.of(b"longer", passed_through=True))
    ledger.put(TileAddress(0, 0, 0), TileRecord.of(b"x"))
    assert list(ledger.records()) == [TileRecord.of(b"x")]
    ledger.close()


def test_records_that_are_put_together_are_those_that_are_put_one_by_one(registry):
    made, chance = layout_of(registry, "dzi", LARGE), random.Random(4)
    tiles = chance.sample(list(tiles_of(made, LARGE)), 500)
    packed = [(tile, record(tile).packed()) for tile in (*tiles, *sorted(tiles)[:100])]
    replaced = [(packed[0][0], TileRecord.of(b"first").packed()), *packed, (tiles[1], TileRecord.of(b"last").packed())]
    together, single = (Ledger(LARGE, made.levels) for _ in range(2))
    together.put_all(replaced)
    together.put_all([])
    for one in replaced:
        single.put_all([one])
    assert list(together.records()) == list(single.records())
    assert together.get(tiles[0]) == record(tiles[0])
    assert together.get(tiles[1]) == TileRecord.of(b"last")
    together.close()
    single.close()


def test_a_list_of_digests_is_in_the_order_of_the_tiles_and_can_be_read_again(registry):
    made = layout_of(registry, "zoomify", LARGE)
    ledger = filled(made, LARGE, seed=2)
    digests = DigestList(made, LARGE, ledger)
    first, again = list(digests), list(digests)
    assert first == again
    assert len(first) > 2
    found = list(parsed(b"".join(first).splitlines()))
    assert found == [(made.key(tile), record(tile).sha256.hex()) for tile in tiles_of(made, LARGE)]
    ledger.close()


def test_copies_of_tiles_are_in_the_list_too(registry):
    pyramid = Pyramid(Size(900, 700), 256, 0)
    made = layout_of(registry, "iiif3", pyramid)
    ledger = filled(made, pyramid)
    found = dict(parsed(b"".join(DigestList(made, pyramid, ledger)).splitlines()))
    for copy, tile in made.extras.items():
        assert found[copy] == found[made.key(tile)] == record(tile).sha256.hex()
    assert len(found) == ledger.count + len(made.extras)
    ledger.close()


ODD = [
    "plain",
    "two words",
    "new\nline",
    "back\\slash",
    "\\",
    "\n",
    "\\n",
    "ends\\",
    "é",
    "\udcff",
    " leading",
    "*",
    "a\rb",
]


@pytest.mark.parametrize("key", ODD, ids=ascii)
def test_every_name_comes_back_from_a_list(key):
    digest = hashlib.sha256(b"").hexdigest()
    line = digest_line(digest, key).encode("utf-8", "surrogateescape")
    assert line.count(b"\n") == 1
    assert list(parsed([line])) == [(key, digest)]


def test_a_list_of_a_newer_sha256sum_escapes_returns_too():
    assert list(parsed([b"\\" + b"0" * 64 + b"  a\\rb\n"])) == [("a\rb", "0" * 64)]


@pytest.mark.parametrize(
    "line",
    [
        b"", b"\n", b"0" * 64, b"0" * 63 + b"  a", b"0" * 65 + b"  a", b"G" * 64 + b"  a", b"A" * 64 + b"  a",
        b"0" * 64 + b" a", b"0" * 64 + b"  ", b"\\" * 2 + b"0" * 64 + b"  a", b"\xff\xfe", "٣".encode() * 64 + b"  a",
    ],
)  # fmt: skip
def test_a_line_that_is_no_digest_is_refused_with_its_number(line):
    sound = b"0" * 64 + b"  a\n"
    with pytest.raises(CheckError, match="line 3 is not a digest and a name"):
        list(parsed([sound, sound, line]))


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum here")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_sha256sum_accepts_the_list(tmp_path, registry, layout):
    run(png(tmp_path / "s.png", photo(600, 421)), tmp_path / "out" / "a b", layout=layout, registry=registry)
    command = ["sha256sum", "--check", "--strict", "--quiet", "a b.sha256"]
    assert subprocess.run(command, cwd=tmp_path / "out", check=False).returncode == 0


@pytest.mark.skipif(
    shutil.which("sha256sum") is None or sys.platform == "win32", reason="no such names, or no sha256sum"
)
@pytest.mark.parametrize("name", ["new\nline", "back\\slash", "both\\\n", "é 玻片"])
def test_sha256sum_accepts_the_list_of_a_pyramid_with_an_odd_name(tmp_path, registry, name):
    done = run(png(tmp_path / "s.png", gradient(300, 200)), tmp_path / "out" / name, registry=registry)
    command = ["sha256sum", "--check", "--strict", "--quiet", f"{name}.sha256"]
    assert subprocess.run(command, cwd=tmp_path / "out", check=False).returncode == 0
    assert verify(done.target, registry=registry) == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_presence_knows_which_tiles_are_there(registry, layout):
    made = layout_of(registry, layout, LARGE)
    tiles = list(tiles_of(made, LARGE))
    present, there = Presence(made, LARGE), random.Random(3).sample(tiles, len(tiles) // 2)
    assert present.count == present.missing == len(tiles)
    for tile in there:
        assert present.mark(made.key(tile))
        assert present.mark(made.key(tile))
    assert present.missing == len(tiles) - len(there)
    marked = set(there)
    assert all(present.has(tile) == (tile in marked) for tile in tiles)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_presence_takes_copies_and_nothing_else(registry, layout):
    pyramid = Pyramid(Size(900, 700), 256, 0)
    made = layout_of(registry, layout, pyramid)
    present = Presence(made, pyramid)
    assert all(present.mark(key) for key in made.extras)
    for tile in tiles_of(made, pyramid):
        key = made.key(tile)
        for wrong in (f"{key}x", f"b{key}", key.replace(".jpg", ".png"), key.replace("/", "\\"), f"../{key}"):
            assert not present.mark(wrong)
    assert present.missing == present.count


def test_digests_are_kept_by_tile(registry):
    pyramid = Pyramid(Size(900, 700), 256, 0)
    made = layout_of(registry, "google", pyramid)
    digests, tiles = DigestsByTile(made, pyramid), list(tiles_of(made, pyramid))
    assert digests.take(made.key(tiles[-1]), "ab" * 32)
    assert not digests.take("a/99/0/0.jpg", "ab" * 32)
    assert digests.of(tiles[-1]) == "ab" * 32
    assert all(digests.of(tile) is None for tile in tiles[:-1])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_missing_and_extra_tiles_of_a_pyramid_are_found(tmp_path, registry, layout):
    slide = png(tmp_path / "s.png", photo(600, 421))
    done = run(slide, tmp_path / "a", layout=layout, tile_size=100, overlap=0, registry=registry)
    with open_pyramid(done.target, registry=registry) as pyramid:
        made, base = pyramid.layout, pyramid.pyramid.base_level
    gone, moved = (made.key(TileAddress(base, col, 1)) for col in (2, 3))
    extra = moved.rpartition("/")[0] + "/9999." + moved.rpartition(".")[2]
    (tmp_path / gone).unlink()
    (tmp_path / moved).rename(tmp_path / extra)
    found = {(one.key, one.message) for one in verify(done.target, checks=["files"], registry=registry)}
    assert found == {
        (gone, "the tile is missing"),
        (moved, "the tile is missing"),
        (extra, "no tile of this pyramid has that name"),
    }


def test_a_list_with_a_line_too_many_or_too_few_is_found(tmp_path, registry):
    done = run(png(tmp_path / "s.png", photo(300, 200)), tmp_path / "a", registry=registry)
    path = Path(tmp_path / "a.sha256")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]) + lines[-1].replace("a_files/9", "a_files/10"))
    found = verify(done.target, checks=["digests"], registry=registry)
    assert {(one.key, one.severity) for one in found} >= {
        ("a_files/10/1_0.jpeg", Severity.ERROR),
        ("a_files/9/1_0.jpeg", Severity.ERROR),
        ("a.sha256", Severity.ERROR),
    }


def test_no_tile_is_recorded_before_the_store_has_it(tmp_path, registry, monkeypatch):
    spec = Spec(png(tmp_path / "a.png", photo(300, 200)), Location("file", str(tmp_path), "o"))
    prepared = prepare(spec, registry)
    pyramid, ledger = prepared.plan.pyramid, Ledger(prepared.plan.pyramid, prepared.job.layout.levels)

    def put(store: DirectoryStore, key: str, data: bytes) -> None:
        if key.endswith("1_0.jpeg"):
            raise OutputError(f"{key}: no room")

    monkeypatch.setattr(DirectoryStore, "put", put)
    job = replace(prepared.job, ledger=ledger)
    with pytest.raises(OutputError, match="no room"):
        job.put_row(pyramid.base_level, 0, range(2), lambda box: photo(box.width, box.height))
    assert set(ledger.records()) == {None}
    prepared.job.source.close()
    ledger.close()
