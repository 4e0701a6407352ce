"""Records of a made-up benchmark, for the tests of tables, charts and pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from tileframe import Equality, Size
from tileframe_bench.records import Bench, Entry, Machine, Run, Sample, Trial, Verdict

SIZES = {"plaza.jpg": Size(30000, 21952), "tissue.svs": Size(32671, 24000)}
STRANGER = "acme-gpu"
# Seconds for the picture, cores kept busy, and megabytes held.
ENTRANTS = {
    "stream": (5.3, 1.8, 240),
    "vips": (7.2, 1.5, 410),
    "openslide": (31, 1.7, 330),
    "bare dzsave": (6.6, 1.5, 385),
    STRANGER: (3.5, 0.6, 1450),
    "generator loop": (73, 1.0, 160),
}
SMALL_TILES = "50 tiles are a pixel narrower than the layout says: the generator rounds their sides twice"
NO_POOL = "BrokenProcessPool: A process in the process pool was terminated abruptly while the future was running"


def run(seconds: float, *, cores: float = 1.5, megabytes: float = 200, samples: int = 40) -> Run:
    """A run that starts slowly, works, and has an end in which it only writes."""
    random = Random(f"{seconds} {cores} {megabytes}")
    taken = []
    for number in range(1, samples + 1):
        share = number / (samples + 1)
        busy = min(2, cores * (0.5 if share < 0.08 else 0.3 if share > 0.92 else 1) * random.uniform(0.85, 1.12))
        loads = tuple(min(1.0, busy / 2 * random.uniform(0.8, 1.2) + 0.04) for _ in range(2))
        held = megabytes * 1e6 * min(1, 0.25 + 4 * share) * random.uniform(0.93, 1)
        read, written = int(share * 6.1e8), int(max(0, share - 0.05) * 4e8)
        taken.append(Sample(seconds * share, busy, loads, int(held), read, written))
    return Run(seconds, cores * seconds, int(megabytes * 1e6), 612_345_678, 402_345_678, tuple(taken))


def entry(name: str, *seconds: float, tiles: int = 13_465) -> Entry:
    """An entrant whose runs take so long, with all its tiles identical."""
    _, cores, megabytes = ENTRANTS.get(name, (0, 1.5, 200))
    is_baseline = name in ("bare dzsave", "generator loop", "generator pool")
    return Entry(
        name,
        "baseline" if is_baseline else "backend",
        f"tileframe run --backend '{name}' IN OUT",
        tuple(run(one, cores=cores, megabytes=megabytes + number) for number, one in enumerate(seconds)),
        Verdict(Equality.PIXELS, tiles, tiles, (), is_ranked=True),
        {"stream": "rows, 2 workers"}.get(name, ""),
    )


def unranked(made: Entry, *marks: str) -> Entry:
    """The same with a verdict that keeps it out of the ranking."""
    return replace(made, verdict=Verdict(None, 9_000, 13_465, marks, is_ranked=False))


def failed(name: str, failure: str) -> Entry:
    return Entry(name, "baseline", f"python {name}.py IN OUT", (), None, "", failure)


def trial(name: str = "plaza.jpg") -> Trial:
    """All entrants with one input: one is not ranked, one has other pixels below the base, one failed."""
    entries = [entry(who, 1.05 * seconds, 0.98 * seconds) for who, (seconds, _, _) in ENTRANTS.items()]
    loop, base_only = entry("generator loop", 73.0), Verdict(Equality.BASE, 10_098, 13_465, (), is_ranked=True)
    entries[2] = replace(entries[2], verdict=base_only)
    entries[5] = unranked(loop, SMALL_TILES)
    entries.append(failed("generator pool", NO_POOL))
    size = SIZES.get(name, Size(3000, 2000))
    return Trial(name, size, size.area // 6, 256, 16, 13_465, 2, "bare dzsave", tuple(entries))


def bench(trials: Sequence[Trial]) -> Bench:
    return Bench(
        "2026-02-03T14:05:06+00:00",
        "tileframe bench plaza.jpg tissue.svs --html bench.html",
        Machine("Linux 6.1 (x86_64)", "Example Processor 7 @ 3.10GHz", 2, 8_318_820_352, "ext4"),
        {"tileframe": "0.1.0", "Python": "3.12.4", "libvips": "8.17.1", "acme-gpu (acme-tiles)": "2.1.0rc1"},
        {"overlap": "0 px", "format": "JPEG, quality 75, 4:2:0", "workers": "2", "cache": "the input is in it"},
        2,
        tuple(trials),
    )
