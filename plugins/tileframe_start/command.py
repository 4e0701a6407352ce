"""The command line, and the one place where a `TileframeError` becomes an exit code."""

from __future__ import annotations

import atexit
import errno
import gc
import os
import select
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn, TextIO

import click

import tileframe
from tileframe import registry as registry_module
from tileframe.cli.text import say
from tileframe.discovery import COMMANDS, culprit, shown
from tileframe.errors import InputError, OptionError, OutputError, PluginError, TileframeError, one_line
from tileframe.registry import Registry

# What a shell shows of a program that was ended by SIGINT, and by SIGPIPE.
INTERRUPTED, READER_GONE = 130, 141
INTERRUPTS: list[int] = []
"""The signals by which the user has ended the command that runs."""
COMPLETION = "_TILEFRAME_COMPLETE"
"""The environment variable by which a shell asks click for the completion of a line."""
TRACEBACK = "TILEFRAME_TRACEBACK"
"""The environment variable with which every error shows where it arose, not one line alone."""


class _Cli(click.Group):
    """A group that leaves broken pipes to `run_command`, and interrupts."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with _hidden_from_click():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with _hidden_from_click():
            return super().invoke(ctx)


@contextmanager
def _hidden_from_click() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        # Without its number, by which click would know it, and end with the exit code of a bug.
        raise BrokenPipeError(str(error)) from error
    except (KeyboardInterrupt, EOFError) as error:
        raise click.Abort from error  # as click would, after an empty line


def build_cli(registry: Registry) -> click.Group:
    """Return the command with every subcommand, the plugins' included."""
    cli = _Cli(
        "tileframe",
        help="Turn a gigapixel picture or a whole-slide image into a tile pyramid.",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    own = registry.installed.get(COMMANDS)  # which knows it already
    version = own.version if own else tileframe.__version__
    click.version_option(version, "-V", "--version", prog_name="tileframe", message="%(prog)s %(version)s")(cli)
    for broken in registry.add_commands(cli):
        click.echo(f"tileframe: no commands: {broken}", err=True)
    return cli


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with the documented exit code."""
    _open_closed_streams()
    # numpy's linear algebra, which nothing here uses, starts a thread for each core, that waits by spinning.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # As Ctrl-C: else a service or a container that is stopped would leave half a pyramid behind.
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as below nohup
        signal.signal(signal.SIGINT, _interrupt)
    code = run_command(arguments)
    # All is done, and said: a signal that comes while Python ends would show a traceback, and another exit code.
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is _interrupt:
            # Python waits for threads first, maybe for one in a read that hangs: nobody has to wait for that.
            signal.signal(number, lambda *_: os._exit(code))
            atexit.register(signal.signal, number, signal.SIG_IGN)  # and then it gives the handlers up
    gc.freeze()  # what is left goes with the process: Python would look through all of it for garbage, twice
    sys.exit(code)


def _open_closed_streams() -> None:
    """Open what was closed: else the next file takes its number, and gets what a library prints."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - as long as the program


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Interrupt the program; `INTERRUPTS` tells a user's Ctrl-C, and what comes of it, from what a plugin raises."""
    INTERRUPTS.append(number)
    raise KeyboardInterrupt


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; messages go to stderr."""
    INTERRUPTS.clear()
    try:
        return _run(arguments)
    except BrokenPipeError as error:
        gone = [stream for stream in (sys.stdout, sys.stderr) if _is_gone(stream)]
        for stream in gone:
            # It must not be flushed again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return READER_GONE if gone else _fail_unexpectedly(error)  # a plugin has pipes of its own


def _run(arguments: Sequence[str] | None) -> int:
    try:
        registry = registry_module.load()
        cli = build_cli(registry)
        if not gc.isenabled():  # it is the process's own start
            gc.freeze()
            gc.enable()
        result = cli.main(arguments, prog_name="tileframe", standalone_mode=False, obj=registry)
        return result if isinstance(result, int) else 0
    except TileframeError as error:
        return _fail(str(error), error.exit_code, error)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return OptionError.exit_code
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "tileframe"
        return _fail(f"{error.format_message().rstrip('.')} (see {where} --help)", OptionError.exit_code, error)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code, error)
    except click.Abort as error:
        # This stands for a KeyboardInterrupt, or an EOFError.
        return _fail_unexpectedly(error.__cause__ or error)
    except BrokenPipeError:
        raise
    except BaseException as error:  # a plugin may raise anything, a SystemExit too
        return _fail_unexpectedly(error)


def _fail_unexpectedly(error: BaseException) -> int:
    """Say whose fault ``error`` is, which is none of ours: the user's who interrupts, a plugin's, or tileframe's."""
    if INTERRUPTS or isinstance(error, click.Abort) or (isinstance(error, KeyboardInterrupt) and not culprit(error)):
        return _fail("interrupted", INTERRUPTED, error)
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return _fail(f"{error.filename}: the name is too long for its disk", InputError.exit_code, error)
    if isinstance(error, MemoryError) or "can't start new thread" in str(error):
        return _fail("there is not enough memory for this", InputError.exit_code, error)
    files = {frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)}
    if isinstance(error, OSError) and click.utils.__file__ in files:  # from `click.echo`
        return _fail(f"what is printed cannot be written ({error.strerror})", OutputError.exit_code, error)
    if plugin := culprit(error):
        name = shown(plugin.name, plugin.package, plugin.version)
        where = "" if os.environ.get(TRACEBACK) else f" ({TRACEBACK}=1 shows where)"
        return _fail(f"{name} failed: {one_line(error)}{where}", PluginError.exit_code, error)
    if isinstance(error, SystemExit) and COMPLETION in os.environ:  # click's own way to end
        raise error
    if not os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    return _fail("this is a bug in tileframe: please report it with the lines above and the command you gave", 1, error)


def _is_gone(stream: TextIO) -> bool:
    """Say whether nobody reads ``stream`` any more, as when it goes to `head`."""
    if not hasattr(select, "poll"):  # Windows, where a closed pipe is no `BrokenPipeError`
        return False
    poll = select.poll()
    try:
        poll.register(stream, 0)  # errors alone, of which the one is that nobody is there
    except (OSError, ValueError):
        return False
    return bool(poll.poll(0))


def _fail(message: str, exit_code: int, error: BaseException) -> int:
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    if INTERRUPTS or exit_code == INTERRUPTED:  # an import that is interrupted may end in any error
        kept = hasattr(error, "__notes__")
        message, exit_code = "interrupted" if kept else "interrupted; nothing half-made was left", INTERRUPTED
        if sys.stderr.isatty():
            click.echo(err=True)  # below the terminal's ^C
    # Lines of ours; those of a traceback in another process are for TRACEBACK.
    message = "; ".join([message, *(note for note in getattr(error, "__notes__", ()) if "\n" not in note)])
    try:
        say(f"tileframe: {' '.join(message.split())}", err=True)
    except BrokenPipeError:
        raise
    except OSError:
        pass  # where even this cannot be written, the exit code is left
    return exit_code
