"""A run that ended too early is gone on with: nothing finished is made again, and the result is the same."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import tileframe
from tests.pictures import jpeg, photo, svs
from tileframe import InputError, OutputError, PluginError, Report, journal, verify
from tileframe.cli.progress import ProgressBar
from tileframe_start.command import run_command
from tileframe_stores import archive, directory, exchange, loose
from tileframe_stores.owning import NOTES, TREE, release, scratch_of
from tileframe_stores.scratch import Scratch
from tileframe_stream import blocks
from tileframe_writers.jpeg import JpegWriter

TILE_SIZE, SIDE = 127, 1024
"""Half of what is usual, of tiles and of blocks: as many of both, of a quarter of the pixels."""
SIDE_OF_BLOCKS = blocks.SIDE
SETTINGS: dict[str, dict[str, Any]] = {
    "stream": {"backend": "stream"},
    "one worker": {"backend": "stream", "workers": 1},
    "processes": {"executor": "processes"},
    "openslide": {"backend": "openslide"},
    "no overlap": {"backend": "stream", "tile_size": 128, "overlap": 0, "layout": "iiif3"},
    "passthrough": {"passthrough": "auto", "tile_size": "native"},
}


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slides")
    svs(folder / "squares.svs", photo(2500, 2100), levels=(1,))
    jpeg(folder / "rows.jpg", photo(1300, 1200))
    return folder


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Note every unit as soon as it is finished, and take it for worth keeping: these runs are over in a second."""
    monkeypatch.setattr(journal, "EVERY", 0.0)
    monkeypatch.setattr(journal, "WORTH", 0.0)
    monkeypatch.setattr(blocks, "SIDE", SIDE)


def run(slide: Path, target: Path, **how: Any) -> Report:
    return tileframe.run(slide, target, **{"tile_size": TILE_SIZE, **how})


def interrupted(slide: Path, target: Path, *, after: int = 100, by: type = KeyboardInterrupt, **how: Any) -> None:
    """Run until ``after`` tiles are made, and then as a Ctrl-C does."""

    def progress(tiles: int, pixels: int) -> None:
        if tiles >= after:
            raise by("stopped")

    with pytest.raises(by):
        run(slide, target, progress=progress, **how)


def files(target: Path) -> dict[str, bytes]:
    """Every file of a pyramid but its manifest, which tells when it was made."""
    if target.is_file():
        with zipfile.ZipFile(target) as archive:
            found = {name: archive.read(name) for name in archive.namelist()}
    else:
        found = {
            path.relative_to(target.parent).as_posix(): path.read_bytes()
            for path in target.parent.rglob("*")
            if path.is_file()
        }
    return {key: data for key, data in found.items() if not key.endswith(".tileframe.json")}


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one item for each tile that is encoded in this process."""
    encode, calls = JpegWriter.encode, []

    def counted(self: JpegWriter, pixels: Any) -> bytes:
        calls.append(1)
        return encode(self, pixels)

    monkeypatch.setattr(JpegWriter, "encode", counted)
    return calls


# Each of the settings, each kind of slide, and each store with each of these.
QUICK = {
    *((name, "squares.svs", "") for name in SETTINGS if name != "one worker"),
    ("one worker", "squares.svs", ".szi"),
    ("stream", "rows.jpg", ".szi"),
    ("openslide", "rows.jpg", ""),
    ("no overlap", "squares.svs", ".zip"),
}


def cases() -> Iterator[Any]:
    for (name, how), slide, end in product(SETTINGS.items(), ("squares.svs", "rows.jpg"), ("", ".szi", ".zip")):
        if slide == "rows.jpg" and name in ("processes", "passthrough"):
            continue  # read by this process alone, as it is
        if end == ".szi" and "layout" in how:
            continue
        is_quick = (name, slide, end) in QUICK
        marks = () if is_quick else pytest.mark.thorough
        yield pytest.param(slide, end, how, id=f"{name}-{slide}{end}", marks=marks)


Whole = Callable[..., dict[str, bytes]]
WHO_MAKES_THEM = {"backend", "workers", "executor"}  # no matter for the tiles: see `test_parity.py`


@pytest.fixture(scope="module")
def whole(slides: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The files of a run to the end, into ``o`` or an archive of that name; made once for each kind of pyramid."""
    made: dict[str, dict[str, bytes]] = {}

    def files_of(slide: str = "squares.svs", container: str = "", **how: Any) -> dict[str, bytes]:
        kind = {name: value for name, value in how.items() if name not in WHO_MAKES_THEM}
        if (key := f"{slide} {container} {kind}") not in made:
            target = tmp_path_factory.mktemp("whole") / f"o{container}"
            run(slides / slide, target, **kind)
            made[key] = files(target)
        return made[key]

    return files_of


@pytest.mark.parametrize(("slide", "container", "how"), list(cases()))
def test_a_resumed_run_gives_the_same_files_and_makes_none_again(
    slide, container, how, slides, whole, tmp_path, encoded, monkeypatch
):
    if "executor" in how:
        monkeypatch.setattr(blocks, "SIDE", SIDE_OF_BLOCKS)  # as it is in other processes
    target = tmp_path / "resumed" / f"o{container}"
    interrupted(slides / slide, target, **how)
    assert [path.name for path in target.parent.iterdir()] == [f".o{container}.partial"]
    encoded.clear()
    report = run(slides / slide, target, resume=True, **how)
    assert report.resumed >= 64
    if "executor" not in how:
        assert len(encoded) <= report.tiles - report.resumed
    assert files(target) == whole(slide, container, **how)
    assert not scratch_of(target).exists()


@pytest.mark.parametrize("container", ["", pytest.param(".szi", marks=pytest.mark.thorough)])
def test_it_may_end_too_early_again_and_again(container, slides, whole, tmp_path):
    target = tmp_path / f"o{container}"
    for after in (50, 150, 250):
        interrupted(slides / "squares.svs", target, after=after, resume=True)
    assert resumed(slides, target, whole).resumed >= 200


def left(slides: Path, target: Path, **how: Any) -> Path:
    """The scratch folder of a run that was stopped."""
    interrupted(slides / "squares.svs", target, **how)
    return scratch_of(target)


def resumed(slides: Path, target: Path, whole: Whole, **how: Any) -> Report:
    """Go on, and prove the result to be that of a whole run."""
    report = run(slides / "squares.svs", target, resume=True, **how)
    assert files(target) == whole(container=target.suffix)
    return report


def test_a_torn_last_note_and_a_half_tile_are_made_again(slides, whole, tmp_path):
    scratch = left(slides, tmp_path / "o", after=300)
    notes = scratch / NOTES
    os.truncate(notes, notes.stat().st_size - 1)
    for tile in (scratch / TREE).rglob("0_0.jpeg"):
        os.truncate(tile, 100)
    assert resumed(slides, tmp_path / "o", whole).resumed > 0


def test_a_tile_that_changed_or_is_gone_is_made_again_with_its_unit(slides, whole, tmp_path):
    scratch = left(slides, tmp_path / "o")
    before = sum(1 for path in (scratch / TREE).rglob("*.jpeg"))
    (scratch / TREE / "o_files/12/0_0.jpeg").unlink()
    tile = scratch / TREE / "o_files/11/0_1.jpeg"
    tile.write_bytes(tile.read_bytes()[:-1] + b"\0")
    report = resumed(slides, tmp_path / "o", whole)
    assert 0 < report.resumed < before


def test_a_note_that_is_damaged_ends_what_is_known(slides, whole, tmp_path):
    scratch = left(slides, tmp_path / "o", after=200)
    data = bytearray((scratch / NOTES).read_bytes())
    data[2 * len(data) // 3] ^= 1
    (scratch / NOTES).write_bytes(data)
    assert resumed(slides, tmp_path / "o", whole).resumed > 0


def test_a_run_that_was_killed_in_its_commit_is_gone_on_with(slides, whole, tmp_path, monkeypatch):
    run(slides / "rows.jpg", tmp_path / "o", quality=50)

    def show(made: Path, target: Path) -> None:
        if target.suffix == ".dzi":
            raise KeyboardInterrupt
        made.rename(target)

    with monkeypatch.context() as killed:
        killed.setattr(exchange, "show", show)
        killed.setattr(directory, "put_back", lambda scratch, even_if_shown: None)
        killed.setattr(Scratch, "leave", die)
        killed.setattr(Scratch, "close", lambda scratch, committed: None)
        killed.setattr(loose, "recover", lambda target: None)
        with pytest.raises(KeyboardInterrupt):
            run(slides / "squares.svs", tmp_path / "o", overwrite=True)
    assert not (tmp_path / "o.dzi").exists()
    assert verify(tmp_path / "o.dzi") == []
    report = resumed(slides, tmp_path / "o", whole, overwrite=True)
    assert report.resumed == report.tiles


def die(scratch: Any) -> None:
    """Let go of what the system takes back from a process that is killed."""
    scratch.notes.close()
    release(scratch._lock)


def test_half_a_member_is_cut_off(slides, whole, tmp_path):
    scratch = left(slides, tmp_path / "o.szi")
    archive = scratch / TREE / "archive"
    with archive.open("ab") as file:
        file.write(archive.read_bytes()[:1000])
    resumed(slides, tmp_path / "o.szi", whole)


def test_what_an_unfinished_run_has_left_is_not_thrown_away_unasked(slides, tmp_path):
    scratch = left(slides, tmp_path / "o")
    said = r"an unfinished run has left [0-9]+ finished parts .* give --resume to go on"
    with pytest.raises(OutputError, match=said):
        run(slides / "squares.svs", tmp_path / "o")
    assert (scratch / NOTES).is_file()
    assert run(slides / "squares.svs", tmp_path / "o", resume=False).resumed == 0
    assert not scratch.exists()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"quality": 80}, r"plan\.format_options\.quality was 75, and is 80"),
        ({"tile_size": 255}, r"plan\.pyramid\.tile_size was 127, and is 255"),
        ({"backend": "vips"}, r'plan\.backend was "stream", and is "vips"'),
    ],
    ids=str,
)
def test_a_run_that_is_to_make_something_else_is_refused(how, said, slides, tmp_path):
    scratch = left(slides, tmp_path / "o")
    with pytest.raises(OutputError, match=said):
        run(slides / "squares.svs", tmp_path / "o", resume=True, **how)
    assert run(slides / "squares.svs", tmp_path / "o", resume=True).resumed > 0
    assert not scratch.exists()


def test_so_is_another_slide_of_the_same_name(slides, tmp_path):
    slide = tmp_path / "a.svs"
    slide.write_bytes((slides / "squares.svs").read_bytes())
    interrupted(slide, tmp_path / "o")
    svs(slide, photo(2500, 2100, seed=2), levels=(1,))
    with pytest.raises(OutputError, match=r"plan\.source\.fingerprint is another"):
        run(slide, tmp_path / "o", resume=True)


def test_so_is_another_version(slides, tmp_path, monkeypatch):
    left(slides, tmp_path / "o")
    monkeypatch.setattr("tileframe.pipeline.versions", lambda plan, registry: {"tileframe": "9.9"})
    with pytest.raises(OutputError, match=r'versions\.tileframe was "[^"]+", and is "9\.9"'):
        run(slides / "squares.svs", tmp_path / "o", resume=True)


def test_resume_where_nothing_is_begins(slides, tmp_path):
    assert run(slides / "rows.jpg", tmp_path / "o", resume=True).resumed == 0


def test_a_backend_that_cannot_says_so(slides, tmp_path):
    report = run(slides / "rows.jpg", tmp_path / "o", resume=True, backend="vips")
    assert "all is made anew: the backend vips goes on with no earlier run" in report.notes


@pytest.mark.parametrize("container", ["", ".szi"])
def test_a_target_that_has_appeared_leaves_what_was_kept(container, slides, tmp_path):
    target = tmp_path / f"o{container}"
    scratch = left(slides, target)
    run(slides / "rows.jpg", tmp_path / "other" / target.name)
    for path in (tmp_path / "other").iterdir():
        path.rename(tmp_path / path.name)
    with pytest.raises(OutputError, match="exists; give --overwrite"):
        run(slides / "squares.svs", target, resume=True)
    assert (scratch / NOTES).is_file()
    assert run(slides / "squares.svs", target, resume=True, overwrite=True).resumed > 0


@pytest.mark.parametrize(
    ("error", "kept"),
    [(KeyboardInterrupt, True), (InputError, True), (OutputError, True), (PluginError, False), (TypeError, False)],
)
def test_what_is_finished_is_kept_where_the_fault_may_pass(error, kept, slides, tmp_path):
    interrupted(slides / "squares.svs", tmp_path / "o", by=error)
    assert scratch_of(tmp_path / "o").exists() == kept


def test_a_run_of_less_than_five_seconds_leaves_nothing(slides, tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "WORTH", 5.0)
    interrupted(slides / "squares.svs", tmp_path / "o")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("container", "store"), [("", directory.DirectoryStore), (".szi", archive.ArchiveStore)])
def test_a_disk_that_was_full_is_gone_on_with_later(container, store, slides, whole, tmp_path, monkeypatch):
    put, room = store.put, iter(range(200))

    def until_full(self: Any, key: str, data: bytes) -> None:
        if next(room, None) is None:
            raise OutputError(f"{key}: cannot be written (No space left on device)")
        put(self, key, data)

    with monkeypatch.context() as full:
        full.setattr(store, "put", until_full)
        with pytest.raises(OutputError, match="No space left") as raised:
            run(slides / "squares.svs", tmp_path / f"o{container}")
    assert "tiles are kept in" in raised.value.__notes__[0]
    assert resumed(slides, tmp_path / f"o{container}", whole).resumed > 0


def test_no_keep_keeps_nothing(slides, tmp_path):
    interrupted(slides / "squares.svs", tmp_path / "a" / "o", keep=False)
    assert list(tmp_path.iterdir()) == []
    left(slides, tmp_path / "o")
    interrupted(slides / "squares.svs", tmp_path / "o", after=200, resume=True, keep=False)
    assert list(tmp_path.iterdir()) == []


def test_a_second_ctrl_c_keeps_nothing(slides, tmp_path):
    def progress(tiles: int, pixels: int) -> None:
        if tiles >= 100:
            try:
                raise KeyboardInterrupt
            finally:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(slides / "squares.svs", tmp_path / "o", progress=progress)
    assert list(tmp_path.iterdir()) == []


def test_the_message_says_what_is_kept_and_what_to_type(slides, tmp_path, monkeypatch, capsys):
    command = ["run", str(slides / "squares.svs"), "-o", str(tmp_path / "o"), "--tile-size", str(TILE_SIZE)]
    with monkeypatch.context() as failing:
        failing.setattr(ProgressBar, "__call__", _raises_after(100))
        assert run_command(command) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("tileframe: no more; ")
    where = scratch_of(tmp_path / "o")
    assert line.endswith(f"of 476 tiles are kept in {where}; give --resume to go on, or --no-resume to begin anew")
    assert run_command([*command, "--resume"]) == 0
    assert "tiles of an unfinished run" in capsys.readouterr().out


def _raises_after(tiles: int) -> Any:
    def called(self: object, done: int, pixels: int) -> None:
        if done >= tiles:
            raise OutputError("no more")

    return called
