"""The charts of a benchmark, as text: what they say, and that they stand what records may hold."""

from __future__ import annotations

import dataclasses
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests import benched
from tileframe_bench import charts
from tileframe_bench.lines import apart
from tileframe_bench.records import Bench, Spread, Trial
from tileframe_bench.scales import Scale
from tileframe_bench.sheet import INK, LINE, PALE, PALETTE, QUIET, SURFACE, fitted
from tileframe_bench.timeline import LOOKS, thinned
from tileframe_bench.wording import figure, spread_text, weight

CSS = Path(__file__).parents[1] / "plugins" / "tileframe_bench" / "page" / "page.css"


def every_chart(trial: Trial) -> dict[str, str]:
    entry = trial.entries[0]
    points = {one.name: [(1, one.spread(lambda run: run.seconds))] for one in trial.entries if one.runs}
    return {
        "time": charts.time_bars([trial]),
        "memory": charts.memory_bars([trial]),
        "timeline": charts.timeline(entry, entry.runs[0], 2),
        "lines": charts.lines(points, x="workers", y="seconds"),
    }


def drawn(svg: str) -> ElementTree.Element:
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def written(svg: str) -> list[str]:
    return [element.text or "" for element in drawn(svg).iter("text")]


@pytest.fixture(scope="module")
def small() -> Bench:
    return benched.bench([benched.trial()])


@pytest.mark.parametrize("looks", [0, 1, 2])
def test_a_run_that_was_hardly_looked_at_has_its_chart(looks):
    svg = charts.timeline(benched.entry("stream", 1), benched.run(0.02, looks=looks), 2)
    assert ("over before it was looked at" in written(svg)) == (looks == 0)
    assert ("over before it was looked at" in svg) == (looks == 0)


def test_what_the_system_does_not_say_is_said_not_to_be_known():
    entry, run = benched.entry("stream", 3), benched.run(3)
    half = dataclasses.replace(
        run, read=None, samples=tuple(dataclasses.replace(one, read=None) for one in run.samples)
    )
    said = " ".join(written(charts.timeline(entry, half, 2)))
    assert "written 402 (line); what it read, the system does not say" in said
    silent = dataclasses.replace(
        half, written=None, samples=tuple(dataclasses.replace(one, written=None) for one in half.samples)
    )
    assert "the system does not say" in written(charts.timeline(entry, silent, 2))


def test_what_is_not_ranked_and_who_did_not_run_are_said_to_be_so(small):
    for draw in (charts.time_bars, charts.memory_bars):
        words = written(draw(small.trials))
        assert sum(word.endswith(", not ranked") for word in words) == 1
        assert words.count("did not run") == 1


def test_many_looks_are_merged_and_keep_their_extremes():
    looks = benched.run(60, looks=5000).samples
    merged = thinned(looks)
    assert len(merged) <= LOOKS
    assert max(one.resident for one in merged) == max(one.resident for one in looks)
    assert (merged[-1].seconds, merged[-1].written) == (looks[-1].seconds, looks[-1].written)
    assert sum(one.busy for one in merged) / len(merged) == pytest.approx(
        sum(one.busy for one in looks) / len(looks), rel=0.02
    )
    assert [one.seconds for one in thinned(looks[:5])] == [one.seconds for one in looks[:5]]
    assert [one.busy for one in thinned(looks[:5])] == pytest.approx([one.busy for one in looks[:5]])


def test_a_long_run_on_many_cores_stays_a_small_chart():
    looks = [benched.sample(0.1 * k, busy=40, cores=[0.5 + k % 2 / 4] * 64) for k in range(1, 3000)]
    run = dataclasses.replace(benched.run(300), samples=tuple(looks))
    assert len(charts.timeline(benched.entry("stream", 300), run, 64)) < 120_000


@pytest.mark.parametrize("name", ["time", "memory", "timeline", "lines"])
def test_a_chart_stands_alone_and_says_what_it_shows(small, name):
    svg = every_chart(small.trials[0])[name]
    root = drawn(svg)
    assert svg.startswith("<svg xmlns=")
    assert root.get("role") == "img"
    assert root.get("aria-label") == root.findtext("title") != ""
    assert "stream" in (root.findtext("title") or "") + (root.findtext("desc") or "")
    assert not {"script", "style", "image", "foreignObject"} & {element.tag for element in root.iter()}
    assert set(re.findall(r"https?://[^\"]*", svg)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\d{4}-\d\d-\d\dT", svg), "a date would make each one unlike the others"


@pytest.mark.parametrize("name", ["time", "memory", "timeline", "lines"])
def test_a_chart_has_only_colours_that_a_dark_page_knows(small, name):
    svg = every_chart(small.trials[0])[name]
    used = set(re.findall(r"#[0-9a-f]{6}\b", svg))
    assert used <= {INK, QUIET, LINE, PALE, SURFACE, *PALETTE}
    assert not re.search(r"stroke: (black|#000)|fill: (black|white)", svg)


def test_an_entrant_has_one_colour_in_all_charts():
    trials = [benched.trial(), benched.trial(tile_size=512)]
    turned = dataclasses.replace(trials[1], entries=trials[1].entries[::-1])
    own = charts.colours(entry.name for entry in trials[0].entries)
    bars = [element.get("style") or "" for element in drawn(charts.time_bars([turned], colours=own)).iter("path")]
    filled = [colour for colour in PALETTE if any(f"fill: {colour}" in style for style in bars)]
    assert filled == [own[entry.name] for entry in trials[0].entries if entry.runs]
    line = charts.timeline(turned.entries[-1], turned.entries[-1].runs[0], 2, colours=own)
    assert own["stream"] in line


def test_any_number_of_entrants_is_drawn():
    names = [f"backend-{number}" for number in range(40)]
    entries = tuple(benched.entry(name, 2 + number, rounds=2) for number, name in enumerate(names))
    trial = dataclasses.replace(benched.trial(), baseline=names[0], entries=entries)
    assert set(names) <= set(written(charts.time_bars([trial])))
    series = {entry.name: [(1, entry.spread(lambda run: run.seconds))] for entry in entries}
    assert set(names) <= set(written(charts.lines(series, x="workers", y="seconds")))


def test_a_logarithmic_scale_is_taken_only_where_it_must_be_and_is_said():
    fast, slow = benched.entry("fast", 1, rounds=2), benched.entry("slow", 7, rounds=2)
    trial = dataclasses.replace(benched.trial(), entries=(fast, slow))
    assert "seconds" in written(charts.time_bars([trial]))
    far = dataclasses.replace(trial, entries=(fast, benched.entry("slow", 70, rounds=2)))
    assert "seconds (logarithmic scale)" in written(charts.time_bars([far]))


def test_several_numbers_of_workers_are_told_apart():
    trials = [benched.trial(workers=workers) for workers in (1, 2)]
    assert "Tiles of 256 px, 2 workers" in written(charts.time_bars(trials))
    assert "Tiles of 256 px" in written(charts.time_bars(trials[:1]))


def test_lines_stand_what_cannot_be_drawn():
    one = Spread(1, 1, 1)
    for log in (False, True):
        assert "nobody" in " ".join(written(charts.lines({"nobody": []}, x="workers", y="seconds", log=log)))
        assert "one" in written(charts.lines({"one": [(0.5, one)]}, x="workers", y="seconds", log=log))
        charts.lines({}, x="workers", y="seconds", log=log)
        charts.lines({"zero": [(0, Spread(0, 0, 0)), (1, one)]}, x="workers", y="seconds", log=log)


def test_names_beside_lines_are_kept_apart():
    heights = apart({"a": 50, "b": 51, "c": 52, "d": 199, "e": 200}, 16, 0, 200)
    ordered = sorted(heights.values())
    assert all(two - one >= 16 for one, two in pairwise(ordered))
    assert ordered[0] >= 8
    assert ordered[-1] <= 192


@pytest.mark.parametrize(
    ("start", "end", "is_log"), [(0, 1, False), (0, 7321, False), (2, 80, True), (0.01, 9e5, True)]
)
def test_a_scale_has_ticks_that_lie_on_it(start, end, is_log):
    scale = Scale(start, end, is_log)
    ticks = scale.ticks(300)
    assert 2 <= len(ticks) <= 6
    assert all(-0.001 <= scale.place(tick) <= 1.001 for tick in ticks)


def test_long_names_are_shortened_in_their_middle():
    name = fitted("a very long name of a slide that nobody would have thought of.svs", 150)
    assert len(name) < 40
    assert name.startswith("a very")
    assert name.endswith(".svs")
    assert fitted("short", 150) == "short"


def test_figures_have_three_digits():
    assert [figure(value) for value in (0, 0.0123, 1.234, 12.34, 1234)] == ["0", "0.012", "1.23", "12.3", "1,234"]
    assert spread_text(Spread(1.222, 1.16, 1.42)) == "1.22 (1.16 to 1.42)"
    assert spread_text(Spread(85.12, 85.12, 85.12)) == "85.1"
    assert [weight(size) for size in (4200, 491_900_000, 12_300_000_000)] == ["4.20 kB", "492 MB", "12.3 GB"]


def contrast(one: str, other: str) -> float:
    lights = []
    for colour in (one, other):
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        lights.append(0.05 + 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return max(lights) / min(lights)


def test_colours_can_be_seen_on_light_and_dark_pages():
    css = CSS.read_text(encoding="utf-8")
    dark = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", css[css.index("prefers-color-scheme") :]))
    assert min(contrast(colour, SURFACE) for colour in PALETTE) >= 2.99
    assert min(contrast(colour, dark["surface"]) for colour in PALETTE) >= 2.99, "of files, which stay as they are"
    series = [dark[f"series-{number}"] for number in range(1, len(PALETTE) + 1)]
    assert min(contrast(colour, dark["surface"]) for colour in series) >= 3.5
    for name in ("text", "quiet", "alarm-text", "accent"):
        assert contrast(dark[name], dark["surface"]) >= 4.5
