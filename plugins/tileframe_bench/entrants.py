"""The entrants of a benchmark: every installed backend, and what people write without tileframe."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tileframe import BackendPlugin, Equality, OptionError, machine
from tileframe_bench import baselines
from tileframe_bench.baselines import OVERLAP, QUALITY
from tileframe_bench.workloads import Input

NAME = "pyramid"
BASELINES = {"bare dzsave": "dzsave", "generator loop": "generator", "generator pool": "pool"}
# Of every run of tileframe, colours as the baselines leave them.
HELD_EQUAL = f"--overlap {OVERLAP} --format jpeg --quality {QUALITY} --no-limit-bounds --color keep --json".split()
# -P: no modules of the current folder; a baseline by its path: a bare script does not import tileframe.
PYTHON = [sys.executable, "-P"]
# Bytes a pixel that each process of the generator holds of a picture that is not a slide: 10.3 GB for 659 MP.
GENERATOR_BYTES = 16
# The part of the free memory that they may take together.
MEMORY_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Entrant:
    """One program that makes the pyramid."""

    name: str
    kind: Literal["backend", "baseline"]

    def command(self, source: Path | str, folder: Path | str, *, tile_size: int, workers: int) -> list[str]:
        """Return the command that makes ``folder/pyramid.dzi`` of ``source``."""
        out = f"{folder}/{NAME}"
        sizes = ["--tile-size", f"{tile_size}", "--workers", f"{workers}"]
        if self.kind == "baseline":
            return ["python", "-m", baselines.__name__, BASELINES[self.name], f"{source}", out, *sizes]
        return ["tileframe", "run", f"{source}", "--backend", self.name, *sizes, *HELD_EQUAL, "-o", f"{out}.dzi"]

    def process(self, source: Path, folder: Path, *, tile_size: int, workers: int) -> list[str]:
        """Return the same command for this Python."""
        command = self.command(source, folder, tile_size=tile_size, workers=workers)
        return [*PYTHON, baselines.__file__, *command[3:]] if self.kind == "baseline" else [*PYTHON, "-m", *command]

    def failure(self, source: Input, workers: int) -> str:
        """Return why it cannot be run; empty if it can be tried."""
        if not self.name.startswith("generator") or self.kind == "backend" or source.is_slide:
            return ""
        needed = GENERATOR_BYTES * source.size.area * (workers if self.name == "generator pool" else 1)
        free = machine.available_memory()
        if needed < MEMORY_SHARE * free:
            return ""
        share = f"more than {MEMORY_SHARE:.0%} of the {free / 1e9:.1f} GB that are free"
        return f"would need about {needed / 1e9:.1f} GB of memory to hold the whole picture, {share}"

    def reported(self, output: str) -> tuple[Equality | None, str]:
        """Return the equality that the report in its ``output`` promises, and the method; nothing of a baseline."""
        if self.kind == "baseline":
            return None, ""
        report = json.loads(output)
        return Equality(report["promises"]), f"reader {report['reader']}; {report['method']}"


def entrants(offers: Sequence[BackendPlugin], only: Sequence[str], without: Sequence[str]) -> list[Entrant]:
    """Return those named in ``only``, or all backends on ``offers`` and all baselines, less those in ``without``.

    `OptionError` for an unknown name.
    """
    known = [Entrant(offer.name, "backend") for offer in offers] + [Entrant(name, "baseline") for name in BASELINES]
    names = [entrant.name for entrant in known]
    for name in (*only, *without):
        if name not in names:
            raise OptionError(f"nobody is named '{name}' (have: {', '.join(names)})")
    chosen = [one for one in known if (not only or one.name in only) and one.name not in without]
    if not chosen:
        raise OptionError("nobody is left to run; leave out a --without")
    return chosen


def held_equal(workers: int) -> dict[str, str]:
    """Return what was the same for all entrants, in words."""
    return {
        "layout": "Deep Zoom, down to 1x1",
        "overlap": f"{OVERLAP}",
        "format": f"JPEG, quality {QUALITY}, 4:2:0, baseline",
        "bounds": "the whole slide",
        "background": "the slide's own, else white",
        "colour profile": "not applied, not written",
        "workers": f"{workers}; the generator loop has one",
        "input": "in the system's cache",
        "each run": "a process of its own, in a fresh folder",
    }
