"""The work that a pyramid cannot do without, alone, stage by stage, in one thread.

``python benchmarks/stages.py FILE OUT [--reader NAME] [--passthrough] [--json]`` goes once through all of the data
with the reader's own decoding, tileframe's 2x2 mean, the writer's encoder and a plain write of each file, adds up the
processor time of every stage, and keeps everything else out of the sums. Nothing is scaled up from a sample.
One thread that has the machine to itself is faster than each of several: the limit is, if anything, too low.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Self

from tileframe import Access, machine
from tileframe.records import Passthrough
from tileframe_bench.baselines import TILE_SIZE
from tileframe_bench.reference import Pass, open_plain

STAGES = ("decode", "halve", "encode", "write")


@dataclass(frozen=True, slots=True)
class Stages:
    """The processor time of each stage, in seconds, over all of the data."""

    in_order: bool  # the source gives rows, in order: decoding cannot be shared out
    cores: int
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))

    @classmethod
    def medians(cls, rounds: Sequence[Self]) -> Self:
        """Return the median seconds of each stage over ``rounds`` of the same input."""
        seconds = {stage: median(stages.seconds[stage] for stages in rounds) for stage in STAGES}
        return cls(rounds[0].in_order, rounds[0].cores, seconds)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add what is done inside to ``stage``; as a decorator, every call."""
        before = time.process_time()
        yield
        self.seconds[stage] += time.process_time() - before

    @property
    def limit(self) -> float:
        """The least seconds: those of all stages divided by the cores, or of decoding alone if that takes longer."""
        shared = sum(self.seconds.values()) / self.cores
        return max(shared, self.seconds["decode"]) if self.in_order else shared

    @property
    def is_decoding(self) -> bool:
        """Whether the limit is that of decoding in order."""
        return self.in_order and self.limit == self.seconds["decode"]

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in self.seconds.items())
        why = "decoding, which gives rows in order" if self.is_decoding else "all stages, shared out"
        return f"{self.limit:.2f} s on {self.cores} cores ({why}): {parts} s of one core"


def measure(slide: Path, folder: Path, **options: Any) -> Stages:
    """Do the work on ``slide``, with its tiles written below ``folder``, and return what it took.

    The job is that of every competitor, but for ``options``.
    """
    from tileframe_stream.halving import halve, no_threads_of_opencv
    from tileframe_stream.memory import keep_freed_memory

    keep_freed_memory()
    job = open_plain(slide, folder / "pyramid.dzi", backend="stream", **options)
    stages = Stages(job.source.facts.access is Access.ROWS, machine.available_cores())
    work = Pass(job, folder)
    work.halve = halve
    # With pass-through, what is copied counts as encoded.
    work.encode = lambda tile, pixels: job.own_tile(tile) or job.writer.encode(pixels)
    for stage in STAGES:
        setattr(work, stage, stages.timed(stage)(getattr(work, stage)))
    with job.source, no_threads_of_opencv():
        work.run()
    return stages


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the work that a pyramid cannot do without.")
    parser.add_argument("slide", type=Path, metavar="FILE")
    parser.add_argument("folder", type=Path, metavar="OUT", help="a new folder, for the tiles")
    parser.add_argument("--reader", metavar="NAME", help="default: the best one that can")
    parser.add_argument("--passthrough", action="store_true", help="the base keeps the slide's own tiles")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    given = parser.parse_args()
    given.folder.mkdir()
    options = {"passthrough": Passthrough.ALWAYS, "tile_size": None} if given.passthrough else {"tile_size": TILE_SIZE}
    stages = measure(given.slide, given.folder, reader=given.reader, **options)
    print(json.dumps(asdict(stages)) if given.json else stages)


if __name__ == "__main__":
    main()
