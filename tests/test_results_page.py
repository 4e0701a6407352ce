"""The page of results: what its tables hold, and that what is committed is what its records give."""

from __future__ import annotations

import re
from dataclasses import astuple, replace
from functools import partial
from pathlib import Path

import pytest

from benchmarks.results import SECTIONS, WORK, Kept, Work, keep, load, sections
from benchmarks.results_page import page, write
from benchmarks.stages import Stages
from tests import benched
from tests.benched import bench, entry, failed, unranked
from tileframe import Size
from tileframe_bench.records import Spread, Trial

NONE = "\N{EN DASH}"
BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
trial = partial(benched.trial, name="babel")
A_FOLDER = re.compile(r"(?<![\w.])/(?:tmp|home|root|Users|var)/")


def usual(**other: tuple[float, ...]) -> Trial:
    """Where stream is the fastest, then bare dzsave, then vips."""
    took = {"stream": (4, 5), "bare dzsave": (6, 7), "vips": (8, 9), **other}
    return trial(*(entry(name, *seconds) for name, seconds in took.items()))


def work() -> Work:
    made = bench([])
    stages = [Stages(True, 2, {"decode": took, "halve": 0.5, "encode": 2, "write": 0.5}) for took in (3, 4, 9)]
    return Work(made.date, "python benchmarks/results.py", made.machine, made.versions, 256, {"babel": tuple(stages)})


def kept(work: Work | None = None, **trials: list[Trial]) -> Kept:
    return Kept({file: bench(some) for file, some in trials.items()}, work)


UNRANKED = trial(entry("stream", 4), unranked(entry("acme", 1), "bad 5", "bad | 5"))
UNRANKED_TWICE = kept(table=[UNRANKED, replace(UNRANKED, tile_size=512)])
FAILED = replace(trial(entry("vips", 6, 7), entry("stream", 3, 3), failed("bare dzsave", "no file")), baseline="vips")
GROWING = [replace(trial(entry("stream", rows / 1000)), size=Size(25000, rows)) for rows in (1000, 4000, 16000)]
LEVEL = [replace(one, entries=(entry("stream", 2),)) for one in GROWING]
WORKERS = kept(workers=[trial(entry("stream", 8 / workers), workers=workers) for workers in (1, 2, 4)])
AGAIN = "| babel at 256 | stream | 1.45 (1.40 to 1.50) |"
OTHER = {"table": bench([usual()]), "again": replace(bench([usual()]), versions={"tileframe": "0.2.0"})}
STAGES = "4.00 s<br>57% | 0.500 s<br>7% | 2.00 s<br>29% | 0.500 s<br>7%<br>37 µs a file"


@pytest.mark.parametrize(
    ("found", "lines"),
    [
        (
            kept(table=[usual()]),
            (
                f"| stream | 4.50 (4.00 to 5.00) | 241 MB | {NONE} | 1.45 (1.40 to 1.50) | 244 s |",
                "| 13,583 | 244 s | 9.42 GB | babel: 30000x21952, 215 MB, 16 levels, 13,583 tiles |",
                "| **4.50 (4.00 to 5.00) s**<br>1.45 (1.40 to 1.50) ×<br>241 MB |",
                "| vips | bare dzsave | 1.31 (1.29 to 1.33) |",
            ),
        ),
        (kept(table=[usual(vips=(5, 8))]), "| vips | bare dzsave | not slower |"),
        (kept(table=[usual(vips=(3, 6))]), "| babel at 256 | stream, vips | 4.50 (4.00 to 5.00) |"),
        (kept(table=[replace(usual(), size=Size(600, 439))]), f"| babel at 256 | {NONE} | **4.50"),
        (
            kept(table=[UNRANKED]),
            (
                "| babel at 256 | stream | 4.00 |",
                "| 1.00 s (one run)<br>200 MB<br>not ranked: other layout |",
                "| acme | not ranked | babel at 256 | bad \\| 5 |",
            ),
        ),
        (UNRANKED_TWICE, "| not ranked | babel at 256, babel at 512 | bad 5 |"),
        (kept(table=[trial(UNRANKED.entries[1])]), f"| nobody could be ranked | {NONE} |"),
        (
            kept(table=[FAILED]),
            ("| babel at 256<br>×: of vips |", "| bare dzsave | did not run | babel at 256 | no file |"),
        ),
        (kept(table=[usual()], again=[usual()]), f"{AGAIN} 1.45 (1.40 to 1.50) | yes |"),
        (kept(table=[usual()], again=[usual(stream=(3, 3.5))]), f"{AGAIN} 2.00 | **no**: +33.3% |"),
        (kept(work(), table=[usual()]), f"| babel<br>3 rounds | {STAGES} | 4.00 s<br>decoding | 4.50 s | 1.12 |"),
        (kept(megapixels=GROWING), "| **16.0 s** (one run)<br>240 MB | 25, 0.00 | 1.0000 |"),
        (kept(megapixels=GROWING[:2]), f"| **4.00 s** (one run)<br>240 MB | {NONE} | {NONE} |"),
        (kept(megapixels=LEVEL), f"| **2.00 s** (one run)<br>240 MB | {NONE} | {NONE} |"),
        (
            WORKERS,
            (
                "| 1 worker | 2 workers | 4 workers | times as fast with 2 | times as fast with 4 |",
                "| **2.00 s** (one run)<br>240 MB | 2.00 | 4.00 |",
            ),
        ),
        (Kept(OTHER), "`again` was measured on another machine"),
        (Kept(), "# Results"),
    ],
)
def test_the_page_has_the_lines(found, lines):
    shown = page(found)[0]
    for line in [lines] if isinstance(lines, str) else lines:
        assert line in shown


def joined(*sittings: Trial) -> Trial:
    """The row of the table that was measured in these sittings."""
    return Kept({f"table-{number}": bench([one]) for number, one in enumerate(sittings)}).trials("table")[0]


@pytest.mark.parametrize(
    ("sittings", "name", "than", "ratio"),
    [
        ([usual(), usual(stream=(3, 3.5)), usual(stream=(6, 7))], "stream", None, Spread(1.45, 1, 2)),
        ([usual(openslide=(18,)), usual(openslide=(24,))], "openslide", None, Spread(45 / 144, 6 / 24, 7 / 18)),
        ([usual(loop=(60,)), usual(stream=(3, 3.5))], "stream", "loop", Spread((15 + 60 / 3.5) / 2, 12, 20)),
        ([usual(), trial(*usual().entries[:2])], "vips", None, Spread(6.5 / 8, 6 / 8, 7 / 8)),
    ],
    ids=["all runs count", "one run in each", "one run in the first alone", "left out of one"],
)
def test_several_sittings_are_one_table_with_the_spread_of_all(sittings, name, than, ratio):
    row = joined(*sittings)
    (found,) = (row.times_as_fast(one, than) for one in row.entries if one.name == name)
    assert found is not None
    assert astuple(found) == pytest.approx(astuple(ratio))


@pytest.mark.parametrize("other", [failed("stream", "no memory"), unranked(entry("stream", 4), "bad")])
def test_what_is_wrong_in_one_sitting_is_wrong_in_all(other):
    row = joined(usual(), trial(other, *usual().entries[1:]))
    assert [one.name for one in row.entries if not one.is_ranked] == ["stream"]


def test_what_is_kept_comes_back_without_the_samples_that_are_not_drawn(tmp_path):
    full = kept(work(), table=[usual()], again=[usual()])
    for file in full.benches:
        keep(tmp_path, file, full.benches[file])
    keep(tmp_path, WORK, work())
    found = load(tmp_path)
    assert page(found)[0] == page(full)[0]
    runs = {file: [run for one in found.trials(file)[0].entries for run in one.runs] for file in found.benches}
    assert all(run.samples for run in runs["table"])
    assert not any(run.samples for run in runs["again"])


def test_every_plot_of_the_page_is_drawn_and_no_other(tmp_path):
    (tmp_path / "of-old.svg").write_text("<svg/>")
    full = kept(table=[usual()], tile_sizes=[usual(), replace(usual(), tile_size=512)])
    write(full, tmp_path, tmp_path / "RESULTS.md")
    links = re.findall(r"\]\(results/(.*?)\)", page(full)[0])
    assert sorted(links) == sorted(path.name for path in tmp_path.glob("*.svg"))
    assert {"timeline-babel-bare-dzsave.svg", "time-babel.svg", "tile-sizes-babel.svg"} < {*links}


def test_sections_are_those_that_are_measured(registry):
    assert {file.partition("-")[0] for file in sections(registry.backends)} == {*SECTIONS}


def test_what_is_committed_names_no_folder_of_a_machine():
    for path in [*BENCHMARKS.glob("results/*.json"), BENCHMARKS / "RESULTS.md"]:
        assert not A_FOLDER.search(path.read_text(encoding="utf-8")), path


def test_the_committed_page_is_what_its_records_give():
    assert (BENCHMARKS / "RESULTS.md").read_text(encoding="utf-8") == page(load(BENCHMARKS / "results"))[0]
