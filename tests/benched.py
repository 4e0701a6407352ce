"""What a benchmark might have found: records for the tests of tables, charts and pages."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from tileframe import Equality, Size
from tileframe_bench.records import Bench, Entry, Machine, Run, Sample, Trial, Verdict

INPUTS = {"plaza.jpg": Size(30000, 21952), "tissue.svs": Size(32671, 24000), "small region.svs": Size(2220, 2967)}
TILE_SIZES = (256, 512, 1024)
STRANGER = "acme-gpu"
# Megapixels a second, cores kept busy, and megabytes held.
WAYS = {
    "stream": (125, 1.8, 240),
    "vips": (92, 1.5, 410),
    "openslide": (21, 1.7, 330),
    "bare dzsave": (100, 1.5, 385),
    STRANGER: (190, 0.6, 1450),
    "generator loop": (9, 1.0, 160),
}
SMALL_TILES = "50 tiles are a pixel narrower than the layout says: the generator rounds their sides twice"
NO_POOL = "BrokenProcessPool: A process in the process pool was terminated abruptly while the future was running"


def sample(seconds: float, *, busy: float = 1.5, cores: Sequence[float] = (0.9, 0.7), resident: int = 1) -> Sample:
    return Sample(seconds, busy, tuple(cores), resident * 1_000_000, int(seconds * 5e7), int(seconds * 3e7))


def run(seconds: float, *, cores: float = 1.5, megabytes: float = 200, looks: int = 40, seed: int = 0) -> Run:
    """One that starts slowly, works, and has an end in which it only writes."""
    chance = Random(seed)
    samples = []
    for look in range(1, looks + 1):
        share = look / (looks + 1)
        pace = 0.5 if share < 0.08 else 0.3 if share > 0.92 else 1
        busy = min(2, cores * pace * chance.uniform(0.85, 1.12))
        loads = tuple(min(1.0, busy / 2 * chance.uniform(0.8, 1.2) + 0.04) for _ in range(2))
        held = megabytes * min(1, 0.25 + 4 * share) * chance.uniform(0.93, 1)
        samples.append(
            Sample(seconds * share, busy, loads, int(held * 1e6), int(share * 6.1e8), int(max(0, share - 0.05) * 4e8))
        )
    return Run(seconds, cores * seconds, int(megabytes * 1e6), 612_345_678, 402_345_678, tuple(samples))


def entry(name: str, seconds: float, *, tiles: int = 13_583, rounds: int = 2, seed: int = 0) -> Entry:
    """One whose runs take about so long, with all its tiles identical."""
    _, cores, megabytes = WAYS.get(name, (0, 1.5, 200))
    chance = Random(seed)
    runs = tuple(
        run(
            seconds * chance.uniform(0.94, 1.12),
            cores=cores,
            megabytes=megabytes * chance.uniform(0.97, 1.05),
            seed=seed + number,
        )
        for number in range(rounds)
    )
    is_baseline = name in ("bare dzsave", "generator loop", "generator pool")
    return Entry(
        name,
        "baseline" if is_baseline else "backend",
        f"python {name.replace(' ', '_')}.py plaza.jpg out"
        if is_baseline
        else f"tileframe run --backend {name} IN OUT",
        runs,
        Verdict(Equality.PIXELS, tiles, tiles, (), is_ranked=True),
        {"stream": "rows, 2 workers", "generator loop": "one tile after the other"}.get(name, ""),
    )


def unranked(made: Entry, *marks: str) -> Entry:
    """The same with a verdict that keeps it out of the ranking."""
    verdict = Verdict(None, 9_000, 13_583, marks, is_ranked=False)
    return Entry(made.name, made.kind, made.command, made.runs, verdict, made.way)


def absent(name: str, trouble: str) -> Entry:
    return Entry(name, "baseline", f"python {name}.py IN OUT", (), None, "", trouble)


def trial(name: str = "plaza.jpg", tile_size: int = 256, *, size: Size | None = None, workers: int = 2) -> Trial:
    """Everyone with one input."""
    size = size or INPUTS.get(name, Size(3000, 2000))
    tiles = int(size.area / tile_size**2 * 1.34)
    entries = []
    for place, (who, (pace, _, _)) in enumerate(WAYS.items()):
        seconds = 0.1 + size.area / 1e6 / pace * (1 + 0.04 * (256 / tile_size))
        is_loop = who == "generator loop"
        made = entry(who, seconds, tiles=tiles, rounds=1 if is_loop else 2, seed=hash_of(name) + 10 * place)
        entries.append(unranked(made, SMALL_TILES) if is_loop else made)
    openslide = entries[2]
    base_only = Verdict(Equality.BASE, tiles * 3 // 4, tiles, (), is_ranked=True)
    entries[2] = Entry(openslide.name, openslide.kind, openslide.command, openslide.runs, base_only)
    entries.append(absent("generator pool", NO_POOL))
    return Trial(name, size, size.area // 6, tile_size, 16, tiles, workers, "bare dzsave", tuple(entries))


def hash_of(name: str) -> int:
    return sum(map(ord, name))


def bench(trials: Sequence[Trial] | None = None) -> Bench:
    """Three inputs at three tile sizes, or what is given."""
    if trials is None:
        trials = [trial(name, tile_size) for name in INPUTS for tile_size in TILE_SIZES]
    return Bench(
        "2026-02-03T14:05:06+00:00",
        "tileframe bench plaza.jpg tissue.svs --tile-size 256,512,1024 --rounds 2 --html bench.html",
        Machine("Linux 6.1 (x86_64)", "Example Processor 7 @ 3.10GHz", 2, 8_318_820_352, "ext4"),
        {
            "tileframe": "0.1.0",
            "Python": "3.12.4",
            "libvips": "8.17.1",
            "OpenSlide": "4.0.0",
            "acme-gpu (acme-tiles)": "2.1.0rc1",
        },
        {
            "overlap": "0 px",
            "format": "JPEG, quality 75, 4:2:0",
            "workers": "2",
            "cache": "the input is read once before each run, so that it is in the page cache",
            "metadata": "none",
        },
        2,
        tuple(trials),
    )
