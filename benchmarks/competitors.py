"""Those who make the same pyramid, each by a command of its own, and what each of them has to prove."""

from __future__ import annotations

import enum
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.limits import Stages
from benchmarks.proofs import NAME, Traits, wrong_files, wrong_passed_through, wrong_pixels
from tileframe_bench import baselines
from tileframe_bench.baselines import OVERLAP, QUALITY, TILE_SIZE
from tileframe_bench.processes import Cost, cost, in_own_process

HERE = Path(__file__).parent
PROGRAM = Path(sys.executable).with_name("tileframe")


class Proof(enum.Enum):
    """What has to be true of an output before its time counts."""

    PIXELS = "all files, their sizes, and the pixels of the reference on every level"
    PASSED_THROUGH = "all files, their sizes, the slide's own pixels, and the usual ones on the other levels"
    NAMES = "all files: the tiles of the generator are not always of the size that its own layout says"


@dataclass(frozen=True, slots=True)
class Competitor:
    """One way to make the pyramid."""

    name: str
    baseline: str | None = None
    """Of `tileframe_bench.baselines`; None for tileframe itself."""
    options: tuple[str, ...] = ()
    """Of ``tileframe run``."""
    limit: tuple[str, ...] = ()
    """The options of `benchmarks.stages` that measure the work it cannot do without."""
    proof: Proof = Proof.PIXELS

    def command(self, source: Path, folder: Path) -> list[str | Path]:
        """Return what makes ``folder/pyramid.dzi`` of ``source``."""
        if self.baseline is not None:
            return [sys.executable, Path(baselines.__file__), self.baseline, source, folder / NAME]
        common = ["--overlap", f"{OVERLAP}", "--quality", f"{QUALITY}", "--no-limit-bounds", "--quiet"]
        if self.proof is not Proof.PASSED_THROUGH:
            common += ["--tile-size", f"{TILE_SIZE}"]
        target = folder / f"{NAME}.dzi"
        return [PROGRAM, "run", source, *self.options, *common, "-o", target, "--report", _report(folder)]

    def run(self, source: Path, folder: Path) -> Run:
        """Run it in a new ``folder``."""
        folder.mkdir(parents=True)
        spent = cost(self.command(source, folder), source=source)
        said = spent.output.splitlines()[-1] if self.baseline else _report(folder).read_text(encoding="utf-8")
        return Run(spent, float(json.loads(said)["seconds"]))

    def faults(self, source: Path, folder: Path, reference: Path) -> list[str]:
        """Return what is wrong with what it has made in ``folder``.

        ``reference`` has the pyramid whose pixels are right; with pass-through it is where one is made, once.
        """
        wrong = in_own_process(partial(wrong_files, names_only=self.proof is Proof.NAMES), folder)
        if wrong or self.proof is Proof.NAMES or folder == reference:
            return wrong
        if self.proof is Proof.PASSED_THROUGH:
            return in_own_process(wrong_passed_through, source, folder, reference)
        return in_own_process(wrong_pixels, folder, reference)


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a competitor took."""

    cost: Cost
    """Of the whole process."""
    call: float
    """Seconds of the work itself, by its own clock: without starting Python and importing libraries."""


STREAM = Competitor("stream")
PASSTHROUGH = Competitor(
    "stream --passthrough", options=("--passthrough",), limit=("--passthrough",), proof=Proof.PASSED_THROUGH
)
OPENSLIDE = Competitor(
    "stream, openslide", options=("--reader", "openslide"), limit=("--reader", "openslide"), proof=Proof.PIXELS
)
VIPS = Competitor("vips", options=("--backend", "vips"))
DZSAVE = Competitor("bare dzsave", baseline="dzsave")
POOL = Competitor("generator pool", baseline="pool", proof=Proof.NAMES)
GENERATOR = Competitor("generator loop", baseline="generator", proof=Proof.NAMES)


def competitors_for(traits: Traits, *, slow: bool = False) -> list[Competitor]:
    """Return those who can do such an input, and ``slow`` ones only on demand."""
    able = {
        STREAM: True,
        PASSTHROUGH: traits.stores_jpegs and has_passthrough(),
        OPENSLIDE: traits.is_slide,
        VIPS: True,
        DZSAVE: traits.dzsave_reads,
        # Of a picture, each process holds all pixels twice, and reads all of them for each tile of the top levels.
        POOL: traits.is_slide or slow,
        GENERATOR: slow,
    }
    return [competitor for competitor, is_able in able.items() if is_able]


def reference_of(competitors: Sequence[Competitor]) -> Competitor:
    """Return the one whose pixels are right: bare dzsave, or, where it cannot read the input, the backend `vips`."""
    return DZSAVE if DZSAVE in competitors else VIPS


def has_passthrough() -> bool:
    """Say whether this tileframe can pass tiles through."""
    said = subprocess.run([PROGRAM, "run", "--help"], check=True, capture_output=True, text=True)
    return "--passthrough" in said.stdout


def measured_stages(source: Path, folder: Path, limit: tuple[str, ...]) -> Stages:
    """Measure what the work takes stage by stage, in a process of its own."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    return Stages.parse(
        cost([sys.executable, HERE / "stages.py", source, folder, *limit, "--json"], source=source).output
    )


def _report(folder: Path) -> Path:
    return folder / "report.json"
