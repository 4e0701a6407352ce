"""The charts and the page of a benchmark: what they show, and that they stand what records may hold."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from html import escape, unescape
from itertools import combinations
from typing import Any
from xml.etree import ElementTree

import matplotlib
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from tests import benched
from tests.benched import usual_trial
from tileframe_bench import charts
from tileframe_bench.page import page
from tileframe_bench.records import Bench, Trial

ODD = "<b>&amp; \"q\" 'a' $x_1$ --> </svg>]]> ünï 文字 \udcff\x00\x1b\n.svs"


def words(chart: Figure) -> list[str]:
    return [text.get_text() for text in chart.findobj(Text) if text.get_text()]


def charts_of(trial: Trial) -> list[Figure]:
    entry, own = trial.places[0][1], colours_of(trial)
    series = {one.name: {1.0: one.seconds, 2.0: one.seconds} for one in trial.entries if one.runs}
    log, linear = (
        charts.lines(series, own, x="workers", y="seconds", title="some lines", log=log) for log in (True, False)
    )
    timeline = charts.timeline(entry.runs[0], 2, f"{entry.name} over time", own[entry.name])
    return [charts.bars([trial], "time", own), charts.bars([trial], "memory", own), log, linear, timeline]


def colours_of(trial: Trial) -> dict[str, str]:
    return charts.colours(entry.name for entry in trial.entries)


def odd_trial() -> Trial:
    """One with names that are long, strange, or would be HTML."""
    trial = usual_trial(ODD)
    fields: dict[str, Any] = {"method": ODD, "command": ODD}
    entries = [
        replace(one, name=f"{ODD} {one.name}", failure="" if one.runs else ODD, runs=one.runs[:1], **fields)
        for one in trial.entries
    ]
    return replace(trial, baseline=entries[3].name, entries=(benched.unranked(entries[0], ODD), *entries[1:]))


def cells(html: str, name: str) -> list[str]:
    """The texts of the row of an entrant in the first table that has its place."""
    rows = [re.split(r"</t[dh]>", row) for row in re.findall(r"<tr.*?(?=</tr>)", html, re.DOTALL)]
    texts = [[" ".join(unescape(re.sub(r"<[^>]*>", " ", cell)).split()) for cell in row[:-1]] for row in rows]
    return next(row for row in texts if len(row) > 2 and row[1].startswith(name))


@cache
def usual_page() -> str:
    """Of one trial; it takes two seconds, and the browser's tests look at it as well."""
    return page(benched.bench([usual_trial()]))


@pytest.fixture(scope="module")
def small() -> Bench:
    return benched.bench([usual_trial()])


@pytest.fixture
def html() -> str:
    return usual_page()


@pytest.mark.parametrize(
    "trial",
    [pytest.param(usual_trial(), id="plain", marks=pytest.mark.thorough), pytest.param(odd_trial(), id="odd")],
)
@pytest.mark.filterwarnings("ignore:Glyph .* missing")
def test_a_chart_has_a_title_and_no_text_lies_on_another_or_is_cut_off(trial, monkeypatch):
    drawn: list[Text] = []
    monkeypatch.setattr(Text, "draw", lambda text, renderer: drawn.append(text))
    for chart in charts_of(trial):
        drawn.clear()
        root = ElementTree.fromstring(charts.svg(chart))
        assert root.findtext("{http://www.w3.org/2000/svg}title") == chart.get_suptitle() != ""
        boxes = {text: text.get_window_extent() for text in drawn if text.get_text()}
        assert len(boxes) > 5
        for (one, box), (other, another) in combinations(boxes.items(), 2):
            across = min(box.x1, another.x1) - max(box.x0, another.x0)
            assert across < 1 or min(box.y1, another.y1) - max(box.y0, another.y0) < 2, (one, other)
        for text, box in boxes.items():
            assert -1 <= box.x0 < box.x1 <= chart.bbox.width + 1, text
            assert -1 <= box.y0 < box.y1 <= chart.bbox.height + 1, text


def test_longer_bars_took_longer_and_each_entrant_keeps_its_colour():
    trial = usual_trial()
    own = colours_of(trial)
    (axes,) = charts.bars([replace(trial, entries=trial.entries[::-1])], "time", own).axes
    from_top = [own[entry.name] for _, entry in trial.places if entry.runs]
    assert [to_hex(bar.get_edgecolor()) for bar in axes.patches] == from_top
    ends = [bar.get_extents().x1 for bar in axes.patches]
    assert ends == sorted(ends)


def test_unranked_and_failed_entrants_are_named_in_bars(small):
    shown = words(charts.bars(small.trials, "memory", colours_of(small.trials[0])))
    assert sum(word.endswith(", not ranked") for word in shown) == shown.count("did not run") == 1


@pytest.mark.parametrize(("seconds", "is_log"), [(7, False), (70, True)])
def test_bars_are_logarithmic_only_where_they_must_be(seconds, is_log):
    trial = benched.trial(benched.entry("fast", 1), benched.entry("slow", seconds))
    chart = charts.bars([trial], "time", colours_of(trial))
    assert any("logarithmic scale" in word for word in words(chart)) == is_log


def test_a_line_without_points_is_named():
    assert "one (no figures)" in words(charts.lines({"one": {}}, {"one": "red"}, x="", y="", title="", log=True))


@pytest.mark.parametrize("samples", [0, 1, 2])
def test_a_short_run_has_its_timeline(samples):
    chart = charts.timeline(benched.run(0.02, samples=samples), 2, "short", "red")
    assert (charts.NO_SAMPLES in words(chart)) == (samples == 0)


def test_a_long_run_on_many_cores_stays_a_small_chart():
    run = benched.run(300, samples=200)
    wide = replace(run, samples=tuple(replace(one, core_loads=(0.5,) * 64) for one in run.samples))
    assert len(charts.svg(charts.timeline(wide, 64, "wide", "red"))) < 120_000


def test_figures_that_the_system_does_not_tell_are_not_drawn():
    run = benched.run(3)
    silent = replace(run, read=None, samples=tuple(replace(one, read=None) for one in run.samples))
    assert [len(charts.timeline(one, 2, "", "red").axes[2].lines) for one in (run, silent)] == [2, 1]
    entry = replace(benched.entry("vips", 3), runs=(replace(silent, written=None),))
    assert cells(page(benched.bench([benched.trial(entry)])), "vips")[7:9] == ["\N{EN DASH}"] * 2


def test_other_settings_of_matplotlib_give_the_same_bytes():
    usual = charts.svg(charts_of(usual_trial())[0])
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path"}):
        assert charts.svg(charts_of(usual_trial())[0]) == usual


def test_the_table_has_every_figure_and_every_run_its_chart_over_time(html):
    assert cells(html, "stream") == [
        "2", "stream rows, 2 workers", "5.38 (5.19 to 5.57)", "1.25", "9.68", "1.80", "240", "612", "402",
        "pixels: 13,465 of 13,465 tiles identical",
    ]  # fmt: skip
    assert cells(html, "openslide")[-1].startswith("base")
    assert len(re.findall(r"<img src=.data:image/svg\+xml;base64", html)) == 2 + 5 * 2 + 1


def test_an_unranked_entrant_has_no_place_and_a_reason_and_a_failed_one_comes_last(html):
    place, _, seconds, *_, output = cells(html, "generator loop")
    assert (place, seconds) == ("-", "73.0 1 run")
    assert output.endswith(f"Not ranked {benched.SMALL_TILES}")
    assert cells(html, "generator pool")[2] == f"Did not run: {benched.NO_POOL}"
    assert html.index("</i>generator loop") < html.index("</i>generator pool")


def test_options_versions_machine_and_commands_are_on_the_page(html, small):
    for name, value in (*small.options.items(), *small.versions.items(), ("processor", small.machine.processor)):
        assert f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" in html
    for command in (small.command, *(entry.command for entry in small.trials[0].entries)):
        assert f"<pre>{command}</pre>" in unescape(html)


def test_strange_names_are_escaped_and_without_a_ranked_entrant_it_is_said():
    trial = benched.trial(benched.failed(ODD, ODD), name=ODD, baseline="")
    bench = benched.bench([trial])
    machine = replace(bench.machine, system=ODD, processor=ODD, disk=ODD)
    html = page(replace(bench, command=ODD, machine=machine, versions={ODD: ODD}, options={ODD: ODD}, date=ODD))
    html.encode()
    assert "<b>" not in html
    assert "<b>&amp; \"q\" 'a' $x_1$ --> </svg>]]> ünï 文字 ��� .svs" in unescape(html)
    assert "nobody could be ranked" in html
