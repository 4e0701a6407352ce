"""The page of results: what it says of records, and that what is kept and committed is what it shows."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.limits import Stages
from benchmarks.markdown import NONE, text
from benchmarks.page_of_results import missing, page, write
from benchmarks.results_kept import (
    FILES,
    SECTIONS,
    SITTINGS,
    TIMELINE_OF,
    WORK,
    Kept,
    Work,
    keep,
    keep_work,
    load,
    median_run,
    slim,
)
from benchmarks.results_scaling import SCALINGS, fitted
from tests import benched
from tileframe import Size
from tileframe_bench.records import Bench, Entry, Spread, Trial
from tileframe_bench.wording import figure, spread_text

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
NAMES = ("stream", "vips", "openslide", "bare dzsave", "generator loop")
A_FOLDER = re.compile(r"(?<![\w.])/(?:tmp|home|root|Users|var)/")


def entry(name: str, *seconds: float, is_ranked: bool = True) -> Entry:
    """One whose runs took just so long."""
    made = benched.entry(name, 1, rounds=1)
    made = replace(made, runs=tuple(benched.run(took, looks=3) for took in seconds))
    return made if is_ranked else benched.unranked(made, benched.SMALL_TILES)


def trial(*entries: Entry, name: str = "babel", tile_size: int = 256, workers: int = 2) -> Trial:
    """These, on the first row of the reference table unless said otherwise."""
    made = benched.trial(name, tile_size, size=Size(30000, 21952), workers=workers)
    return replace(made, entries=entries, tiles=13_583)


def bench(*trials: Trial) -> Bench:
    return benched.bench(trials)


def kept(**benches: Bench) -> Kept:
    return Kept(benches)


def usual(**more: tuple[float, ...]) -> Trial:
    """Where stream is the fastest, then bare dzsave, then vips."""
    took = {"stream": (4, 5), "bare dzsave": (6, 7), "vips": (8, 9), **more}
    return trial(*(entry(name, *seconds) for name, seconds in took.items()))


def section(markdown: str, heading: str) -> str:
    """What is below ``heading``."""
    return re.split(r"^#+ ", markdown.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def test_who_is_not_ranked_is_never_called_the_fastest():
    said = page(
        kept(table=bench(trial(entry("stream", 4), entry("bare dzsave", 6), entry("acme", 1, is_ranked=False))))
    )
    assert "The fastest of 1 row of the reference table: stream in 1." in said
    assert "| babel at 256 | stream | 4.00 |" in said
    assert "**1.00 s**" not in said
    assert "not ranked: other layout" in said
    assert f"**acme** not ranked on babel at 256: {benched.SMALL_TILES}." in said


def test_where_nobody_is_ranked_nobody_is_the_fastest():
    said = page(kept(table=bench(trial(entry("stream", 4, is_ranked=False)))))
    assert "On babel at 256, nobody could be ranked." in said


def test_where_no_backend_is_the_fastest_the_summary_says_so():
    said = page(kept(table=bench(trial(entry("vips", 9), entry("stream", 8), entry("bare dzsave", 4)))))
    assert "reference table: bare dzsave in 1." in said
    assert "bare dzsave took 4.00 s and 200 MB" in said
    assert "; stream, the fastest backend, took 2.00 times as long." in said
    assert "Slower than bare dzsave by more than the spread: vips in 1 and stream in 1 of 1 row." in said


def test_who_shares_the_first_place_is_said_to():
    said = page(kept(table=bench(trial(entry("stream", 4, 6), entry("vips", 5, 5.5), entry("bare dzsave", 9, 9)))))
    assert "On babel at 256, stream, sharing the place with vips, took 5.00 s and 200 MB," in said
    assert "stream in 1 and vips in 1; a shared place counts for each." in said
    assert "**5.00 s** (4.00 to 6.00)" in said
    assert "**5.25 s** (5.00 to 5.50)" in said


def test_an_input_of_another_size_stands_beside_nothing_that_was_published():
    small = replace(usual(), size=Size(6000, 4390))
    said = page(kept(table=bench(small)))
    assert f"| babel at 256 | {NONE} | **4.50 s**" in said
    assert "babel: 6000x4390" not in said


def test_what_was_published_stands_beside_what_was_measured():
    said = section(page(kept(table=bench(usual()))), "The reference table, side by side")
    assert "| 13,583 | 244 s | 9.42 GB | babel: 30000x21952," in said
    assert "| babel at 256 | 244 s<br>9.42 GB | **4.50 s** (4.00 to 5.00)<br>1.45 × (1.40 to 1.50)<br>200 MB |" in said
    assert said.count("900 | 191 s |") == 1
    assert "13,583 tiles |\n" in said


def test_who_did_not_run_is_named_with_the_reason_and_ratios_are_of_another():
    made = replace(
        trial(entry("vips", 6, 7), entry("stream", 3, 3), benched.absent("bare dzsave", "no | such file")),
        baseline="vips",
    )
    said = page(kept(table=bench(made)))
    assert "| babel at 256<br>×: of vips |" in said
    assert "**bare dzsave** did not run on babel at 256: no \\| such file." in said
    assert "(bare dzsave and the generator loop did not run)" in said
    assert "slower than bare dzsave" not in said


def test_the_same_remark_with_other_figures_is_made_once():
    marks = ("5 of 592 tiles are small, for one out/2/0_0.jpeg", "11 of 190 tiles are small, for one out/4/0_0.jpeg")
    trials = [
        trial(entry("stream", 4), benched.unranked(entry("generator loop", 60), mark), tile_size=size)
        for mark, size in zip(marks, (256, 512), strict=True)
    ]
    said = page(kept(table=bench(*trials)))
    assert f"not ranked on babel at 256 and babel at 512: {marks[0]} (babel at 256)." in said
    assert marks[1] not in said


def test_the_same_remark_on_two_entrants_is_made_once():
    both = [benched.unranked(entry(name, 60), benched.SMALL_TILES) for name in ("generator loop", "generator pool")]
    said = page(kept(table=bench(trial(entry("stream", 4), *both))))
    assert "* **generator loop** and **generator pool** not ranked on babel at 256: 50 tiles" in said


def test_a_slower_backend_is_named():
    said = section(page(kept(table=bench(usual()))), "Where a backend is slower")
    assert "On babel at 256, vips took 1.31 (1.29 to 1.33) times as long as bare dzsave." in said
    assert "stream is nowhere slower than bare dzsave or vips by more than the spread." in said
    assert "took 0." not in said


def test_a_backend_is_not_slower_within_the_spread():
    said = page(kept(table=bench(usual(vips=(5, 8)))))
    assert "as long as bare dzsave" not in section(said, "Where a backend is slower")
    assert "No backend is slower than bare dzsave in any row by more than the spread." in said


def test_a_backend_that_is_slower_in_one_other_section_alone_is_named_there():
    slow = trial(entry("stream", 9), entry("bare dzsave", 6), workers=4)
    said = section(page(kept(table=bench(usual()), workers=bench(slow))), "Where a backend is slower")
    assert (
        "stream is slower than bare dzsave in 1 of 1 trial. On babel of 659 MP at 256 with 4 workers, "
        "stream took 1.50 times as long as bare dzsave (one run each)." in said
    )
    assert "stream is nowhere slower than vips by" in said


def test_a_second_run_within_the_spread_is_said_to_agree():
    said = section(page(kept(table=bench(usual()), again=bench(usual()))), "A second run")
    assert "Of 2 ratios of the second run, 2 lie within the spread of the first. None lies outside." in said


def test_a_second_run_outside_the_spread_is_said_to_be_outside():
    said = section(page(kept(table=bench(usual()), again=bench(usual(stream=(3, 3.5))))), "A second run")
    assert "1 lies outside: stream on babel at 256." in said
    assert "| 1.45 (1.40 to 1.50) | 2.00 | **no**: 33.3% above |" in said


def sittings(*found: Trial) -> Trial:
    """The one row of the table that was measured in these sittings."""
    names = SITTINGS["table"]
    return kept(**{name: bench(one) for name, one in zip(names, found, strict=False)}).trials("table")[0]


def test_several_sittings_are_one_table_with_the_spread_of_all():
    row = sittings(usual(), usual(stream=(3, 3.5)), usual(stream=(6, 7)))
    stream = row.entry("stream")
    assert stream is not None
    assert [run.seconds for run in stream.runs] == [4, 5, 3, 3.5, 6, 7]
    assert row.times_as_fast(stream) == Spread(1.45, 1, 2)


def test_who_is_far_slower_runs_once_in_a_sitting_and_is_paired_with_all_of_it():
    row = sittings(usual(openslide=(18,)), usual(openslide=(24,)))
    slow = row.entry("openslide")
    assert slow is not None
    assert row.times_as_fast(slow) == Spread((7 / 24 + 6 / 18) / 2, 6 / 24, 7 / 18)


def test_who_ran_once_in_the_first_sitting_alone_is_paired_with_all_sittings():
    row = sittings(usual(**{"generator loop": (60,)}), usual(stream=(3, 3.5)))
    stream = row.entry("stream")
    assert stream is not None
    assert row.times_as_fast(stream, "generator loop") == Spread((60 / 4 + 60 / 3.5) / 2, 12, 20)


def test_of_who_was_left_out_of_a_sitting_one_run_counts():
    fewer = trial(*(one for one in usual().entries if one.name != "vips"))
    row = sittings(usual(), fewer)
    vips = row.entry("vips")
    assert vips is not None
    assert row.times_as_fast(vips) == Spread(6.5 / 8, 6 / 8, 7 / 8)


def test_one_sitting_is_as_it_was_measured():
    assert sittings(usual(openslide=(18,))) == usual(openslide=(18,))


def test_what_is_wrong_in_one_sitting_is_wrong_in_all():
    bad = trial(entry("stream", 4, 5, is_ranked=False), entry("bare dzsave", 6, 7), entry("vips", 8, 9))
    row = sittings(usual(), bad)
    assert [one.name for one in row.entries if not one.is_ranked] == ["stream"]
    gone = trial(benched.absent("stream", "no memory"), entry("bare dzsave", 6, 7), entry("vips", 8, 9))
    row = sittings(usual(), gone)
    assert [one.trouble for one in row.entries] == ["no memory", "", ""]


def test_a_second_run_of_two_sittings_is_beside_the_spread_of_three():
    first = {name: bench(usual(stream=(4 + number, 5))) for number, name in enumerate(SITTINGS["table"])}
    second = {name: bench(usual(stream=(5 + number, 5))) for number, name in enumerate(SITTINGS["again"])}
    said = page(kept(**first, **second))
    assert "| 1.40 (1.00 to 1.50) | 1.30 (1.00 to 1.40) | yes |" in section(said, "A second run")
    for name in (*first, *second):
        assert f"| {name} | 2026-" in said


@pytest.mark.parametrize("name", [*SECTIONS, WORK])
def test_a_section_that_was_not_measured_is_said_to_be_missing(name):
    assert missing(name) in page(Kept())
    there = Kept({one: bench(usual()) for one in SECTIONS if one != name}, None if name == WORK else work())
    assert [one for one in (*SECTIONS, WORK) if missing(one) in page(there)] == [name]


def test_the_line_through_what_grows_is_given_with_its_fit():
    points = [(megapixels, 0.5 + megapixels / 100) for megapixels in (25, 100, 400, 1600)]
    line = fitted(points)
    assert line is not None
    assert (line.pace, line.start, line.squared) == pytest.approx((100, 0.5, 1))
    assert fitted(points[:2]) is None
    assert fitted([(1, 2), (2, 2), (3, 2)]) is None
    assert fitted([(1, 3), (2, 2), (3, 1)]) is None


def growing(kind: str) -> list[Trial]:
    return [
        replace(
            trial(replace(entry("stream", height / 1000), command=f"run growth-25000x{height}-0a1b.{kind} -o OUT")),
            input="growth",
            size=Size(25000, height),
        )
        for height in (1000, 4000, 16000)
    ]


def test_pictures_that_grow_are_told_apart_by_kind():
    said = section(page(kept(megapixels=bench(*growing("jpg"), *growing("svs")))), "Megapixels")
    assert "| growth jpg | stream | 1.00 | 4.00 | 16.0 | 25, 0.00 | 1.0000 |" in said
    assert "| growth svs | stream | 1.00 | 4.00 | 16.0 | 25, 0.00 | 1.0000 |" in said
    assert "![growth svs: seconds by megapixels](results/megapixels-growth-svs.svg)" in said


def test_more_workers_are_compared_with_the_fewest():
    trials = [trial(entry("stream", 8 / workers), entry("vips", 8), workers=workers) for workers in (1, 2, 4)]
    said = section(page(kept(workers=bench(*trials))), "Workers")
    assert "| picture | entrant | 1 worker | 2 workers | 4 workers |" in said
    assert "| babel | stream | 8.00 | 4.00 | 2.00 | 2.00 | 4.00 |" in said


def work() -> Work:
    stages = [Stages(True, 2, {"decode": took, "halve": 0.5, "encode": 2, "write": 0.5}) for took in (3, 4, 9)]
    made = bench()
    return Work(made.date, "python benchmarks/results.py", made.machine, made.versions, 256, {"babel": tuple(stages)})


def test_the_work_alone_stands_beside_what_stream_took():
    said = section(page(Kept({"table": bench(usual())}, work())), "Where the time goes")
    assert "| babel | 4.00 s<br>57% | 0.500 s<br>7% | 2.00 s<br>29% | 0.500 s<br>7% |" in said
    assert "| 4.00 s<br>decoding | 4.50 s | 1.12 |" in said


def test_other_versions_are_said():
    other = replace(bench(usual()), versions={"tileframe": "0.2.0"})
    assert "other versions: `again`" in page(kept(table=bench(usual()), again=other))
    assert "other versions" not in page(kept(table=bench(usual()), again=bench(usual())))


def test_what_is_kept_comes_back_without_what_is_not_drawn(tmp_path):
    full = bench(usual(), replace(usual(), tile_size=512))
    keep(tmp_path, "table", full)
    keep(tmp_path, "again", full)
    keep_work(tmp_path, work())
    found = load(tmp_path)
    assert found.work == work()
    assert found.benches["again"] == slim(full)
    assert not any(run.samples for trial in slim(full).trials for entry in trial.entries for run in entry.runs)
    for before, after in zip(full.trials[0].entries, found.trials("table")[0].entries, strict=True):
        assert median_run(before) == median_run(after)
        assert [bool(run.samples) for run in after.runs] == [run is median_run(after) for run in after.runs]
    assert not any(run.samples for entry in found.trials("table")[1].entries for run in entry.runs)
    assert page(found) == page(Kept({"table": full, "again": full}, work()))


def test_the_same_records_give_the_same_bytes_and_every_plot_is_there(tmp_path):
    written = []
    for turn in ("first", "second"):
        folder = tmp_path / turn / "results"
        folder.mkdir(parents=True)
        (folder / "of-old.svg").write_text("<svg/>")
        keep(folder, "table", bench(usual()))
        keep(folder, "tile_sizes", bench(*(replace(usual(), tile_size=size) for size in (256, 512))))
        write(folder, folder.parent / "RESULTS.md")
        written.append({path.name: path.read_bytes() for path in folder.parent.rglob("*.*")})
    assert written[0] == written[1]
    shown = re.findall(r"\]\(results/(.*?)\)", written[0]["RESULTS.md"].decode())
    assert sorted(shown) == sorted(name for name in written[0] if name.endswith(".svg"))
    assert "timeline-babel-bare-dzsave.svg" in shown


def test_every_table_is_narrow_enough_to_be_read():
    of_all = [entry(name, 4, 5) for name in NAMES] + [benched.absent("generator pool", "no memory")]
    sections = {name: bench(trial(*of_all), trial(*of_all, tile_size=512)) for name in SECTIONS}
    for line in page(Kept(sections, work())).splitlines():
        assert not line.startswith("|") or line.count("|") <= 9, line


def test_figures_are_written_in_one_way():
    assert [figure(value) for value in (0.081, 9.994, 85.12, 1220.4)] == ["0.081", "9.99", "85.1", "1,220"]
    assert spread_text(Spread(12.34, 9.9, 14)) == "12.3 (9.9 to 14.0)"
    assert spread_text(Spread(2, 2, 2)) == "2.00"
    assert text("a | b <c> *d*\n") == "a \\| b &lt;c> \\*d\\* "


def test_sections_are_those_that_are_measured():
    from benchmarks.results import sections

    assert sorted(sections()) == sorted(FILES)
    assert {scaling.section for scaling in SCALINGS} < set(SECTIONS)
    assert TIMELINE_OF == ("babel", 256)


def test_what_is_committed_names_no_folder_of_a_machine():
    for path in [*BENCHMARKS.glob("results/*.json"), *BENCHMARKS.glob("RESULTS.md")]:
        assert not A_FOLDER.search(path.read_text(encoding="utf-8")), path


@pytest.mark.skipif(not (BENCHMARKS / "RESULTS.md").exists(), reason="nothing has been measured yet")
def test_the_committed_page_is_what_its_records_give():
    assert (BENCHMARKS / "RESULTS.md").read_text(encoding="utf-8") == page(load(BENCHMARKS / "results"))
