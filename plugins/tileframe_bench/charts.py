"""The charts of a benchmark, each as the text of an ``<svg>`` element: for a page, or for a file of its own.

They need matplotlib, and importing this loads it.
"""

from tileframe_bench.bars import memory_bars, time_bars
from tileframe_bench.lines import lines
from tileframe_bench.sheet import colours
from tileframe_bench.timeline import timeline

__all__ = ["colours", "lines", "memory_bars", "time_bars", "timeline"]
