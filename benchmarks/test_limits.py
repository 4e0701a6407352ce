"""The limit is of use only if it is the same work; and the tables have to be right."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

import tileframe
from benchmarks.speed import DZSAVE, LIMIT, PASSTHROUGH, STREAM, chosen, ours, table
from benchmarks.stages import Stages, measure
from benchmarks.test_ratios import TINY
from benchmarks.turns import Program, differences, in_turn
from tests.pyramids import tiles
from tileframe.records import Passthrough
from tileframe_bench.baselines import OVERLAP, QUALITY, TILE_SIZE
from tileframe_bench.processes import Cost
from tileframe_bench.records import Run
from tileframe_bench.workloads import WORKLOADS, scaled


@pytest.mark.parametrize(("name", "passes"), [("babel", False), ("svs", False), ("svs", True)])
def test_the_limit_is_measured_on_the_same_tiles_that_stream_makes(name, passes, tmp_path):
    slide = scaled(WORKLOADS[name], TINY).make()
    options = {"passthrough": Passthrough.ALWAYS if passes else Passthrough.NEVER}
    stages = measure(slide, tmp_path / "alone", tile_size=None if passes else TILE_SIZE, **options)
    held_equal = {"backend": "stream", "quality": QUALITY, "overlap": OVERLAP, "passthrough": passes}
    tileframe.run(slide, tmp_path / "p", tile_size="native" if passes else TILE_SIZE, **held_equal)
    alone, made = (
        {key: path.read_bytes() for key, path in tiles(dzi).items()}
        for dzi in (tmp_path / "alone" / "pyramid.dzi", tmp_path / "p.dzi")
    )
    assert alone == made
    assert all(seconds > 0 for seconds in stages.seconds.values())
    assert stages.in_order is (name == "babel")


def test_decoding_in_order_cannot_be_shared_out():
    seconds = {"decode": 6.0, "halve": 1.0, "encode": 2.0, "write": 1.0}
    assert [Stages(*how, seconds).limit for how in ((True, 2), (False, 2), (True, 1))] == [6, 5, 10]


@pytest.mark.thorough
def test_who_cannot_do_an_input_is_left_out_and_no_time_counts_if_an_output_is_wrong(tmp_path, capsys):
    picture = scaled(WORKLOADS["babel"], TINY).make()
    right, other = (Program(size, ours("--tile-size", size), differences) for size in ("256", "100"))
    unable = next(one for one in chosen("szi", is_slide=False) if one.name == PASSTHROUGH)
    with pytest.raises(SystemExit, match=r"100: .* no time counts"):
        in_turn([right, unable, other], picture, tmp_path, 1)
    assert f"{PASSTHROUGH} is left out: " in capsys.readouterr().err


def test_ratios_are_taken_pair_by_pair():
    def took(seconds: float, output: object = None) -> Cost:
        run = Run(seconds, 2 * seconds, 10**8, None, None, ())
        return Cost(run, 8 * 10**7, json.dumps(output or {"seconds": seconds - 1}))

    limit = took(9, asdict(Stages(True, 2, {"decode": 2.0, "halve": 0, "encode": 0, "write": 0})))
    costs = {STREAM: [took(4), took(2)], DZSAVE: [took(8), took(6)], LIMIT: [limit, limit]}
    assert "2.50 (2.00 to 3.00)" in table(costs)
    assert "1.50 (1.00 to 2.00)" in table(costs), "times the limit"
    assert "1.00 (0.50 to 1.50)" in table(costs), "the same of the call"
