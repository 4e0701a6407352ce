"""What ``tileframe run`` shows of several slides: a line for each, one bar for all, and figures as lines of JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TextIO

import click

import tileframe
from tileframe import CheckError, InputError, Location, OutputError, Report, Slide, Spec, TileframeError, Viewer
from tileframe.cli.text import say
from tileframe.files import refuse_report
from tileframe.guards import real_path
from tileframe.serialize import to_builtins
from tileframe_batch.events import Ended, Event, Failed, Made, Passed, Planned, Progressed, Started
from tileframe_batch.index import Index
from tileframe_batch.naming import Named, output_of
from tileframe_batch.running import is_of_the_disk, planned, run_named, up_to_date

if TYPE_CHECKING:
    from rich.progress import Progress

MOST_NAMES = 20
"""Names of slides that failed, in one line."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of ``tileframe run`` that are not those of a spec."""

    viewer: str | None
    force: bool
    dry_run: bool
    report: Path | None
    as_json: bool
    quiet: bool
    verbose: bool

    @classmethod
    def now(cls) -> Asked:
        """Return those of the command that runs."""
        given = click.get_current_context().params
        return cls(**{name: given[name] for name in cls.__slots__})


def shown_run(slides: Sequence[str], output: str | None, spec: Spec, registry: Any) -> int:
    """Run ``slides`` as the command line was asked for, and return the exit code."""
    asked = Asked.now()
    to_do = planned(slides, output, spec, registry)
    if asked.dry_run:
        return _dry_run(to_do, spec, registry, asked)
    viewer = None if asked.viewer is None else registry.viewer_of(spec, asked.viewer)
    into = output_of(output, spec.layout, registry)
    if viewer is not None:
        with suppress(OutputError):  # that of a page is for its slide alone; other refusals are for all
            viewer.prepare([to_do[0].location], overwrite=False)
    index = Index(Path(into.folder), page=viewer is not None) if into.scheme == "file" else None
    with ExitStack() as stack:
        report = None
        if asked.report is not None:
            _refuse_what_is_read_or_made(asked.report, to_do, index, registry.layout(spec.layout).descriptor)
            report = stack.enter_context(asked.report.open("w", encoding="utf-8"))
        shown = stack.enter_context(Shown(asked, len(to_do), viewer, index, report, registry))
        ended = run_named(to_do, spec, registry, force=asked.force, say=shown, refuse=shown.refuse)
    return shown.summary(ended)


class Shown:
    """Shows what happens to each slide, writes its page, and, at the end, the index."""

    def __init__(
        self,
        asked: Asked,
        count: int,
        viewer: Viewer | None,
        index: Index | None,
        report: TextIO | None,
        registry: Any,
    ) -> None:
        self._asked, self._count, self._viewer, self._index = asked, count, viewer, index
        self._report, self._registry = report, registry
        self._done = 0
        self._pixels: dict[Slide, int] = {}
        self._shares: dict[Slide, float] = {}
        """Of each slide that is under way, how much of it is done."""
        self._indexed = self._without_page = False
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        if not self._asked.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (BarColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeRemainingColumn())
            # Lines of standard output go above the bar where both are on the terminal, and else where they are sent.
            console, both = Console(stderr=True), sys.stdout.isatty()
            self._bar = Progress(*columns, console=console, transient=True, redirect_stdout=both)
            self._bar.add_task("", total=self._count)
            self._bar.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        if error is not None:
            error.add_note(f"{self._done:,} of {_slides(self._count)} are done; the same command goes on with the rest")
        if self._index is not None and self._indexed:
            page = self._index.write()
            if self._viewer is not None and not self._asked.quiet and not self._asked.as_json:
                say(f"{page}")

    def refuse(self, location: Location) -> None:
        """Raise `OutputError` where the page of a pyramid there has no place."""
        if self._viewer is not None:
            self._viewer.prepare([location], overwrite=False)

    def __call__(self, event: Event) -> None:
        """Show ``event``."""
        match event:
            case Started(slide):
                self._move(f"{slide.name}")
            case Planned(slide, plan):
                self._pixels[slide] = plan.pyramid.pixel_count
            case Progressed(slide, _, pixels):
                self._shares[slide] = pixels / self._pixels[slide]
                self._move()
            case _:
                self._done += 1
                self._pixels.pop(event.slide, None)
                self._shares.pop(event.slide, None)
                self._move()
                self._end(event)

    def summary(self, ended: Sequence[Ended]) -> int:
        """Say what became of all slides, and return the exit code."""
        failed = [one for one in ended if isinstance(one, Failed)]
        made, passed = (sum(isinstance(one, kind) for one in ended) for kind in (Made, Passed))
        if not self._asked.quiet and not self._asked.as_json:
            parts = (f"{made:,} made", f"{passed:,} up to date", f"{len(failed):,} failed")
            say(f"{_slides(self._count)}: {', '.join(parts)}")
        if failed:
            names = ", ".join(f"{one.slide}" for one in failed[:MOST_NAMES])
            more = f" and {len(failed) - MOST_NAMES:,} more" if len(failed) > MOST_NAMES else ""
            left = self._count - len(ended)
            rest = f"; {left:,} were not begun, for none would fit on the disk" if left else ""
            say(f"tileframe: {len(failed):,} of {_slides(self._count)} failed: {names}{more}{rest}", err=True)
            codes = [one.error.exit_code for one in failed]
            if any(is_of_the_disk(one.error) for one in failed):  # 3 would say that all others are done
                return OutputError.exit_code
            return InputError.exit_code if InputError.exit_code in codes else codes[0]
        if self._without_page:
            return OutputError.exit_code
        return CheckError.exit_code if any(isinstance(one, Made) and one.report.filled for one in ended) else 0

    def _end(self, event: Ended) -> None:
        if isinstance(event, Failed):
            said = f"{event.error}"
            about = said if said.startswith(f"{event.slide}") else f"{event.slide}: {said}"
            # Notes of several lines are tracebacks of other processes.
            notes = [note for note in getattr(event.error, "__notes__", ()) if "\n" not in note]
            say(f"tileframe: {'; '.join([about, *notes])}", err=True)
        else:
            try:
                self._write_beside(event)
            except TileframeError as error:
                self._without_page = True
                say(f"tileframe: {event.slide}: {error}; the pyramid {event.location} is complete", err=True)
        record = _record(event)
        line = json.dumps(record)
        if self._report is not None:
            try:
                self._report.write(f"{line}\n")
                self._report.flush()
            except OSError as error:
                with suppress(OSError):  # of what it still holds
                    self._report.close()
                raise OutputError(f"{self._asked.report}: cannot be written ({error.strerror})") from error
        if self._asked.as_json:
            click.echo(line)
        elif not self._asked.quiet and not isinstance(event, Failed):
            self._say_line(event)

    def _write_beside(self, event: Made | Passed) -> None:
        location = event.location
        if self._viewer is not None and (isinstance(event, Made) or not location.page.exists()):
            with tileframe.open_pyramid(location, registry=self._registry) as pyramid:
                self._viewer.write([pyramid])
        if self._index is not None:
            self._index.add(location, self._registry)
            self._indexed = True

    def _say_line(self, event: Made | Passed) -> None:
        if isinstance(event, Passed):
            say(f"{event.target}: up to date")
            return
        report = event.report
        for note in report.notes:
            say(f"tileframe: {event.slide}: {note}", err=True)
        filled = f", of which {report.filled:,} show background where it could not be read" if report.filled else ""
        say(f"{report.target}: {report.size}, {report.tiles:,} tiles{filled}, {report.seconds:.2f} s")

    def _move(self, text: str | None = None) -> None:
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._done + sum(self._shares.values()))
            if text is not None:
                self._bar.update(self._bar.task_ids[0], description=text)


def _slides(count: int) -> str:
    return f"{count:,} slide{'' if count == 1 else 's'}"


def _record(event: Ended) -> dict[str, Any]:
    """Return a line of ``--report`` and ``--json``."""
    about = {"schema": Report.schema, "slide": f"{event.slide}", "target": f"{event.location}"}
    match event:
        case Made(_, _, report):
            return {**about, "status": "made", "report": to_builtins(report)}
        case Passed():
            return {**about, "status": "up to date"}
        case Failed(_, _, error):
            return {**about, "status": "failed", "error": f"{error}", "exit_code": error.exit_code}


def _dry_run(to_do: Sequence[Named], spec: Spec, registry: Any, asked: Asked) -> int:
    """Say what would become of each slide; of what cannot be read, why."""
    codes: list[int] = []
    passed = 0
    for one in to_do:
        wanted = replace(spec, slide=one.slide, location=one.location)
        try:
            plan = tileframe.plan(wanted, registry)
            is_passed = not asked.force and up_to_date(wanted, registry) is not None
        except TileframeError as error:
            say(f"tileframe: {error}", err=True)
            codes.append(error.exit_code)
            continue
        passed += is_passed
        state = "up to date" if is_passed else "not written"
        if asked.as_json:
            click.echo(json.dumps({"slide": f"{one.slide}", "status": state, "plan": to_builtins(plan)}))
        elif not asked.quiet:
            say(f"{one.slide} -> {one.location} ({state}): {plan.pyramid.base}, reader {plan.reader}, {plan.backend}")
    if not asked.as_json and not asked.quiet:
        coming = len(to_do) - passed - len(codes)
        say(f"{_slides(len(to_do))}: {coming:,} to be made, {passed:,} up to date, {len(codes):,} that cannot be")
    return codes[0] if codes else 0


def _refuse_what_is_read_or_made(report: Path, to_do: Sequence[Named], index: Index | None, descriptor: str) -> None:
    files = (one.slide for one in to_do if isinstance(one.slide, Path))
    if any(real_path(file) == real_path(report) for file in files):
        raise OutputError(f"{report}: is one of the slides; give another file for the report")
    for place in (one.location for one in to_do if one.location.scheme == "file"):
        page, described = place.page.name, descriptor.format(name=place.name)
        made = {place.path.name, place.manifest_key, place.digests_key, page, described}
        if report.name in made and real_path(report.parent) == real_path(Path(place.folder)):
            raise OutputError(f"{report}: is in the place of the pyramid {place}; give another file for the report")
    if index is not None and real_path(report) in map(real_path, index.files):
        raise OutputError(f"{report}: will be the index of the pyramids; give another file for the report")
    refuse_report(report, Report.schema)
