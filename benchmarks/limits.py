"""The least time in which a pyramid can be made, from what each stage of the work takes alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Self

STAGES = ("decode", "halve", "encode", "write")


@dataclass(frozen=True, slots=True)
class Stages:
    """The processor time of each stage, in seconds, over all of the data."""

    in_order: bool
    """The source gives rows, in order: decoding cannot be shared out."""
    cores: int
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))

    @classmethod
    def medians(cls, rounds: Sequence[Self]) -> Self:
        """Return the median seconds of each stage over ``rounds`` of the same input."""
        seconds = {stage: median(stages.seconds[stage] for stages in rounds) for stage in STAGES}
        return cls(rounds[0].in_order, rounds[0].cores, seconds)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add what is done inside to ``stage``."""
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
