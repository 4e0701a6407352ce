"""What can go wrong, as one tree; the class decides the exit code.

::

    TileframeError
    ├── OptionError          2   the command line is wrong: a name or a value
    ├── InputError           3   the slide cannot be opened or read
    │   └── UnsupportedInput 3   this reader does not take this file; another one may
    ├── OutputError          4   the output cannot be written, or already exists
    ├── CheckError           5   a pyramid is not what it should be
    ├── PluginError          6   a plugin is missing or broken
    └── WorkerError          1   a process that worked for the run was killed

A message is one line: what was wrong, with the value, and what would be right.
"""

from __future__ import annotations

from typing import ClassVar


class TileframeError(Exception):
    """Anything that a user or a plugin author can mend; never a bug in tileframe."""

    exit_code: ClassVar[int] = 1
    """What a command ends with that fails for this reason."""


class OptionError(TileframeError):
    """An unknown name, or a value that is out of range."""

    exit_code = 2


class InputError(TileframeError):
    """The slide is missing, damaged, or cannot be read."""

    exit_code = 3


class UnsupportedInput(InputError):
    """This reader leaves this file to others. The planner tries the next one.

    Raise it only for a whole file that is simply of another kind. A damaged file of the reader's own
    kind is an `InputError`: what one reader refuses as damaged, no other may let through.
    """


class OutputError(TileframeError):
    """The target exists, cannot be written, or the disk is full."""

    exit_code = 4


class CheckError(TileframeError):
    """A finished pyramid failed a check."""

    exit_code = 5


class PluginError(TileframeError):
    """A plugin is missing, broken, or lacks its library."""

    exit_code = 6


class WorkerError(TileframeError):
    """A process that worked for the run was killed, or the executor broke for a reason that it does not tell."""


def one_line(error: BaseException) -> str:
    """Return the class and the message of any exception, as part of a message of ours."""
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
