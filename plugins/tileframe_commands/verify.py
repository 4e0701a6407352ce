"""The command ``tileframe verify``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import tileframe
from tileframe import CheckError, Finding, OptionError, Severity, open_pyramid
from tileframe.cli.parameters import FILE
from tileframe.cli.progress import ProgressBar
from tileframe.cli.text import say, show_json
from tileframe_commands.isolating import isolates

SHOWN = 20


@click.command()
@click.argument("target", metavar="PYRAMID", type=FILE)
@click.option("--check", "checks", multiple=True, metavar="NAME", help="Only this check; may be given again.")
@click.option("--against", type=FILE, metavar="SLIDE", help="Also compare the base with it.")
@isolates
@click.option("--sample", type=int, metavar="N", help="With --against: compare only so many tiles.")
@click.option("--seed", type=int, metavar="N", help="Of the sample; default 0.")
@click.option("--workers", type=int, help="Most busy threads; default: the cores there are.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors; the exit code tells.")
@click.pass_obj
def verify(
    registry: Any,
    /,
    target: str,
    checks: tuple[str, ...],
    against: str | None,
    sample: int | None,
    seed: int | None,
    workers: int | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Check PYRAMID: a descriptor, an archive or a folder, of any tool. Exits with 5 if anything is wrong."""
    if against is None and (sample is not None or seed is not None):
        raise OptionError("--sample and --seed go with --against SLIDE")
    if workers is not None and workers < 1:
        raise OptionError(f"the number of workers must be 1 or more, not {workers}")
    try:
        with open_pyramid(target, registry=registry, workers=workers) as pyramid, ProgressBar(quiet=quiet) as bar:
            tiles = pyramid.tile_count
            bar.start(pyramid.pyramid)
            findings = tileframe.verify(
                pyramid,
                checks=checks,
                against=against,
                sample=sample,
                seed=seed or 0,
                registry=registry,
                progress=bar.titled,
            )
    except CheckError as error:
        findings = [Finding(Path(target).name, "descriptor", Severity.ERROR, str(error).removeprefix(f"{target}: "))]
        tiles = 0
    wrong = _faults(findings)
    if as_json:
        show_json({"target": target, "tiles": tiles, "ok": not wrong, "findings": findings})
    elif not quiet:
        _show(target, tiles, findings)
    return CheckError.exit_code if wrong else 0


def _show(target: str, tiles: int, findings: list[Finding]) -> None:
    wrong = _faults(findings)
    for finding in [finding for finding in findings if finding.severity is Severity.NOTE]:
        say(f"note: {finding}")
    for finding in wrong[:SHOWN]:
        say(f"{finding.severity.value}: {finding}")
    if len(wrong) > SHOWN:
        say(f"... and {len(wrong) - SHOWN:,} more; --json lists them all")
    what = f"{len(wrong):,} finding{'s' if len(wrong) > 1 else ''}" if wrong else "nothing is wrong"
    say(f"{target}: {tiles:,} tiles, {what}")


def _faults(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is not Severity.NOTE]
