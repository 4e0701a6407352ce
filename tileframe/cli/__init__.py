"""The ``tileframe`` command. This file holds the one place where a `TileframeError` becomes an exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

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

INTERRUPTED = 130


class _ReaderGone(Exception):
    """Whoever reads what we print has had enough."""


class _Cli(click.Group):
    """A group that does not take a closed pipe for an error, as click does, with the exit code of a bug."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with _telling_who_is_gone():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with _telling_who_is_gone():
            return super().invoke(ctx)


@contextmanager
def _telling_who_is_gone() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise _ReaderGone from error


def build_cli(registry: Registry) -> click.Group:
    """Return the command with every subcommand, the plugins' included."""
    cli = _Cli(
        "tileframe",
        help="Turn a gigapixel picture or a whole-slide image into a Deep Zoom pyramid.",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    click.version_option(tileframe.__version__, prog_name="tileframe", message="%(prog)s %(version)s")(cli)
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
    except _ReaderGone:
        # As `head` goes: nothing is wrong. Standard output must not be flushed again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        traceback.print_exc()
        return _fail("this is a bug in tileframe: please report it with the lines above and the command you gave", 1)


def _fail(message: str, exit_code: int) -> int:
    click.echo(f"tileframe: {' '.join(message.split())}", err=True)
    return exit_code
