"""Ratios, places and spreads of a benchmark, its table of text, and its JSON."""

from __future__ import annotations

import json

import pytest

from tests import benched
from tileframe import InputError, Size
from tileframe_bench.records import Bench, Entry, Run, Spread, Trial, Verdict, from_json, to_json
from tileframe_bench.table import table
from tileframe_bench.text import figure, shortened, spread_text, weight

WRONG = Verdict(None, 7, 9, ("2 of 9 tiles are missing",), is_ranked=False)


def trial(*entries: Entry, baseline: str = "bare dzsave") -> Trial:
    return Trial("babel", Size(600, 500), 90_000, 256, 11, 9, 2, baseline, entries)


def entry(name: str, *seconds: float) -> Entry:
    return benched.entry(name, *seconds)


def wrong(name: str, *seconds: float) -> Entry:
    return benched.unranked(entry(name, *seconds), "2 of 9 tiles are missing")


def test_ratios_are_taken_pair_by_pair():
    stream = entry("stream", 4, 2, 5)
    assert trial(stream, entry("bare dzsave", 8, 6, 5)).times_as_fast(stream) == Spread(2, 1, 3)


def test_a_single_run_is_paired_with_each_of_the_others():
    loop, dzsave = entry("loop", 64), entry("bare dzsave", 8, 4)
    assert trial(loop, dzsave).times_as_fast(loop) == Spread(0.09375, 0.0625, 0.125)
    assert trial(loop, dzsave).times_as_fast(dzsave, "loop") == Spread(12, 8, 16)


@pytest.mark.parametrize("others", [(), (benched.failed("bare dzsave", "cannot read it"),)])
def test_there_is_no_ratio_to_an_entrant_without_runs(others):
    stream = entry("stream", 4)
    assert trial(stream, *others).times_as_fast(stream) is None


@pytest.mark.parametrize(
    ("entries", "places"),
    [
        ((entry("slow", 9, 9), entry("fast", 1, 1), entry("middle", 3, 3)), [(1, "fast"), (2, "middle"), (3, "slow")]),
        # Now the one and now the other was faster.
        ((entry("a", 4.0, 4.2), entry("b", 4.1, 4.1), entry("c", 6, 6)), [(1, "a"), (1, "b"), (3, "c")]),
        # Only with the first of a place it can be shared.
        ((entry("a", 4.0, 4.2), entry("b", 4.1, 4.1), entry("c", 4.3, 4.25)), [(1, "a"), (1, "b"), (3, "c")]),
        ((wrong("wrong", 1, 1), entry("right", 9, 9)), [(1, "right")]),
    ],
    ids=["by time", "shared", "shared with the first", "wrong"],
)
def test_places(entries, places):
    assert [(place, one.name) for place, one in trial(*entries).ranking()] == places


def test_the_table_has_ranked_then_unranked_entrants_and_their_marks():
    lines = table(trial(wrong("wrong", 1, 1), entry("right", 9, 9))).splitlines()
    assert [line.split()[:2] for line in lines if line.startswith(("  1", "  -"))] == [["1", "right"], ["-", "wrong"]]
    assert "  wrong: not ranked: 2 of 9 tiles are missing" in lines


def test_the_table_says_which_entrant_did_not_run_and_why():
    text = table(trial(benched.failed("stream", "broke"), baseline=""))
    assert "nobody made a right pyramid" in text
    assert "  stream did not run: broke" in text.splitlines()


def test_json_gives_back_what_was_found():
    bench = benched.bench([trial(entry("stream", 1, 2), wrong("wrong", 1), benched.failed("gone", "broke"))])
    assert from_json(to_json(bench), Bench) == bench


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps({"schema": 2}), "its schema is 2, not 1"),
        (json.dumps({"date": ""}), "its schema is null, not 1"),
        (json.dumps({"schema": 1, "date": ""}), "no records of a benchmark"),
        ("[]", "no records of a benchmark"),
        ("{", "no records of a benchmark"),
    ],
)
def test_other_json_is_refused_in_one_line(text, message):
    with pytest.raises(InputError, match=message) as raised:
        from_json(text, Bench)
    assert "\n" not in str(raised.value)


def test_figures_have_three_digits():
    assert [figure(value) for value in (0, 0.0123, 1.234, 12.34, 1234)] == ["0", "0.012", "1.23", "12.3", "1,234"]
    assert spread_text(Spread(1.222, 1.16, 1.42)) == "1.22 (1.16 to 1.42)"
    assert spread_text(Spread(85.12, 85.12, 85.12)) == "85.1"
    assert [weight(size) for size in (4200, 491_900_000, 12_300_000_000)] == ["4.20 kB", "492 MB", "12.3 GB"]


def test_long_names_are_shortened_in_their_middle():
    assert shortened("a very long name of a slide that nobody would think of.svs", 20) == "a very lo…nk of.svs"
    assert shortened("short\x00", 20) == "short\N{REPLACEMENT CHARACTER}"


def test_a_run_without_seconds_keeps_no_cores_busy():
    assert Run(0, 0, 0, None, None, ()).cores_busy == 0
