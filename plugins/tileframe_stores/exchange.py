"""Show new files in a folder and take the old ones away, in steps that can all be undone, even after a crash."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from tileframe import OutputError

REPLACED, JOURNAL = "replaced", "exchange.json"


def exchange(scratch: Path, tree: Path, *, old: Sequence[str], new: Sequence[str]) -> None:
    """Move ``old`` out of the folder of ``scratch`` and ``new`` from ``tree`` into it, both in their order.

    What was moved away stays in ``scratch``. If this does not come to its end, `put_back` undoes it.
    """
    folder, replaced = scratch.parent, scratch / REPLACED
    replaced.mkdir(exist_ok=True)  # an empty one is there where an earlier exchange was undone
    # On the disk before the first file moves: without it nobody knows after a crash which of the files are new.
    with (scratch / JOURNAL).open("w", encoding="utf-8") as file:
        json.dump({"tree": tree.name, "old": list(old), "new": list(new)}, file)
        file.flush()
        os.fsync(file.fileno())
    for name in old:
        (folder / name).rename(replaced / name)
    for name in new:
        show(tree / name, folder / name)


def show(made: Path, target: Path) -> None:
    """Rename ``made`` to ``target``; `FileExistsError` if something is there."""
    if os.path.lexists(target):
        raise FileExistsError(None, f"'{target.name}' has appeared there")
    made.rename(target)


def put_back(scratch: Path, *, even_if_shown: bool = False) -> None:
    """Undo an `exchange` that was cut off; nothing if there was none, or all is shown, unless ``even_if_shown``.

    Can itself be cut off and called again. `OutputError` if it cannot be known what to do.
    """
    folder, replaced, journal = scratch.parent, scratch / REPLACED, scratch / JOURNAL
    try:
        record = json.loads(journal.read_text(encoding="utf-8"))
        tree, old, new = scratch / record["tree"], list(record["old"]), list(record["new"])
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError) as error:
        if replaced.is_dir() and any(replaced.iterdir()):
            raise OutputError(f"{replaced}: holds a pyramid that a run has moved away; move it back") from error
        return
    if not even_if_shown and not any(os.path.lexists(tree / name) for name in new):
        return
    for name in reversed(new):
        # Where an old file was moved back already, it is the one that is seen there.
        is_new = not os.path.lexists(tree / name) and (name not in old or os.path.lexists(replaced / name))
        if is_new and os.path.lexists(folder / name):
            (folder / name).rename(tree / name)
    for name in reversed(old):
        if os.path.lexists(replaced / name):
            (replaced / name).rename(folder / name)
    journal.unlink()
