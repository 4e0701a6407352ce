"""Prove your own plugin: one class of tests for each kind of plugin, to be run by pytest.

Import the contract, and state what is yours. The tests are ours::

    from tileframe.testing import WriterContract

    class TestWebP(WriterContract):
        plugin = tileframe_webp.tileframe_writers()[0]
        max_error = None  # lossy, without a bound

        def decode(self, data):  # by another decoder than the writer's own
            return numpy.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))

`ReaderContract`, `WriterContract`, `LayoutContract`, `StoreContract`, `BackendContract`, `ExecutorContract`,
`CheckContract`, `ViewerContract` and `PluginContract` each say in their docstring what they want to be told;
docs/contracts.md has them all on a page. A test that does not fit your plugin is a finding about one of the two, so
none can be switched off but by overriding it where everybody sees it.
"""

from tileframe.testing.backends import BackendContract
from tileframe.testing.cases import CASES, Case, gradient, smooth
from tileframe.testing.checks import CheckContract
from tileframe.testing.executors import ExecutorContract
from tileframe.testing.faults import FAULTS
from tileframe.testing.layouts import LayoutContract
from tileframe.testing.plugins import PluginContract
from tileframe.testing.readers import ReaderContract
from tileframe.testing.stores import StoreContract
from tileframe.testing.viewers import ViewerContract
from tileframe.testing.writers import WriterContract

__all__ = [
    "CASES",
    "FAULTS",
    "BackendContract",
    "Case",
    "CheckContract",
    "ExecutorContract",
    "LayoutContract",
    "PluginContract",
    "ReaderContract",
    "StoreContract",
    "ViewerContract",
    "WriterContract",
    "gradient",
    "smooth",
]
