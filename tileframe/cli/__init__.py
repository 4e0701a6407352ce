"""The ``tileframe`` command. This file holds the one place where a `TileframeError` becomes an exit code."""

from __future__ import annotations

import os
import select
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

import click

import tileframe
from tileframe import registry as registry_module
from tileframe.cli.compare import compare
from tileframe.cli.info import info
from tileframe.cli.plugins import plugins
from tileframe.cli.run import run
from tileframe.cli.verify import verify
from tileframe.errors import OptionError, TileframeError
from tileframe.registry import Registry

# What a shell shows of a program that was ended by SIGINT, and by SIGPIPE.
INTERRUPTED, READER_GONE = 130, 141


class _Cli(click.Group):
    """A group that leaves broken pipes to `run_command`."""

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


def build_cli(registry: Registry) -> click.Group:
    """Return the command with every subcommand, the plugins' included."""
    cli = _Cli(
        "tileframe",
        help="Turn a gigapixel picture or a whole-slide image into a tile pyramid.",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    version = tileframe.__version__
    click.version_option(version, "-V", "--version", prog_name="tileframe", message="%(prog)s %(version)s")(cli)
    for command in (run, info, verify, compare, plugins):
        cli.add_command(command)
    for broken in registry.add_commands(cli):
        click.echo(f"tileframe: the commands of the plugin '{broken.owner}' are broken: {broken.reason}", err=True)
    return cli


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with the documented exit code."""
    # numpy's linear algebra, which nothing here uses, starts a thread for each core, that waits by spinning.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # As Ctrl-C: else a service or a container that is stopped would leave half a pyramid behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run_command(arguments))


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; messages go to stderr."""
    try:
        return _run(arguments)
    except BrokenPipeError:
        gone = [stream for stream in (sys.stdout, sys.stderr) if _is_gone(stream)]
        for stream in gone:
            # It must not be flushed again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return READER_GONE if gone else _fail_as_bug()  # a plugin has pipes of its own


def _run(arguments: Sequence[str] | None) -> int:
    try:
        registry = registry_module.load()
        result = build_cli(registry).main(arguments, prog_name="tileframe", standalone_mode=False, obj=registry)
        return result if isinstance(result, int) else 0
    except TileframeError as error:
        return _fail(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return OptionError.exit_code
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "tileframe"
        return _fail(f"{error.format_message().rstrip('.')} (see {where} --help)", OptionError.exit_code)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted; nothing half-made was left", INTERRUPTED)
    except BrokenPipeError:
        raise
    except Exception:
        return _fail_as_bug()


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


def _fail_as_bug() -> int:
    traceback.print_exc()
    return _fail("this is a bug in tileframe: please report it with the lines above and the command you gave", 1)


def _fail(message: str, exit_code: int) -> int:
    click.echo(f"tileframe: {' '.join(message.split())}", err=True)
    return exit_code
