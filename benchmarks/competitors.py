"""The programs that `speed.py` compares, what each has to prove, and what a run of one takes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

import tileframe
from benchmarks.limits import Stages
from tileframe import Equality, machine, tiles_of
from tileframe.against import check_against
from tileframe.registry import load
from tileframe_bench.baselines import OVERLAP, QUALITY, TILE_SIZE
from tileframe_bench.entrants import NAME, Entrant
from tileframe_bench.judging import judge
from tileframe_bench.processes import CommandError, Cost, cost, in_own_process

TARGET = f"{NAME}.dzi"


def wrong_names(source: Path, target: Path, reference: Path) -> list[str]:
    """Return the tiles of the pyramid ``target`` that are missing or too many, of whatever size they are."""
    made = tileframe.open_pyramid(target)
    return sorted(
        {made.layout.key(tile) for tile in tiles_of(made.layout, made.pyramid)}
        ^ set(made.files.keys(made.layout.folder))
    )


def differences(source: Path, target: Path, reference: Path, promised: Equality = Equality.PIXELS) -> list[str]:
    """Compare all tiles with the reference; return what is wrong with names, sizes, pixels as promised, or JPEG tables.

    With the target itself as reference: whether all of its tiles are there, sound, and of their sizes.
    """
    verdict = judge(reference, target, promised)
    return [] if verdict.is_ranked else list(verdict.marks)


def differences_of_passthrough(source: Path, target: Path, reference: Path) -> list[str]:
    """Return what is wrong with a pyramid whose base tiles are those of the slide ``source``.

    The base has to show what the slide reads. The levels below are to be those of a run without pass-through on the
    same grid, which this makes as ``reference`` if it is not there.
    """
    made = tileframe.open_pyramid(target)
    if not reference.exists():
        side = made.pyramid.tile_size
        tileframe.run(source, reference, quality=QUALITY, tile_size=side, overlap=OVERLAP, limit_bounds=False)
    found = tileframe.compare(tileframe.open_pyramid(reference), made)
    lower = [f"level {level.level} has other pixels" for level in found.levels[:-1] if level.differing]
    base = [str(finding) for finding in check_against(made, source, load(), lambda tiles, pixels: None)]
    return [*found.layout, *lower, *base]


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


def reference_of(competitors: Collection[Competitor]) -> Competitor:
    """Return whose pixels are right: bare dzsave, or else `vips`, or `stream`, the only one that is always there."""
    return next(one for one in (DZSAVE, VIPS, STREAM) if one in competitors)


def measured_stages(source: Path, folder: Path, limit: tuple[str, ...] = ()) -> Stages:
    """Measure what the work takes stage by stage, in a process of its own."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("stages.py")
    found = cost([sys.executable, script, source, folder, *limit, "--json"], source=source)
    return msgspec.json.decode(found.output, type=Stages)


def one_round(competitors: Sequence[Competitor], source: Path, scratch: Path, number: int) -> dict[Competitor, Run]:
    """Run ``competitors`` in turn, in fresh folders below ``scratch``, and prove what each has made.

    Who fails in the round to warm up, 0, cannot do such an input and is left out.
    """
    folder = scratch / f"{number}"
    runs: dict[Competitor, Run] = {}
    for one in competitors:
        try:
            runs[one] = one.run(source, folder / one.name)
        except CommandError as error:
            if number or one is STREAM:
                raise SystemExit(f"{one.name} failed: {error}") from error
            print(f"{one.name} is left out: {error}", file=sys.stderr, flush=True)
    for one in runs:
        # The reference of pass-through is made for the proof, once.
        reference = scratch / "without passthrough" if one is PASSTHROUGH else folder / reference_of(runs).name
        if wrong := one.faults(source, folder / one.name, reference):
            raise SystemExit(f"{one.name}: {len(wrong)} faults, {wrong[0]} for one; no time counts")
    seconds = ", ".join(f"{one.name} {run.whole:.2f}" for one, run in runs.items())
    print(f"{source.stem}, round {number or 'to warm up'}: {seconds} s", file=sys.stderr, flush=True)
    return runs
