"""The backend `stream` beside everything else that makes the same pyramid, and beside the limit of the machine.

``python benchmarks/speed.py [--workload NAME ...] [--scale S] [--rounds N] [--input FILE] [--slow] [--without X ...]``

Each competitor runs in a process of its own with a fresh folder, in turn A B C, A B C ..., after one round that warms
up; every output is proved before its time counts. In each round the work itself is measured as well, stage by stage:
what no program can do without. At full size it says which of the targets were reached. It needs the space of all
outputs at once: nothing is deleted before the end, for ext4 is slower for a while after many files were deleted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from benchmarks.competitors import competitors_for, measured_stages, one_round
from benchmarks.measured import Measured, table, verdicts
from benchmarks.proofs import traits
from tileframe_bench.processes import in_own_process
from tileframe_bench.workloads import WORKLOADS, scaled


def measure(name: str, source: Path, scratch: Path, rounds: int, *, slow: bool, without: Collection[str]) -> Measured:
    """Run everyone who can do ``source``, ``rounds`` times after one to warm up."""
    known = in_own_process(traits, source)
    competitors = [one for one in competitors_for(known, slow=slow) if one.name not in without]
    limits = dict.fromkeys(one.limit for one in competitors)
    measured = Measured(name, known, {one: [] for one in competitors}, {limit: [] for limit in limits})
    for number in range(rounds + 1):
        # Another one first in each round: it alone follows the proofs of the round before.
        first = number % len(competitors)
        runs = one_round(competitors[first:] + competitors[:first], source, scratch / name, number)
        alone = [
            measured_stages(source, scratch / name / f"limits {number}" / f"{at}", it) for at, it in enumerate(limits)
        ]
        print(f"limits {', '.join(f'{stages.limit:.2f}' for stages in alone)} s", file=sys.stderr, flush=True)
        if number:
            for one, run in runs.items():
                measured.runs[one].append(run)
            for limit, stages in zip(limits, alone, strict=True):
                measured.stages[limit].append(stages)
    return measured


def sources(arguments: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    """Yield the names and paths of the inputs, which are made if need be."""
    if arguments.input is not None:
        yield arguments.input.stem, arguments.input
        return
    for name in arguments.workload or WORKLOADS:
        # In a process of its own: a child's peak memory begins at what its parent holds.
        yield name, in_own_process(scaled(WORKLOADS[name], arguments.scale).make)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the backend stream with everything else, and with the limit.")
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, metavar="NAME", help=f"of {', '.join(WORKLOADS)}")
    parser.add_argument("--input", type=Path, metavar="FILE", help="instead of the workloads")
    parser.add_argument("--scale", type=float, default=1.0, help="both sides of the pictures times this")
    parser.add_argument("--rounds", type=int, default=5, help="after one to warm up")
    parser.add_argument("--slow", action="store_true", help="the generator loops too, which take minutes and gigabytes")
    parser.add_argument("--without", nargs="+", default=[], metavar="WHO", help="leave these out, by name")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where the outputs go; default: temporary files")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tileframe-speed-", dir=given.scratch) as scratch:
        for name, source in sources(given):
            measured = measure(name, source, Path(scratch), rounds=given.rounds, slow=given.slow, without=given.without)
            size = measured.traits.size
            print(f"\n{name}: {size}, {size.area / 1e6:.1f} MP, {given.rounds} rounds\n")
            print(table(measured), end="\n\n", flush=True)
            if given.scale == 1 and given.input is None:
                print("targets, by medians", *(f"  {line}" for line in verdicts(measured)), sep="\n", flush=True)
            else:
                print("targets: they are set for the workloads at full size")


if __name__ == "__main__":
    main()
