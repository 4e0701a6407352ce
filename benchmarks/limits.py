"""The least time in which a pyramid can be made, from what each stage of the work takes alone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Self

STAGES = ("decode", "halve", "encode", "write")


@dataclass(slots=True)
class Stages:
    """The processor time of each stage, in seconds, over all of the data."""

    in_order: bool
    """The source gives rows, in order: decoding cannot be shared out."""
    cores: int
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what `to_json` has written."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add what is done inside to ``stage``."""
        before = time.process_time()
        yield
        self.seconds[stage] += time.process_time() - before

    @property
    def limit(self) -> float:
        """The least seconds in which so many cores could do it all.

        The time of all stages divided by the cores, or that of decoding alone, where it cannot be shared out.
        """
        shared = sum(self.seconds.values()) / self.cores
        return max(shared, self.seconds["decode"]) if self.in_order else shared

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in self.seconds.items())
        alone = self.in_order and self.limit == self.seconds["decode"]
        why = "decoding, which gives rows in order" if alone else "all stages, shared out"
        return f"{self.limit:.2f} s on {self.cores} cores ({why}): {parts} s of one core"
