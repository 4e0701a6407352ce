"""What the suites say of each benchmark in its ``extra_info``, and what is read back from a saved run."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HOW = "give a file that `pytest benchmarks --benchmark-only --benchmark-json FILE` has written"


class Unusable(Exception):
    """What was given cannot be worked with; one line says what it was and what would be right."""


def said_of(
    who: str, *, turn: int, is_baseline: bool, is_reference: bool, megapixels: float
) -> dict[str, str | float | bool]:
    """Return what ``extra_info`` has to have, so that a saved run can be judged.

    A baseline has nothing of tileframe in it. A reference is one by whose time the others of its group may be divided.
    """
    kind = "baseline" if is_baseline else "tileframe"
    return {"who": who, "turn": turn, "kind": kind, "reference": is_reference, "megapixels": round(megapixels, 3)}


@dataclass(frozen=True, slots=True)
class Timing:
    """What pytest-benchmark has found of one benchmark, in seconds."""

    rounds: int
    least: float
    median: float


@dataclass(frozen=True, slots=True)
class Entry:
    """One who is in a group of a saved run."""

    is_baseline: bool
    is_reference: bool
    turns: dict[int, Timing] = field(default_factory=dict)
    """By number: it stands beside those of the same turn."""


Run = dict[str, dict[str, Entry]]
"""What one saved run has: by group, then by who."""


def read(path: Path) -> Run:
    """Return what is in ``path``; `Unusable` if that is nothing of pytest-benchmark's."""
    try:
        saved = json.loads(path.read_bytes())
    except OSError as error:
        raise Unusable(f"{path}: cannot be read ({error.strerror}); {HOW}") from error
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{path}: is no JSON ({error}); {HOW}") from error
    benchmarks = saved.get("benchmarks") if isinstance(saved, dict) else None
    if not isinstance(benchmarks, list):
        raise Unusable(f"{path}: is JSON without a list 'benchmarks'; {HOW}")
    run: Run = {}
    for number, benchmark in enumerate(benchmarks):
        try:
            _add(benchmark, run)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            why = f"has no {error}" if isinstance(error, KeyError) else f"{error}"
            raise Unusable(f"{path}: its benchmark {number} is not pytest-benchmark's: {why}; {HOW}") from error
    return run


def _add(benchmark: dict[str, Any], run: Run) -> None:
    said, stats, group = benchmark["extra_info"], benchmark["stats"], benchmark["group"] or "no group"
    timing = Timing(int(stats["rounds"]), float(stats["min"]), float(stats["median"]))
    if not 0 < timing.least <= timing.median < math.inf:
        raise ValueError(f"its least time is {timing.least} and its median {timing.median} seconds")
    who, turn = said.get("who", benchmark["name"]), said.get("turn", 1)
    entry = Entry(said.get("kind") == "baseline", bool(said.get("reference")))
    turns = run.setdefault(group, {}).setdefault(who, entry).turns
    if turn in turns:
        raise ValueError(f"it is the second '{who}' of turn {turn} in the group '{group}'")
    turns[turn] = timing
