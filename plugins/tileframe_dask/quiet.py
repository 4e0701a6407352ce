"""Keep Dask's log and its warnings from the screen: what is wrong is said in one line of ours."""

from __future__ import annotations

import logging
import sys
import warnings


def be_quiet() -> None:
    """Load Dask, quiet; a program that has loaded it itself has decided what it wants to hear of it."""
    if "distributed" in sys.modules:
        return
    import distributed  # noqa: F401 - its loggers are made by this

    for name in ("distributed", *logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="distributed")
