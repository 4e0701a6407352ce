"""Ratios, places and spreads of a benchmark, its table of text, and how figures are written."""

from __future__ import annotations

import pytest

from tests.benched import entry, failed, trial, unranked
from tileframe_bench.records import Spread
from tileframe_bench.text import figure, shortened, table, weight

WRONG = unranked(entry("wrong", 1, 1), "2 of 9 tiles are missing")


@pytest.mark.parametrize(
    ("stream", "dzsave", "ratio"),
    [
        ((4, 2, 5), (8, 6, 5), Spread(2, 1, 3)),
        ((64,), (8, 4), Spread(0.09375, 0.0625, 0.125)),
        ((4, 8), (64,), Spread(12, 8, 16)),
        ((4,), (), None),
    ],
    ids=["pair by pair", "one run", "one of the baseline", "none of the baseline"],
)
def test_ratios_are_taken_pair_by_pair_and_a_single_run_with_each_of_the_others(stream, dzsave, ratio):
    ours = entry("stream", *stream)
    assert trial(ours, entry("bare dzsave", *dzsave)).times_as_fast(ours) == ratio


@pytest.mark.parametrize(
    ("entries", "places"),
    [
        ({"slow": (9, 9), "fast": (1, 1), "middle": (3, 3)}, {"fast": "1", "middle": "2", "slow": "3"}),
        # Now the one and now the other was faster.
        ({"a": (4.0, 4.2), "b": (4.1, 4.1), "c": (6, 6)}, {"a": "1=", "b": "1=", "c": "3"}),
        # Only with the first of a place it can be shared.
        ({"a": (4.0, 4.2), "b": (4.1, 4.1), "c": (4.3, 4.25)}, {"a": "1=", "b": "1=", "c": "3"}),
    ],
    ids=["by time", "shared", "shared with the first"],
)
def test_places(entries, places):
    made = trial(failed("gone", "broke"), WRONG, *(entry(name, *seconds) for name, seconds in entries.items()))
    found = [(one.name, place) for place, one in made.places]
    assert found == [*places.items(), ("wrong", "-"), ("gone", "-")]


def test_the_table_has_ranked_then_unranked_entrants_and_their_marks_and_failures():
    lines = table(trial(failed("gone", "broke"), WRONG, entry("right", 9, 9), baseline="")).splitlines()
    assert lines[0].endswith("nobody made a right pyramid")
    assert [line.split()[:2] for line in lines if line.startswith(("  1", "  -"))] == [["1", "right"], ["-", "wrong"]]
    assert lines[-2:] == ["  wrong: not ranked: 2 of 9 tiles are missing", "  gone did not run: broke"]


def test_figures_have_three_digits():
    assert [figure(value) for value in (0, 0.0123, 1.234, 12.34, 1234)] == ["0", "0.012", "1.23", "12.3", "1,234"]
    assert f"{Spread(1.222, 1.16, 1.42)}, {Spread(85.12, 85.12, 85.12)}" == "1.22 (1.16 to 1.42), 85.1"
    assert [weight(size) for size in (4200, 491_900_000, 12_300_000_000)] == ["4.20 kB", "492 MB", "12.3 GB"]


def test_long_names_are_shortened_in_their_middle():
    assert shortened("a very long name of a slide that nobody would think of.svs", 20) == "a very lo…nk of.svs"
    assert shortened("short\x00", 20) == "short\N{REPLACEMENT CHARACTER}"
