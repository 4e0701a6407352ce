"""What is installed where the work is done: workers must have what the run has, or the pyramid is another one."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TypeAlias

from tileframe.registry import load

Versions: TypeAlias = Mapping[str, str]
"""By what it is: ``Python``, a package, ``plugin 'name'``."""


@cache
def here() -> Versions:
    """Return the versions of Python, of every plugin, and of the packages that those need, in this process."""
    registry = load()
    broken = {one.owner for one in registry.broken}
    plugins = {
        f"plugin '{name}'": "broken" if name in broken else f"{found.package} {found.version}"
        for name, found in registry.installed.items()
    }
    packages = {"distributed", "tileframe"}
    for package in {found.package for found in registry.installed.values()}:
        needed = [line for line in requires(package) or () if "extra ==" not in line]
        packages |= {package, *(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in needed)}
    # tileframe first: where that is another one, little else is the same.
    ordered = sorted(packages, key=lambda name: (name != "tileframe", name))
    python = "{}.{}".format(*sys.version_info)
    return {"Python": python} | {name: found for name in ordered if (found := _version(name))} | plugins


@cache
def digest() -> str:
    """Return a digest of `here`."""
    return hashlib.sha256(repr(sorted(here().items())).encode()).hexdigest()


def difference(ours: Versions, theirs: Versions) -> str | None:
    """Return, as ``numpy 2.0, and 1.26 here``, what is first to differ, and how much more; None if nothing does."""
    names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    if not names:
        return None
    name, more = names[0], f" (and {len(names) - 1} more)" if names[1:] else ""
    if name not in theirs:
        return f"no {name}, which is here ({ours[name]}){more}"
    there = f"{name} {theirs[name]}" if "'" not in name else f"the {name} ({theirs[name]})"
    return f"{there}, and {ours.get(name, 'none')} is here{more}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
