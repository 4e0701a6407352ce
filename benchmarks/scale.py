"""What many slides take, from the costs of one: the tables and the plot of docs/scale.md.

    python benchmarks/scale.py [--megapixels N] [--blank F] [--core-hour F] [--puts F] [--gigabyte F] [--keep]

Costs are measured by runs of a drawn slide, fitted to two sizes with one worker, and the model is checked against runs
of a third size with 1, 2 and 4. Prices are yours: in any unit, those here are only like a cloud's. --keep prints, and
leaves the page.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.turns import outputs_in
from tileframe.machine import available_cores
from tileframe_bench.environment import refuse_too_little_room
from tileframe_bench.workloads import WORKLOADS, scaled

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
BEGIN, END = "<!-- made by benchmarks/scale.py -->", "<!-- end -->"
SLIDES = (1_000, 100_000, 10_000_000)
FITTED, CHECKED = (0.125, 0.25), 0.375
GRID = ("--tile-size", "native", "--overlap", "0")
"""That of the slide, which pass-through wants: so all ways make the same tiles."""
ROUNDS = 3
"""Runs of which the one with the least processor time counts: what it takes beyond that is the machine's."""
PUT_CPU = 0.25e-3
"""CPU seconds of one request to an object store, as benchmarks/objects.py finds them."""
PART = 16 << 20
"""Bytes of an archive that one request carries."""
REQUESTS_BESIDE = 15
"""Requests of a run that carry neither tiles nor parts: what is there, descriptor, digests, manifest, checks."""
BESIDE = 3
"""Objects of a pyramid that are no tiles: descriptor, digests, manifest."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of the slide of ``size`` megapixels, or of none: each value is ``start + per_megapixel * size``."""

    start: float
    per_megapixel: float

    @classmethod
    def through(cls, one: tuple[float, float], other: tuple[float, float]) -> Cost:
        """Return the line through two measured points."""
        slope = (other[1] - one[1]) / (other[0] - one[0])
        return cls(max(0.0, one[1] - slope * one[0]), slope)

    def of(self, size: float) -> float:
        """Return the cost of a slide of ``size`` megapixels."""
        return self.start + self.per_megapixel * size


@dataclass(frozen=True, slots=True)
class Way:
    """How pyramids are made."""

    name: str
    options: tuple[str, ...] = ()
    skips_blank: bool = False
    is_archive: bool = False


WAYS = (
    Way("a folder of tiles"),
    Way("`--skip-blank`", skips_blank=True),
    Way("`--passthrough`", ("--passthrough",)),
    Way("szi", is_archive=True),
    Way("szi, `--skip-blank`", skips_blank=True, is_archive=True),
    Way("szi, `--passthrough`", ("--passthrough",), is_archive=True),
)


@dataclass(frozen=True, slots=True)
class Model:
    """What a slide costs, made in one way."""

    cpu: Cost
    tiles: Cost
    bytes: Cost


def measured(scale: float, options: tuple[str, ...], scratch: Path, workers: int = 1) -> dict[str, float]:
    """Return the figures of a run, whose output goes into a new folder in ``scratch``."""
    slide = scaled(WORKLOADS["svs"], scale)
    command = [sys.executable, "-m", "tileframe", "run", f"{slide.make()}", "--json", f"--workers={workers}", *GRID]
    runs = []
    for _ in range(ROUNDS):
        folder = tempfile.mkdtemp(dir=scratch)
        there = ["-o", f"{folder}/x", *options]
        done = subprocess.run([*command, *there], check=True, capture_output=True, text=True)
        runs.append(json.loads(done.stdout))
        refuse_too_little_room(Path(folder), ROUNDS - len(runs))
    best = min(runs, key=lambda run: float(run["cpu_seconds"]))
    figures = {name: float(best[name]) for name in ("cpu_seconds", "tiles", "tile_bytes")}
    return figures | {"seconds": min(run["seconds"] for run in runs), "size": slide.size.area / 1e6}


def fitted(options: tuple[str, ...], scratch: Path) -> Model:
    """Measure two sizes, and return the lines through them."""
    runs = [measured(scale, options, scratch) for scale in FITTED]
    lines = (
        Cost.through(*((run["size"], run[name]) for run in runs)) for name in ("cpu_seconds", "tiles", "tile_bytes")
    )
    return Model(*lines)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def checks(models: dict[tuple[str, ...], Model], scratch: Path) -> list[list[str]]:
    """Return rows of what the model says of another size, and what runs of it took."""
    rows = []
    for options, model in models.items():
        for workers in (1, 2, 4):
            run = measured(CHECKED, options, scratch, workers)
            row = [f"{run['size']:.0f}", options[0].strip("-") if options else "all encoded", f"{workers}"]
            for cost, name, unit in (
                (model.cpu, "cpu_seconds", 1),
                (model.tiles, "tiles", 1),
                (model.bytes, "tile_bytes", 1e6),
            ):
                said, real = cost.of(run["size"]), run[name]
                row.append(f"{said / unit:,.3g} / {real / unit:,.3g}: {100 * (said / real - 1):+.0f} %")
            busy = min(workers, available_cores())
            row.append(f"{model.cpu.of(run['size']) / busy:.2f} / {run['seconds']:.2f}")
            rows.append(row)
    return rows


def bill(way: Way, model: Model, asked: argparse.Namespace, slides: int) -> dict[str, float]:
    """Return what ``slides`` take, made in one way."""
    size, absent = asked.megapixels, asked.blank if way.skips_blank else 0.0
    tiles, weight = model.tiles.of(size) * (1 - absent), model.bytes.of(size)
    objects = 1.0 if way.is_archive else tiles + BESIDE
    requests = REQUESTS_BESIDE + (weight / PART if way.is_archive else tiles)
    # An absent tile is read and halved, and not encoded: what pass-through saves of the base tiles.
    saved = absent * asked.encoding * size
    hours = (model.cpu.of(size) - saved + requests * PUT_CPU) / 3600
    found = {"hours": hours, "requests": requests, "objects": objects, "terabytes": weight / 1e12}
    found = {name: value * slides for name, value in found.items()}
    once = found["hours"] * asked.core_hour + found["requests"] / 1000 * asked.puts
    return found | {"once": once, "month": found["terabytes"] * 1000 * asked.gigabyte}


def plot(bills: dict[str, dict[str, float]], asked: argparse.Namespace) -> None:
    """Draw what 100,000 slides cost: machines, requests, and a year of storage."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "scale"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 3.2), layout="constrained")
    names, left = [name.replace("`", "") for name in bills], [0.0] * len(bills)
    parts = {
        "machines": [one["hours"] * asked.core_hour for one in bills.values()],
        "requests": [one["requests"] / 1000 * asked.puts for one in bills.values()],
        "storage, a year": [12 * one["month"] for one in bills.values()],
    }
    for (label, values), colour in zip(parts.items(), ("#0f766e", "#b45309", "#64748b"), strict=True):
        axes.barh(names, values, left=left, label=label, color=colour)
        left = [before + value for before, value in zip(left, values, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel(f"units for 100,000 slides of {asked.megapixels:,.0f} megapixels")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(PAGE.with_suffix(".svg"), metadata={"Date": None})


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=1000, help="of a slide, its base alone (default 1000)")
    parser.add_argument("--blank", type=float, default=0.5, help="share of tiles that are background (0.5)")
    parser.add_argument("--core-hour", type=float, default=0.04, help="price of an hour of one core (0.04)")
    parser.add_argument("--puts", type=float, default=0.005, help="price of 1,000 requests that write (0.005)")
    parser.add_argument("--gigabyte", type=float, default=0.023, help="price of a gigabyte for a month (0.023)")
    parser.add_argument("--keep", action="store_true", help="print the tables, and leave docs/scale.md as it is")
    asked = parser.parse_args()
    with outputs_in(None) as scratch:
        models = {options: fitted(options, scratch) for options in dict.fromkeys(way.options for way in WAYS)}
        checked = checks(models, scratch)
    own, passed = (models[way.options] for way in (WAYS[0], WAYS[2]))
    asked.encoding = max(0.0, own.cpu.per_megapixel - passed.cpu.per_megapixel)
    costs = [
        [name, f"{model.cpu.start:.2f} + {1000 * model.cpu.per_megapixel:.1f} ms", f"{model.tiles.per_megapixel:.1f}",
         f"{model.bytes.per_megapixel / 1e6:.3f}"]
        for name, model in (("all tiles encoded", own), ("`--passthrough`", passed))
    ]  # fmt: skip
    text = [table(["slide", "CPU seconds, and for each megapixel", "tiles a megapixel", "MB a megapixel"], costs)]
    head = ["megapixels", "tiles", "workers", "CPU s, model / run", "tiles", "MB", "seconds"]
    text.append(table(head, checked))
    rows = []
    for slides in SLIDES:
        for way in WAYS:
            one = bill(way, models[way.options], asked, slides)
            values = (f"{one[name]:,.3g}" if one[name] < 100 else f"{one[name]:,.0f}" for name in one)
            rows.append([f"{slides:,}", way.name, *values])
    head = ["slides", "made as", "core-hours", "requests", "objects", "TB", "units once", "units a month"]
    text.append(table(head, rows))
    print("\n\n".join(text))
    if not asked.keep:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        said = f"A slide has {asked.megapixels:,.0f} megapixels, {asked.blank:.0%} of its tiles are background."
        prices = (
            f"Units: {asked.core_hour:g} a core-hour, {asked.puts:g} for 1,000 requests, "
            f"{asked.gigabyte:g} a gigabyte and month."
        )
        made = f"{BEGIN}\n\n{text[0]}\n\n{text[1]}\n\n{said} {prices}\n\n{text[2]}\n\n{END}"
        PAGE.write_text(f"{before}{made}{rest.partition(END)[2]}", encoding="utf-8")
        plot({way.name: bill(way, models[way.options], asked, 100_000) for way in WAYS}, asked)


if __name__ == "__main__":
    main()
