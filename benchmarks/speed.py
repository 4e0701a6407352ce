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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import msgspec

from benchmarks import turns
from benchmarks.stages import Stages
from benchmarks.turns import Figure, Program, call, cpu, in_turn, memory, ratio, whole
from tileframe import machine
from tileframe_bench import baselines
from tileframe_bench.baselines import TILE_SIZE
from tileframe_bench.entrants import HELD_EQUAL, PYTHON
from tileframe_bench.processes import Cost, in_own_process
from tileframe_bench.records import Spread
from tileframe_bench.text import aligned, figure
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
    sizes = ("--tile-size", f"{TILE_SIZE}", "--workers", f"{machine.available_cores()}")
    return lambda source, out: [*PYTHON, baselines.__file__, name, f"{source}", f"{out.with_suffix('')}", *sizes]


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
        Program(DZSAVE, bare("dzsave"), turns.differences),
        Program("vips", ours("--backend", "vips", *SIZE), turns.differences),
        Program(STREAM, ours("--backend", "stream", *SIZE), turns.differences),
        PASSED,
        Program(OPENSLIDE, ours("--backend", "stream", "--reader", "openslide", *SIZE), turns.differences),
        # The tiles of the generator are not always of the size that its own layout says.
        Program(POOL, bare("pool"), turns.wrong_names),
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
# Times as fast as another one, at least: by where it goes, and by workload.
TARGETS = {
    ("folder", "babel"): [(STREAM, DZSAVE, 1.35)],
    ("folder", "svs"): [(STREAM, DZSAVE, 1.6), (PASSTHROUGH, DZSAVE, 2.5), (OPENSLIDE, POOL, 2.0)],
    ("folder", "jp2k"): [(OPENSLIDE, POOL, 2.0)],
    ("szi", "babel"): [(STREAM, DZSAVE, 1.2)],
    ("szi", "svs"): [(STREAM, DZSAVE, 1.25), (PASSTHROUGH, DZSAVE, 1.9)],
}
# At most: times the limit, of the CPU seconds of our own folder, and megabytes of what gives rows and regions.
OF_LIMIT, OF_FOLDER = 1.3, 0.92
MEGABYTES = {"babel": 500, "skagen": 500, "svs": 300, "jp2k": 300}
COLUMNS = ("seconds", "x dzsave", "x limit", "CPU s", "CPU x folder", "cores", "peak MB", "own MB")


def stages_of(run: Cost) -> Stages:
    """Return what a run of `LIMIT`, or of that of another, has measured."""
    return msgspec.json.decode(run.output, type=Stages)


def cells(costs: Costs, name: str, clock: Figure) -> dict[str, Spread | float]:
    """Return the figures of a program, by column: what can be compared, pair by pair of one round."""
    runs, limits = costs[name], costs.get(f"{LIMIT} of {name}", costs.get(LIMIT, ()))
    found: dict[str, Spread | float] = {"seconds": Spread.of([clock(run) for run in runs])}
    if DZSAVE in costs and name != DZSAVE:
        found["x dzsave"] = ratio(runs, costs[DZSAVE], clock)
    if limits:
        found["x limit"] = Spread.of_ratios([stages_of(one).limit for one in limits], [clock(run) for run in runs])
    if FOLDER in costs:
        found["CPU x folder"] = ratio(costs[FOLDER], runs, cpu)
    found |= {"CPU s": median(map(cpu, runs)), "cores": median(one.run.cores_busy for one in runs)}
    own = max(one.peak_anonymous or 0 for one in runs)
    return found | {"peak MB": max(map(memory, runs)) / 1e6, "own MB": own / 1e6}


def table(costs: Costs) -> str:
    """Return the figures of all programs: of the whole processes, then of the calls, then the limits."""
    lines = []
    for clock, seconds in CLOCKS.items():
        rows: list[tuple[str, ...]] = [(clock, *COLUMNS)]
        for name in (name for name in costs if not name.startswith(LIMIT)):
            found = cells(costs, name, seconds)
            texts = [found.get(column, "") for column in COLUMNS]
            rows.append((name, *(figure(one) if isinstance(one, float) else f"{one}" for one in texts)))
        lines += [*aligned(rows), ""]
    limits = {name: Stages.medians([*map(stages_of, costs[name])]) for name in costs if name.startswith(LIMIT)}
    return "\n".join([*lines, *(f"{name}, one thread over all of the data: {alone}" for name, alone in limits.items())])


def targets(workload: str, into: str, costs: Costs) -> Iterator[tuple[str, float, float, bool]]:
    """Yield what each target is about, the figure, the target, and whether it is reached."""
    for name, clock in CLOCKS.items():
        for one, than, least in TARGETS.get((into, workload), []):
            if {one, than} <= costs.keys():
                times = ratio(costs[one], costs[than], clock).median
                yield f"{name}: {one}, times as fast as {than}, at least", times, least, times >= least
    most = {"x limit": OF_LIMIT, "peak MB": MEGABYTES[workload]} if into == "folder" else {"CPU x folder": OF_FOLDER}
    for one in (one for one in (STREAM, PASSTHROUGH, OPENSLIDE) if one in costs):
        for column, target in most.items():
            if (found := cells(costs, one, whole).get(column)) is not None:
                middle = found.median if isinstance(found, Spread) else found
                yield f"{one}, {column}, at most", middle, target, middle <= target


def chosen(into: str, *, is_slide: bool, without: Sequence[str] = ()) -> list[Program]:
    """Return the programs for an input, with the limits of those into folders."""
    # Of a picture, each process of the pool holds all pixels twice, and reads all of them for each of the top tiles.
    left_out = {*without, *(() if is_slide else [POOL])}
    return [one for one in PROGRAMS[into] if one.name.removeprefix(f"{LIMIT} of ") not in left_out]


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
            for about, found, target, is_reached in targets(name, given.into, costs):
                print(f"{about} {target}: {found:.2f}, {'reached' if is_reached else 'NOT reached'}", flush=True)


if __name__ == "__main__":
    main()
