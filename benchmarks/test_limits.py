"""The limit is of use only if it is the same work; and the tables have to be right."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

import tileframe
from benchmarks.growth import Line
from benchmarks.limits import Stages
from benchmarks.proofs import differences
from benchmarks.speed import DZSAVE, FOLDER, LIMIT, STREAM, chosen, ours, table, verdicts
from benchmarks.stages import measure
from benchmarks.test_ratios import TINY
from benchmarks.turns import Program, call, in_turn, whole
from tileframe_bench.baselines import OVERLAP, QUALITY, TILE_SIZE
from tileframe_bench.processes import Cost
from tileframe_bench.workloads import WORKLOADS, scaled


@pytest.mark.parametrize(("name", "passthrough"), [("babel", False), ("svs", False), ("svs", True), ("jp2k", False)])
def test_the_limit_is_measured_on_the_same_tiles_that_stream_makes(name, passthrough, tmp_path):
    slide = scaled(WORKLOADS[name], TINY).make()
    alone = tmp_path / "alone"
    alone.mkdir()
    stages = measure(slide, alone, passthrough=passthrough)
    tileframe.run(
        slide,
        tmp_path / "p",
        backend="stream",
        quality=QUALITY,
        tile_size="native" if passthrough else TILE_SIZE,
        overlap=OVERLAP,
        passthrough=passthrough,
    )
    tiles = [
        {path.relative_to(at): path.read_bytes() for path in at.glob("*/*")} for at in (alone, tmp_path / "p_files")
    ]
    assert tiles[0] == tiles[1]
    assert all(seconds > 0 for seconds in stages.seconds.values())
    assert stages.in_order is (name == "babel")


def test_decoding_in_order_cannot_be_shared_out():
    seconds = {"decode": 6.0, "halve": 1.0, "encode": 2.0, "write": 1.0}
    assert Stages(True, 2, seconds).limit == 6
    assert Stages(False, 2, seconds).limit == 5
    assert Stages(True, 1, seconds).limit == 10


def test_who_cannot_do_an_input_is_left_out_and_the_others_run_in_turn(tmp_path):
    picture = scaled(WORKLOADS["babel"], TINY).make()
    programs = chosen("szi", is_slide=False, slow=False, without=())
    costs = in_turn(programs, picture, tmp_path, 1)
    assert list(costs) == [DZSAVE, STREAM, FOLDER]
    assert [len(runs) for runs in costs.values()] == [1, 1, 1]
    assert all(call(runs[0]) < whole(runs[0]) for runs in costs.values())


def test_no_time_counts_if_an_output_is_wrong(tmp_path):
    picture = scaled(WORKLOADS["babel"], TINY).make()
    right, other = (Program(size, ours("--tile-size", size), differences) for size in ("256", "100"))
    with pytest.raises(SystemExit, match=r"100: .* no time counts"):
        in_turn([right, other], picture, tmp_path, 1)


def test_ratios_are_taken_pair_by_pair():
    def took(seconds: float) -> Cost:
        output = json.dumps({"seconds": seconds - 1})
        return Cost(seconds, 2 * seconds, 10**8, None, None, (), peak_anonymous=8 * 10**7, output=output)

    stages = Stages(True, 2, {"decode": 2.0, "halve": 0, "encode": 0, "write": 0})
    limit = replace(took(9), output=json.dumps(asdict(stages)))
    costs = {STREAM: [took(4), took(2)], DZSAVE: [took(8), took(6)], LIMIT.name: [limit, limit]}
    assert "2.50 (2.00 to 3.00)" in table(costs)
    assert "1.00 (0.50 to 1.50)" in table(costs)
    assert list(verdicts("babel", "folder", costs)) == [
        "whole process: stream, times as fast as bare dzsave: 2.50, at least 1.35: reached",
        "whole process: stream, times its limit: 1.50, at most 1.3: NOT reached",
        "the call: stream, times as fast as bare dzsave: 3.67, at least 1.35: reached",
        "the call: stream, times its limit: 1.00, at most 1.3: reached",
        "megabytes of stream: 100.00, at most 500: reached",
    ]


def test_the_line_through_what_grows_has_its_pace_and_start():
    points = [(megapixels, 0.5 + megapixels / 100) for megapixels in (25, 100, 400, 1600)]
    line = Line.through(points)
    assert line is not None
    assert (line.pace, line.start, line.squared) == pytest.approx((100, 0.5, 1))


@pytest.mark.parametrize("points", [[(1, 1), (2, 2)], [(1, 2), (2, 2), (3, 2)], [(1, 3), (2, 2), (3, 1)]])
def test_there_is_no_line_through_few_points_or_what_does_not_rise(points):
    assert Line.through(points) is None
