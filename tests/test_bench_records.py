"""Ratios, places and spreads: what a table of times may say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tileframe import Equality, Size
from tileframe_bench.records import Bench, Entry, Machine, Run, Sample, Spread, Trial, Verdict
from tileframe_bench.saving import from_json, to_json
from tileframe_bench.table import table

RIGHT = Verdict(Equality.PIXELS, 9, 9, (), is_ranked=True)
WRONG = Verdict(None, 7, 9, ("2 of 9 tiles are missing",), is_ranked=False)


def entry(name: str, *seconds: float, verdict: Verdict | None = RIGHT, trouble: str = "") -> Entry:
    runs = tuple(Run(one, 2 * one, 50_000_000, 1, 2, ()) for one in seconds)
    return Entry(name, "backend", f"tileframe run --backend {name}", runs, verdict, trouble=trouble)


def trial(*entries: Entry, baseline: str = "bare dzsave") -> Trial:
    return Trial("babel", Size(600, 500), 90_000, 256, 11, 9, 2, baseline, entries)


def places(trial: Trial) -> list[tuple[int, str]]:
    return [(place, one.name) for place, one in trial.ranking()]


def test_ratios_are_taken_pair_by_pair():
    stream, dzsave = entry("stream", 4, 2, 5), entry("bare dzsave", 8, 6, 5)
    assert trial(stream, dzsave).times_as_fast(stream) == Spread(2, 1, 3)


def test_the_only_run_of_a_slow_one_is_paired_with_each_of_the_others():
    loop, dzsave = entry("loop", 64), entry("bare dzsave", 8, 4)
    assert trial(loop, dzsave).times_as_fast(loop) == Spread(0.09375, 0.0625, 0.125)
    assert trial(loop, dzsave).times_as_fast(dzsave, "loop") == Spread(12, 8, 16)


def test_there_is_no_ratio_to_who_did_not_run():
    stream, dzsave = entry("stream", 4), entry("bare dzsave", verdict=None, trouble="cannot read it")
    assert trial(stream, dzsave).times_as_fast(stream) is None
    assert trial(stream).times_as_fast(stream) is None


def test_the_fastest_comes_first():
    found = trial(entry("slow", 9, 9), entry("fast", 1, 1), entry("middle", 3, 3))
    assert places(found) == [(1, "fast"), (2, "middle"), (3, "slow")]


def test_two_share_a_place_if_now_the_one_and_now_the_other_was_faster():
    found = trial(entry("one", 4.0, 4.2), entry("other", 4.1, 4.1), entry("third", 6, 6))
    assert places(found) == [(1, "one"), (1, "other"), (3, "third")]


def test_a_place_is_shared_with_the_first_of_it_or_not_at_all():
    found = trial(entry("one", 4.0, 4.2), entry("other", 4.1, 4.1), entry("third", 4.3, 4.05 + 0.2))
    assert places(found) == [(1, "one"), (1, "other"), (3, "third")]


def test_a_wrong_pyramid_has_no_place_however_fast_it_was_made():
    found = trial(entry("wrong", 1, 1, verdict=WRONG), entry("right", 9, 9))
    assert places(found) == [(1, "right")]
    lines = table(found).splitlines()
    assert [line.split()[:2] for line in lines if line.startswith(("  1", "  -"))] == [["1", "right"], ["-", "wrong"]]
    assert "  wrong: not ranked: 2 of 9 tiles are missing" in lines


def test_the_table_says_who_did_not_run_and_why():
    found = trial(entry("stream", 1), entry("bare dzsave", verdict=None, trouble="cannot read it"), baseline="stream")
    assert "  bare dzsave did not run: cannot read it" in table(found).splitlines()


def test_a_table_where_nobody_could_run_says_so():
    text = table(trial(entry("stream", verdict=None, trouble="broke"), baseline=""))
    assert "nobody made a right pyramid" in text
    assert "stream did not run: broke" in text


@pytest.mark.parametrize("verdict", [RIGHT, WRONG, None])
def test_json_gives_back_what_was_found(verdict):
    sample = Sample(0.1, 1.5, (0.7, 0.8), 1000, None, 7)
    one = replace(entry("stream", 1, 2, verdict=verdict), runs=(Run(1, 2, 3, None, 5, (sample,)),))
    machine = Machine("Linux", "one", 2, 1000, "ext4")
    bench = Bench(
        "2026-01-01T00:00:00+00:00", "tileframe bench", machine, {"a": "1"}, {"overlap": "0"}, 3, (trial(one),)
    )
    assert from_json(to_json(bench)) == bench
