"""The limit is of use only if it is the same work; and the tables have to be right."""

from __future__ import annotations

import pytest

import tileframe
from benchmarks.competitors import DZSAVE, PASSTHROUGH, STREAM, Run, one_round
from benchmarks.growth import Line, inputs
from benchmarks.limits import Stages
from benchmarks.speed import CLOCKS, Measured, table, verdicts
from benchmarks.stages import measure
from benchmarks.suite import suite_scale
from tileframe_bench.baselines import OVERLAP, QUALITY, TILE_SIZE
from tileframe_bench.processes import Cost
from tileframe_bench.workloads import WORKLOADS, scaled


@pytest.mark.parametrize(("name", "passthrough"), [("babel", False), ("svs", False), ("svs", True), ("jp2k", False)])
def test_the_limit_is_measured_on_the_same_tiles_that_stream_makes(name, passthrough, tmp_path):
    slide = scaled(WORKLOADS[name], suite_scale(timed=False)).make()
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


def test_who_cannot_do_an_input_is_left_out(tmp_path):
    jp2k = scaled(WORKLOADS["jp2k"], suite_scale(timed=False)).make()
    assert list(one_round([STREAM, PASSTHROUGH, DZSAVE], jp2k, tmp_path, 0)) == [STREAM]


def test_ratios_are_taken_pair_by_pair():
    def took(seconds: float) -> Run:
        cost = Cost(seconds, 2 * seconds, 10**8, None, None, (), peak_anonymous=8 * 10**7, output="")
        return Run(cost, seconds - 1)

    runs = {STREAM: [took(4), took(2)], DZSAVE: [took(8), took(6)]}
    stages = Stages(True, 2, {"decode": 2.0, "halve": 0, "encode": 0, "write": 0})
    measured = Measured("babel", tileframe.Size(1, 1), False, runs, {STREAM.limit: [stages, stages]})
    whole, call = CLOCKS.values()
    assert str(measured.times_as_fast(STREAM, whole)) == "2.50 (2.00 to 3.00)"
    assert str(measured.of_limit(STREAM, call)) == "1.00 (0.50 to 1.50)"
    assert "2.50 (2.00 to 3.00)" in table(measured)
    faster, limit, memory = verdicts(measured)
    assert "whole process 2.50 reached" in faster
    assert "whole process 1.50 NOT reached, the call 1.00 reached" in limit
    assert "100 MB reached (80 MB without files)" in memory


def test_growth_leaves_out_what_is_too_large():
    assert [workload.size.area for workload in inputs("jpg", 400)] == [25_000_000, 100_000_000, 400_000_000]


def test_the_line_through_what_grows_has_its_pace_and_start():
    points = [(megapixels, 0.5 + megapixels / 100) for megapixels in (25, 100, 400, 1600)]
    line = Line.through(points)
    assert line is not None
    assert (line.pace, line.start, line.squared) == pytest.approx((100, 0.5, 1))


@pytest.mark.parametrize("points", [[(1, 1), (2, 2)], [(1, 2), (2, 2), (3, 2)], [(1, 3), (2, 2), (3, 1)]])
def test_there_is_no_line_through_few_points_or_what_does_not_rise(points):
    assert Line.through(points) is None
