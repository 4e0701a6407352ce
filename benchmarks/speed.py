"""The backend `stream` beside everything else that makes the same pyramid, and beside the limit of the machine.

``python benchmarks/speed.py [--into szi] [--workload NAME ...] [--scale S] [--rounds N] [--input FILE]``

Everyone in turn, each output proved; in each round the work itself is measured as well, stage by stage: what no program
can do without. With ``--into szi``, into one file, beside a `dzsave` that does so too, and beside our own folder.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import msgspec

from benchmarks import turns
from benchmarks.stages import Stages
from benchmarks.turns import Figure, Program, call, cpu, in_turn, memory, outputs_in, ratio, whole
from tileframe import machine
from tileframe_bench.baselines import TILE_SIZE
from tileframe_bench.entrants import HELD_EQUAL, PYTHON, Entrant
from tileframe_bench.environment import this_machine
from tileframe_bench.processes import Cost, in_own_process
from tileframe_bench.records import Spread
from tileframe_bench.text import aligned
from tileframe_bench.workloads import TILE, WORKLOADS, open_input, scaled

Command = Callable[[Path, Path], list[str]]
Costs = Mapping[str, Sequence[Cost]]
CLOCKS: dict[str, Figure] = {"whole process": whole, "the call": call}
DZSAVE, STREAM, PASSTHROUGH, OPENSLIDE = "bare dzsave", "stream", "stream --passthrough", "stream, openslide"
POOL, FOLDER, LIMIT = "generator pool", "folder", "limit"
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
    sizes = {"tile_size": TILE_SIZE, "workers": machine.available_cores()}
    return lambda source, out: Entrant(name, "baseline").process(source, out.parent, **sizes)


def alone(*options: str) -> Command:
    """Return the command that measures the work alone."""
    script = (sys.executable, f"{Path(__file__).with_name('stages.py')}", "--json", *options)
    return lambda source, out: [*script, f"{source}", f"{out}"]


SIZE = ("--tile-size", f"{TILE_SIZE}")
OWN_SIZE = ("--backend", "stream", "--tile-size", f"{TILE}")
PASSED = Program(
    PASSTHROUGH, ours("--backend", "stream", "--tile-size", "native", "--passthrough"), turns.differences_of_passthrough
)
# By where they go. The pixels of the first one that can do an input are right.
PROGRAMS = {
    "folder": (
        Program(DZSAVE, bare(DZSAVE), turns.differences),
        Program("vips", ours("--backend", "vips", *SIZE), turns.differences),
        Program(STREAM, ours("--backend", "stream", *SIZE), turns.differences),
        PASSED,
        Program(OPENSLIDE, ours("--backend", "stream", "--reader", "openslide", *SIZE), turns.differences),
        # The tiles of the generator are not always of the size that its own layout says.
        Program(POOL, bare(POOL), turns.wrong_names),
        # The work that others cannot do without.
        Program(LIMIT, alone()),
        Program(f"{LIMIT} of {PASSTHROUGH}", alone("--passthrough")),
        Program(f"{LIMIT} of {OPENSLIDE}", alone("--reader", "openslide")),
    ),
    "szi": (
        Program(DZSAVE, lambda source, out: [sys.executable, "-c", BARE_SZI, f"{source}", f"{out}"], None, ".szi"),
        Program(STREAM, ours(*OWN_SIZE), turns.differences, ".szi"),
        Program(FOLDER, ours(*OWN_SIZE), turns.differences),
        replace(PASSED, suffix=".szi"),
    ),
}
COLUMNS = ("seconds", "x dzsave", "x limit", "CPU s", "CPU x folder", "cores", "peak MB", "own MB")


def stages_of(run: Cost) -> Stages:
    """Return what a run of `LIMIT`, or of that of another, has measured."""
    return msgspec.json.decode(run.output, type=Stages)


def row(costs: Costs, name: str, clock: Figure) -> tuple[str, ...]:
    """Return the figures of a program; what is compared, pair by pair of one round."""
    runs, limits = costs[name], costs.get(f"{LIMIT} of {name}", costs.get(LIMIT, ()))
    limit = [stages_of(one).limit for one in limits]
    return (
        name,
        f"{Spread.of([clock(run) for run in runs])}",
        f"{ratio(runs, costs[DZSAVE], clock)}" if DZSAVE in costs and name != DZSAVE else "",
        f"{Spread.of_ratios(limit, [clock(run) for run in runs])}" if limit else "",
        f"{median(map(cpu, runs)):.2f}",
        f"{ratio(costs[FOLDER], runs, cpu)}" if FOLDER in costs else "",
        f"{median(one.run.cores_busy for one in runs):.2f}",
        f"{max(map(memory, runs)) / 1e6:.0f}",
        f"{max(one.peak_anonymous or 0 for one in runs) / 1e6:.0f}",
    )


def table(costs: Costs) -> str:
    """Return the figures of all programs: of the whole processes, then of the calls, then the limits."""
    limits = {name: Stages.medians([*map(stages_of, runs)]) for name, runs in costs.items() if name.startswith(LIMIT)}
    lines = []
    for clock, seconds in CLOCKS.items():
        rows = [row(costs, name, seconds) for name in costs if name not in limits]
        lines += [*aligned([(clock, *COLUMNS), *rows]), ""]
    return "\n".join([*lines, *(f"{name}, one thread over all of the data: {alone}" for name, alone in limits.items())])


def chosen(into: str, *, is_slide: bool) -> list[Program]:
    """Return the programs for an input, with the limits of those into folders."""
    # Of a picture, each process of the pool holds all pixels twice, and reads all of them for each of the top tiles.
    return [one for one in PROGRAMS[into] if is_slide or one.name != POOL]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the backend stream with everything else, and with the limit.")
    parser.add_argument("--into", choices=PROGRAMS, default="folder", help="default: %(default)s")
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, metavar="NAME", help=f"of {', '.join(WORKLOADS)}")
    parser.add_argument("--input", type=Path, metavar="FILE", help="instead of the workloads")
    parser.add_argument("--scale", type=float, default=1.0, help="both sides of the pictures times this")
    parser.add_argument("--rounds", type=int, default=5, help="after one to warm up")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where the outputs go; default: temporary files")
    given = parser.parse_args()
    with outputs_in(given.scratch) as scratch:
        print(f"outputs on {this_machine(scratch).disk or 'a file system whose kind is not known'}")
        for name in [given.input.stem] if given.input else given.workload or WORKLOADS:
            # In processes of their own: a child's peak memory begins at what its parent holds.
            source = given.input or in_own_process(scaled(WORKLOADS[name], given.scale).make)
            known = in_own_process(open_input, source, name, name)
            programs = chosen(given.into, is_slide=known.is_slide)
            costs = in_turn(programs, source, Path(scratch, name), given.rounds)
            heading = f"{name}: {known.size}, {known.size.area / 1e6:.1f} MP, {given.rounds} rounds"
            print(f"\n{heading}\n\n{table(costs)}\n", flush=True)


if __name__ == "__main__":
    main()
