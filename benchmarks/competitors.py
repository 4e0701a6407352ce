"""The programs that `speed.py` compares, what each has to prove, and what a run of one takes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cattrs

from benchmarks.limits import Stages
from benchmarks.proofs import Traits, differences, differences_of_passthrough, wrong_names
from tileframe import machine
from tileframe_bench.baselines import TILE_SIZE
from tileframe_bench.entrants import NAME, Entrant
from tileframe_bench.processes import Cost, cost, in_own_process

TARGET = f"{NAME}.dzi"


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took."""

    cost: Cost
    """Of the whole process."""
    call: float
    """Seconds of the work itself, by its own clock: without starting Python and importing libraries."""

    @property
    def whole(self) -> float:
        """The seconds of the whole process."""
        return self.cost.seconds

    @property
    def peak(self) -> float:
        """The largest resident size, in megabytes."""
        return self.cost.peak_resident / 1e6

    @property
    def own_peak(self) -> float:
        """The same without the pages of files; 0 where the system does not say."""
        return (self.cost.peak_anonymous or 0) / 1e6


@dataclass(frozen=True, slots=True)
class Competitor:
    """One way to make the pyramid."""

    name: str
    entrant: Entrant
    options: tuple[str, ...] = ()
    """Of ``tileframe run``, beside those that everyone is given."""
    limit: tuple[str, ...] = ()
    """The options of `benchmarks.stages` that measure the work it cannot do without."""
    prove: Callable[[Path, Path, Path], list[str]] = differences
    """Returns what is wrong, given the source, the pyramid and the reference."""

    def run(self, source: Path, folder: Path) -> Run:
        """Make the pyramid in ``folder``, which is made as well."""
        folder.mkdir(parents=True)
        workers = machine.available_cores()
        command = self.entrant.process(source, folder, tile_size=TILE_SIZE, workers=workers)
        spent = cost([*command, *self.options], source=source)
        report = folder / "report.json"
        said = spent.output.splitlines()[-1] if self.entrant.kind == "baseline" else report.read_text(encoding="utf-8")
        return Run(spent, float(json.loads(said)["seconds"]))

    def faults(self, source: Path, folder: Path, reference: Path) -> list[str]:
        """Return what is wrong with what it made in ``folder``, by the pyramid in the folder ``reference``."""
        return in_own_process(self.prove, source, folder / TARGET, reference / TARGET)


_stream = Entrant("stream", "backend")
STREAM = Competitor("stream", _stream)
PASSTHROUGH = Competitor(
    "stream --passthrough",
    _stream,
    ("--passthrough", "--tile-size", "native"),
    limit=("--passthrough",),
    prove=differences_of_passthrough,
)
OPENSLIDE = Competitor("stream, openslide", _stream, ("--reader", "openslide"), limit=("--reader", "openslide"))
VIPS = Competitor("vips", Entrant("vips", "backend"))
DZSAVE = Competitor("bare dzsave", Entrant("bare dzsave", "baseline"))
# The tiles of the generator are not always of the size that its own layout says.
POOL = Competitor("generator pool", Entrant("generator pool", "baseline"), prove=wrong_names)
GENERATOR = Competitor("generator loop", Entrant("generator loop", "baseline"), prove=wrong_names)


def competitors_for(traits: Traits, *, slow: bool = False) -> list[Competitor]:
    """Return those who can do such an input, and ``slow`` ones only on demand."""
    able = {
        STREAM: True,
        PASSTHROUGH: traits.stores_jpegs,
        OPENSLIDE: traits.is_slide,
        VIPS: True,
        DZSAVE: traits.dzsave_reads,
        # Of a picture, each process holds all pixels twice, and reads all of them for each tile of the top levels.
        POOL: traits.is_slide or slow,
        GENERATOR: slow,
    }
    return [competitor for competitor, is_able in able.items() if is_able]


def reference_of(competitors: Sequence[Competitor]) -> Competitor:
    """Return whose pixels are right: bare dzsave, or, where it cannot read the input, `vips`, or else the first."""
    return next((one for one in (DZSAVE, VIPS) if one in competitors), competitors[0])


def measured_stages(source: Path, folder: Path, limit: tuple[str, ...] = ()) -> Stages:
    """Measure what the work takes stage by stage, in a process of its own."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("stages.py")
    found = cost([sys.executable, script, source, folder, *limit, "--json"], source=source)
    return cattrs.structure(json.loads(found.output), Stages)


def one_round(competitors: Sequence[Competitor], source: Path, scratch: Path, number: int) -> dict[Competitor, Run]:
    """Run ``competitors`` in turn, in fresh folders below ``scratch``, and prove what each has made."""
    folder = scratch / f"{number}"
    runs = {one: one.run(source, folder / one.name) for one in competitors}
    for one in competitors:
        # The reference of pass-through is made for the proof, once.
        reference = scratch / "without passthrough" if one is PASSTHROUGH else folder / reference_of(competitors).name
        if wrong := one.faults(source, folder / one.name, reference):
            raise SystemExit(f"{one.name}: {len(wrong)} faults, {wrong[0]} for one; no time counts")
    seconds = ", ".join(f"{one.name} {run.whole:.2f}" for one, run in runs.items())
    print(f"{source.stem}, round {number or 'to warm up'}: {seconds} s", file=sys.stderr, flush=True)
    return runs
