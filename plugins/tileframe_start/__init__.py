"""Where the command ``tileframe`` begins, outside the package, so that Ctrl-C is minded before that is loaded."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found] # signal loads much, while Ctrl-C may come
import gc


def main() -> None:
    """Run the command line. While it is loaded, Ctrl-C ends the process at once, and without a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()  # until all is loaded: of what modules make, nothing is garbage, and a tenth of the time goes there
    from tileframe_start.command import main as run_tileframe

    run_tileframe()
