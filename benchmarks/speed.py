"""The backend `stream` beside everything else that makes the same pyramid, and beside the limit of the machine.

``python benchmarks/speed.py [--workload NAME ...] [--scale S] [--rounds N] [--input FILE] [--slow] [--without X ...]``

Each competitor runs in a process of its own with a fresh folder, in turn A B C, A B C ..., after one round that warms
up; every output is proved before its time counts. In each round the work itself is measured as well, stage by stage:
what no program can do without. At full size it says which of the targets were reached. It needs the space of all
outputs at once, for ext4 is slower for a while where many files have just been deleted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from benchmarks.competitors import Competitor, Proof, Run, competitors_for, measured_stages, reference_of
from benchmarks.limits import Stages
from benchmarks.measured import Measured, table
from benchmarks.proofs import traits
from benchmarks.targets import verdicts
from tileframe_bench.processes import in_own_process
from tileframe_bench.workloads import WORKLOADS, scaled


def measure(
    name: str, source: Path, scratch: Path, *, rounds: int, slow: bool, without: Collection[str] = ()
) -> Measured:
    """Run everyone who can do ``source``, ``rounds`` times after one to warm up."""
    known = in_own_process(traits, source)
    competitors = [one for one in competitors_for(known, slow=slow) if one.name not in without]
    all_runs, all_stages = [], []
    for number in range(rounds + 1):
        folder = scratch / name / f"{number}"
        # The first one follows proofs and limits, which are not what the others follow: it is another in each round.
        first = number % len(competitors)
        runs = one_round(competitors[first:] + competitors[:first], source, folder, scratch / name)
        limits = dict.fromkeys(one.limit for one in competitors)
        stages = {limit: measured_stages(source, folder / f"limit{index}", limit) for index, limit in enumerate(limits)}
        say(name, number, runs, stages)
        if number:
            all_runs.append(runs)
            all_stages.append(stages)
    return Measured(name, known, tuple(competitors), tuple(all_runs), tuple(all_stages))


def one_round(competitors: list[Competitor], source: Path, folder: Path, shared: Path) -> dict[Competitor, Run]:
    """Run ``competitors`` in turn, and prove what each has made."""
    runs = {one: one.run(source, folder / one.name) for one in competitors}
    for one in competitors:
        passed = one.proof is Proof.PASSED_THROUGH
        reference = shared / "without passthrough" if passed else folder / reference_of(competitors).name
        if wrong := one.faults(source, folder / one.name, reference):
            raise SystemExit(f"{one.name}: {len(wrong)} tiles are wrong, {wrong[0]} for one; no time counts")
    return runs


def say(name: str, number: int, runs: dict[Competitor, Run], stages: dict[tuple[str, ...], Stages]) -> None:
    """Say on stderr how far it is."""
    seconds = ", ".join(f"{one.name} {run.cost.seconds:.2f}" for one, run in runs.items())
    limits = ", ".join(f"{measured.limit:.2f}" for measured in stages.values())
    print(f"{name}, round {number or 'to warm up'}: {seconds} s; limits {limits} s", file=sys.stderr, flush=True)


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
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tileframe-speed-", dir=arguments.scratch) as scratch:
        for name, source in sources(arguments):
            measured = measure(
                name, source, Path(scratch), rounds=arguments.rounds, slow=arguments.slow, without=arguments.without
            )
            known = measured.traits
            print(f"\n{name}: {known.size}, {known.size.area / 1e6:.1f} MP, {arguments.rounds} rounds\n")
            print(table(measured), end="\n\n", flush=True)
            if arguments.scale == 1 and arguments.input is None:
                print("targets, by medians")
                print(*(f"  {line}" for line in verdicts(measured)), sep="\n", flush=True)
            else:
                print("targets: they are set for the workloads at full size")


if __name__ == "__main__":
    main()
