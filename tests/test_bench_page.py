"""The page of a benchmark, as text: what it says, and that it stands what records may hold."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib
import pytest

from tests import benched
from tileframe_bench.page import page
from tileframe_bench.page_tables import NONE
from tileframe_bench.records import Bench, Trial

ROOT = Path(__file__).parents[1]
PLACES: dict[str, Any] = {
    "cwd": ROOT,
    "env": {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")])},
}


class Rows(HTMLParser):
    """The rows of the tables of a page, each as the texts of its cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._inside = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._inside = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._inside = False

    def handle_data(self, data):
        if self._inside:
            self.rows[-1][-1] += data


def row_of(html: str, name: str) -> list[str]:
    """The row of an entrant in the first table that has its place there."""
    return next(row for row in Rows(html).rows if len(row) > 2 and row[1].startswith(name))


@pytest.fixture(scope="module")
def small() -> Bench:
    return benched.bench([benched.trial()])


@pytest.fixture(scope="module")
def html(small) -> str:
    return page(small)


def changed(trial: Trial, name: str, **fields: Any) -> Trial:
    entries = [dataclasses.replace(one, **fields) if one.name == name else one for one in trial.entries]
    return dataclasses.replace(trial, entries=tuple(entries))


def test_the_same_records_give_the_same_bytes(small, html):
    assert page(small) == html


def test_another_process_gives_the_same_bytes(html):
    code = (
        "import sys; from tests import benched; from tileframe_bench.page import page;"
        "sys.stdout.buffer.write(page(benched.bench([benched.trial()])).encode())"
    )
    found = subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, **PLACES)
    assert found.stdout.decode() == html
    assert found.stderr == b""


def test_the_users_settings_of_matplotlib_are_neither_used_nor_changed(small, html):
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path"}):
        before = dict(matplotlib.rcParams)
        assert page(small) == html
        assert dict(matplotlib.rcParams) == before


def test_importing_the_plugin_does_not_load_matplotlib():
    code = "import tileframe_bench, sys; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, **PLACES)


def test_the_answer_comes_first(html):
    assert html.index('<p class="lead">acme-gpu was the fastest.') < html.index('id="fastest"') < html.index("<svg")


def test_a_backend_that_nobody_knew_is_in_the_table_and_in_the_charts(html):
    assert row_of(html, benched.STRANGER)[0] == "1"
    assert html.count(f">{benched.STRANGER}</text>") == 2, "in bars of time and of memory"
    assert html.count(f">{benched.STRANGER}: ") == 2, "over time, every run"


def test_the_table_has_every_figure(html):
    place, entrant, seconds, times, cpu, cores, peak, read, wrote, output = row_of(html, "stream")
    assert (place, entrant) == ("2", "streamrows, 2 workers")
    assert re.fullmatch(r"5\.\d\d\(5\.\d\d to 5\.\d\d\)", seconds)
    assert re.fullmatch(r"1\.\d\d\(1\.\d\d to 1\.\d\d\)", times)
    assert (cpu, cores, peak, read, wrote) == ("9.74", "1.80", "241", "612", "402")
    assert output == "pixels: identical, 13,465 of 13,465"
    assert row_of(html, "openslide")[-1] == "base: 10,098 of 13,465 identical"


def test_what_is_not_ranked_has_no_place_and_a_reason(html):
    row = row_of(html, "generator loop")
    assert row[0] == NONE
    assert "Not ranked:" in row[-1]
    assert benched.SMALL_TILES in row[-1]
    assert row[2].endswith("1 run")


def test_the_fastest_gets_no_place_if_it_is_not_ranked():
    trial = benched.trial()
    fastest = trial.entry(benched.STRANGER)
    assert fastest is not None
    wrong = benched.unranked(fastest)
    found = page(benched.bench([changed(trial, fastest.name, verdict=wrong.verdict)]))
    assert "stream was the fastest." in found
    assert row_of(found, "stream")[0] == "1"
    row = row_of(found, fastest.name)
    assert row[0] == NONE
    assert "Not ranked:" in row[-1]
    assert "less like the reference than it promises" in row[-1], "a reason even if the verdict gives none"


def test_the_unranked_come_after_the_ranked_and_before_those_who_did_not_run(html):
    names = [row[1] for row in Rows(html).rows if len(row) > 2]
    assert [name for name in names if name.startswith("generator")][-2:] == [names[-2], names[-1]]
    assert names[-2].startswith("generator loop")


def test_those_who_did_not_run_are_shown_with_their_trouble(html):
    assert row_of(html, "generator pool")[2] == f"Did not run: {benched.NO_POOL}"
    assert html.count(">did not run</text>") == 2, "in bars of time and of memory"


def test_trouble_of_one_who_ran_is_shown_too():
    html = page(benched.bench([changed(benched.trial(), "vips", trouble="failed in round 3")]))
    assert "failed in round 3" in row_of(html, "vips")[-1]


def test_a_shared_place_is_shared_in_words():
    trial = benched.trial()
    runs = [benched.run(seconds) for seconds in (3.0, 3.2)]
    trial = changed(trial, "stream", runs=tuple(runs))
    html = page(benched.bench([changed(trial, benched.STRANGER, runs=(runs[1], runs[0]))]))
    assert row_of(html, "stream")[0] == row_of(html, benched.STRANGER)[0] == "1="
    assert "sharing the place" in html
    assert "shared places are counted for each" in html


def test_everything_that_was_held_equal_and_every_version_is_said(html, small):
    facts = [*small.options.items(), *small.versions.items(), ("processor", small.machine.processor)]
    for name, value in facts:
        assert f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" in html
    for command in (small.command, *(entry.command for entry in small.trials[0].entries)):
        assert f"<pre>{escape(command)}</pre>" in html


ODD = "<b>&amp; \"q\" 'a' $x_1$ --> </svg>]]> ünï 文字 \udcff\x00\x1b\n.svs"


def test_names_of_files_and_entrants_are_escaped():
    shown = "<b>&amp; \"q\" 'a' $x_1$ --> </svg>]]> ünï 文字 ��� .svs"
    entry = dataclasses.replace(benched.entry(ODD, 3), way=ODD, command=ODD, trouble=ODD)
    marked = benched.unranked(dataclasses.replace(entry, name=f"{ODD} two"), ODD)
    gone = benched.absent(f"{ODD} three", ODD)
    trial = dataclasses.replace(benched.trial(), input=ODD, baseline=ODD, entries=(entry, marked, gone))
    bench = benched.bench([trial])
    machine = dataclasses.replace(bench.machine, system=ODD, processor=ODD, disk=ODD)
    found = dataclasses.replace(bench, command=ODD, machine=machine, versions={ODD: ODD}, options={ODD: ODD}, date=ODD)
    html = page(found)
    html.encode()
    assert "<b>" not in html
    assert html.count("</svg>") == html.count("<svg ")
    assert escape(shown) in html
    assert row_of(html, shown)[1].startswith(shown)
    for svg in re.findall(r"<svg .*?</svg>", html, re.DOTALL):
        ElementTree.fromstring(svg)


def test_a_run_that_nobody_saw_has_its_place_in_the_page():
    run = benched.run(0.01, looks=0)
    html = page(benched.bench([changed(benched.trial(), "vips", runs=(run,))]))
    assert "over before it was looked at" in html
    assert row_of(html, "vips")[0] == "1"


def test_what_the_system_does_not_say_is_no_figure():
    silent = dataclasses.replace(benched.run(3), read=None, written=None)
    html = page(benched.bench([changed(benched.trial(), "vips", runs=(silent,))]))
    assert row_of(html, "vips")[7:9] == [NONE, NONE]


def test_nobody_who_ran_makes_a_page_too():
    absent = benched.absent("vips", "no libvips here")
    html = page(benched.bench([dataclasses.replace(benched.trial(), baseline="", entries=(absent,))]))
    assert "Nobody could be ranked." in html
    assert "no libvips here" in html


def test_no_two_charts_of_a_page_share_an_id(html):
    ids = re.findall(r'\bid="([^"]*)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'url\(#([^)]*)\)|href="#(c[0-9a-f]{8}-[^"]*)"', html)) != set()
    for one, other in re.findall(r'url\(#([^)]*)\)|href="#([^"]*)"', html):
        assert (one or other) in ids
