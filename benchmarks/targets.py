"""What the backend `stream` was to reach, and whether it has."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.competitors import DZSAVE, OPENSLIDE, PASSTHROUGH, POOL, STREAM, Competitor
from benchmarks.measured import Measured, call, whole

# Times as fast as a bare dzsave, by workload.
FASTER = {"babel": {STREAM: 1.35}, "svs": {STREAM: 1.6, PASSTHROUGH: 2.5}}
FASTER_THAN_POOL = 2.0
# Times the limit, at most.
OF_LIMIT = 1.3
# Megabytes, for sources that give rows and for those that give regions.
ROWS_MEMORY, BLOCKS_MEMORY = 500, 300


def verdicts(measured: Measured) -> Iterator[str]:
    """Yield a line for each target that is set for the workload."""
    for competitor, least in FASTER.get(measured.name, {}).items():
        yield _faster(measured, competitor, DZSAVE, least)
    if measured.traits.is_slide:
        yield _faster(measured, OPENSLIDE, POOL, FASTER_THAN_POOL)
    for competitor in (STREAM, PASSTHROUGH, OPENSLIDE):
        if competitor in measured.competitors:
            yield _of_limit(measured, competitor)
            yield _memory(measured, competitor)
    if measured.name == "jp2k":
        stages = measured.median_stages(STREAM.limit)
        decoding = stages.seconds["decode"] / stages.cores
        took = {clock: measured.figures(STREAM, clock).median / decoding for clock in (whole, call)}
        about = (
            f"stream takes at most {OF_LIMIT} times the JPEG 2000 decoding, {decoding:.2f} s on {stages.cores} cores"
        )
        yield _line(about, took[whole] <= OF_LIMIT, took[whole], took[call] <= OF_LIMIT, took[call])


def _faster(measured: Measured, competitor: Competitor, than: Competitor, least: float) -> str:
    about = f"{competitor.name} is at least {least} times as fast as {than.name}"
    if not {competitor, than} <= set(measured.competitors):
        return f"{about}: not measured"
    by_process = measured.times_as_fast(competitor, whole, than)
    by_call = measured.times_as_fast(competitor, call, than)
    if by_process is None or by_call is None:
        return f"{about}: not measured"
    return _line(about, by_process.median >= least, by_process.median, by_call.median >= least, by_call.median)


def _of_limit(measured: Measured, competitor: Competitor) -> str:
    by_process, by_call = (measured.of_limit(competitor, clock).median for clock in (whole, call))
    about = f"{competitor.name} takes at most {OF_LIMIT} times its limit"
    return _line(about, by_process <= OF_LIMIT, by_process, by_call <= OF_LIMIT, by_call)


def _memory(measured: Measured, competitor: Competitor) -> str:
    by_rows = measured.traits.in_order and competitor is not OPENSLIDE
    most = ROWS_MEMORY if by_rows else BLOCKS_MEMORY
    peak = measured.figures(competitor, lambda run: run.cost.peak / 1e6).most
    own = measured.figures(competitor, lambda run: (run.cost.anonymous or 0) / 1e6).most
    reached = _word(peak < most)
    return f"{competitor.name} stays below {most} MB: {peak:.0f} MB {reached} ({own:.0f} MB without pages of files)"


def _line(about: str, process: bool, by_process: float, by_itself: bool, by_call: float) -> str:
    return f"{about}: whole process {by_process:.2f} {_word(process)}, the call {by_call:.2f} {_word(by_itself)}"


def _word(reached: bool) -> str:
    return "reached" if reached else "NOT reached"
