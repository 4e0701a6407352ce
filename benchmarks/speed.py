"""The backend `stream` beside everything else that makes the same pyramid, and beside the limit of the machine.

``python benchmarks/speed.py [--into szi] [--workload NAME ...] [--scale S] [--rounds N] [--input FILE]``

Everyone in turn, each output proved; in each round the work itself is measured as well, stage by stage: what no program
can do without. With ``--into szi``, into one file, beside a `dzsave` that does so too, and beside our own folder. At
full size it says which of the targets were reached. It needs the space of all outputs at once.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.stages import Stages
from benchmarks.turns import (
    Figure,
    Program,
    call,
    cpu,
    differences,
    differences_of_passthrough,
    in_turn,
    memory,
    ratio,
    whole,
    wrong_names,
)
from tileframe import machine
from tileframe_bench import baselines
from tileframe_bench.baselines import TILE_SIZE
from tileframe_bench.entrants import HELD_EQUAL, PYTHON
from tileframe_bench.processes import Cost, in_own_process
from tileframe_bench.records import Spread
from tileframe_bench.text import aligned
from tileframe_bench.workloads import TILE, WORKLOADS, open_input, scaled

Command = Callable[[Path, Path], list[str]]
Costs = Mapping[str, Sequence[Cost]]
CLOCKS: dict[str, Figure] = {"whole process": whole, "the call": call}
DZSAVE, STREAM, PASSTHROUGH, OPENSLIDE = "bare dzsave", "stream", "stream --passthrough", "stream, openslide"
POOL, FOLDER = "generator pool", "folder"
BARE_SZI = """
import sys, time, pyvips
started = time.perf_counter()
image = pyvips.Image.new_from_file(sys.argv[1], access="sequential")
image.dzsave(sys.argv[2], container="szi", tile_size=240, overlap=0, suffix=".jpeg", skip_blanks=-1, keep="none")
print('{"seconds": %f}' % (time.perf_counter() - started))
"""


def ours(*options: str) -> Command:
    """Return the command of ``tileframe run`` with ``options``."""
    run = (*PYTHON, "-m", "tileframe", "run", *HELD_EQUAL, *options)
    return lambda source, out: [*run, f"{source}", "-o", f"{out}"]


def bare(name: str) -> Command:
    """Return the command of the baseline ``name``."""
    sizes = ("--tile-size", f"{TILE_SIZE}", "--workers", f"{machine.available_cores()}")
    return lambda source, out: [*PYTHON, baselines.__file__, name, f"{source}", f"{out.with_suffix('')}", *sizes]


def alone(*options: str) -> Command:
    """Return the command that measures the work alone."""
    script = (sys.executable, f"{Path(__file__).with_name('stages.py')}", "--json", *options)
    return lambda source, out: [*script, f"{source}", f"{out}"]


SIZE = ("--tile-size", f"{TILE_SIZE}")
OWN_SIZE = ("--backend", "stream", "--tile-size", f"{TILE}")
PASSED = Program(
    PASSTHROUGH,
    ours("--backend", "stream", "--tile-size", "native", "--passthrough"),
    differences_of_passthrough,
)
COLUMNS = ("seconds", "x dzsave", "x limit", "CPU s", "CPU x folder", "cores", "peak MB", "own MB")
# By where they go. The pixels of the first one that can do an input are right.
PROGRAMS = {
    "folder": (
        Program(DZSAVE, bare("dzsave"), differences),
        Program("vips", ours("--backend", "vips", *SIZE), differences),
        Program(STREAM, ours("--backend", "stream", *SIZE), differences),
        PASSED,
        Program(OPENSLIDE, ours("--backend", "stream", "--reader", "openslide", *SIZE), differences),
        # The tiles of the generator are not always of the size that its own layout says.
        Program(POOL, bare("pool"), wrong_names),
    ),
    "szi": (
        Program(DZSAVE, lambda source, out: [sys.executable, "-c", BARE_SZI, f"{source}", f"{out}"], None, ".szi"),
        Program(STREAM, ours(*OWN_SIZE), differences, ".szi"),
        Program(FOLDER, ours(*OWN_SIZE), differences),
        replace(PASSED, suffix=".szi"),
    ),
}
# The programs that measure the work which others cannot do without.
LIMIT = Program("limit", alone())
LIMITS = {
    STREAM: LIMIT,
    PASSTHROUGH: Program("limit --passthrough", alone("--passthrough")),
    OPENSLIDE: Program("limit, openslide", alone("--reader", "openslide")),
}
# Times as fast as another one, at least: by where it goes, and by workload.
FASTER = {
    ("folder", "babel"): [(STREAM, DZSAVE, 1.35)],
    ("folder", "svs"): [(STREAM, DZSAVE, 1.6), (PASSTHROUGH, DZSAVE, 2.5), (OPENSLIDE, POOL, 2.0)],
    ("folder", "jp2k"): [(OPENSLIDE, POOL, 2.0)],
    ("szi", "babel"): [(STREAM, DZSAVE, 1.2)],
    ("szi", "svs"): [(STREAM, DZSAVE, 1.25), (PASSTHROUGH, DZSAVE, 1.9)],
}
# Times the limit, and of the CPU time of our own folder, at most.
OF_LIMIT, OF_FOLDERS_CPU = 1.3, 0.92
# Megabytes, for sources that give rows and for those that give regions.
ROWS_MEMORY, REGIONS_MEMORY = 500, 300


def stages_of(runs: Iterable[Cost]) -> tuple[Stages, ...]:
    """Return what runs of `LIMIT` or another of `LIMITS` have measured."""
    return tuple(msgspec.json.decode(run.output, type=Stages) for run in runs)


def of_limit(costs: Costs, name: str, clock: Figure) -> Spread | None:
    """Return how many times the limit of its round it took; None where that was not measured."""
    limits = costs.get(LIMITS.get(name, LIMIT).name)
    if limits is None:
        return None
    return Spread.of_ratios([one.limit for one in stages_of(limits)], [clock(run) for run in costs[name]])


def table(costs: Costs) -> str:
    """Return the figures of all programs: of the whole processes, then of the calls, then the limits."""
    limits = {one.name: stages_of(costs[one.name]) for one in LIMITS.values() if one.name in costs}
    lines = []
    for clock, seconds in CLOCKS.items():
        rows: list[tuple[str, ...]] = [(clock, *COLUMNS)]
        for name, runs in costs.items():
            if name not in limits:
                cells = [
                    Spread.of([seconds(run) for run in runs]),
                    ratio(runs, costs[DZSAVE], seconds) if DZSAVE in costs and name != DZSAVE else "",
                    of_limit(costs, name, seconds) or "",
                    f"{median(map(cpu, runs)):.2f}",
                    ratio(costs[FOLDER], runs, cpu) if FOLDER in costs else "",
                    f"{median(one.run.cores_busy for one in runs):.2f}",
                    f"{max(map(memory, runs)) / 1e6:.0f}",
                    f"{max(one.peak_anonymous or 0 for one in runs) / 1e6:.0f}",
                ]
                rows.append((name, *map(str, cells)))
        lines += [*aligned(rows), ""]
    if limits:
        lines.append("limit: the work alone, one thread, over all of the data; medians of the rounds")
    return "\n".join([*lines, *(f"  {name}: {Stages.medians(alone)}" for name, alone in limits.items())])


def targets(workload: str, into: str, costs: Costs) -> Iterator[tuple[str, float, float, bool]]:
    """Yield what each target is about, the figure, the target, and whether it is reached."""
    for name, clock in CLOCKS.items():
        for one, than, least in FASTER.get((into, workload), []):
            if {one, than} <= costs.keys():
                times = ratio(costs[one], costs[than], clock).median
                yield f"{name}: {one}, at least so many times as fast as {than}", times, least, times >= least
        for one in LIMITS:
            if one in costs and (spread := of_limit(costs, one, clock)):
                yield f"{name}: {one}, at most times its limit", spread.median, OF_LIMIT, spread.median <= OF_LIMIT
    if FOLDER in costs:
        share = ratio(costs[FOLDER], costs[STREAM], cpu).median
        yield "CPU seconds of stream, at most times the folder's", share, OF_FOLDERS_CPU, share <= OF_FOLDERS_CPU
    for one, limit in LIMITS.items():
        if {one, limit.name} <= costs.keys():
            most = ROWS_MEMORY if stages_of(costs[limit.name])[0].in_order else REGIONS_MEMORY
            peak = max(map(memory, costs[one])) / 1e6
            yield f"megabytes of {one}, at most", peak, most, peak <= most


def chosen(into: str, *, is_slide: bool, without: Sequence[str] = ()) -> list[Program]:
    """Return the programs for an input, with the limits of those into folders."""
    # Of a picture, each process of the pool holds all pixels twice, and reads all of them for each of the top tiles.
    programs = [one for one in PROGRAMS[into] if one.name not in without and (is_slide or one.name != POOL)]
    return [*programs, *dict.fromkeys(LIMITS.get(one.name, LIMIT) for one in programs if into == "folder")]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the backend stream with everything else, and with the limit.")
    parser.add_argument("--into", choices=PROGRAMS, default="folder", help="default: %(default)s")
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, metavar="NAME", help=f"of {', '.join(WORKLOADS)}")
    parser.add_argument("--input", type=Path, metavar="FILE", help="instead of the workloads")
    parser.add_argument("--scale", type=float, default=1.0, help="both sides of the pictures times this")
    parser.add_argument("--rounds", type=int, default=5, help="after one to warm up")
    parser.add_argument("--without", nargs="+", default=[], metavar="WHO", help="leave these out, by name")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where the outputs go; default: temporary files")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tileframe-speed-", dir=given.scratch) as scratch:
        for name in [given.input.stem] if given.input else given.workload or WORKLOADS:
            # In processes of their own: a child's peak memory begins at what its parent holds.
            source = given.input or in_own_process(scaled(WORKLOADS[name], given.scale).make)
            known = in_own_process(open_input, source, name, name)
            programs = chosen(given.into, is_slide=known.is_slide, without=given.without)
            costs = in_turn(programs, source, Path(scratch, name), given.rounds)
            print(f"\n{name}: {known.size}, {known.size.area / 1e6:.1f} MP, {given.rounds} rounds\n\n{table(costs)}\n")
            if given.scale != 1 or given.input is not None:
                print("targets: they are set for the workloads at full size", flush=True)
                continue
            for about, figure, target, is_reached in targets(name, given.into, costs):
                print(f"{about}: {figure:.2f}, {target}: {'reached' if is_reached else 'NOT reached'}", flush=True)


if __name__ == "__main__":
    main()
