"""Modules of plugins, good and bad."""

from __future__ import annotations

from tests.contracts.calling import breaker
from tileframe.testing import PluginContract


class GoodPlugin(PluginContract):
    module = "tests.contracts.modules.good"


WRONG = {
    "test_importing_the_module_loads_no_image_library": ["heavy", "absent"],
    "test_offering_loads_no_image_library": ["heavy_offers"],
    "test_every_hook_is_one_that_tileframe_calls": ["misspelled", "empty"],
    "test_names_are_lower_case_words": ["wrong_names"],
    "test_summaries_fit_a_line_of_help": ["wrong_names", "two_lines"],
    "test_options_are_frozen_dataclasses": ["mutable_options", "odd_options"],
    "test_every_option_has_a_line_of_help": ["silent_options"],
    "test_defaults_and_ranges_of_options_are_values_of_their_type": ["wrong_defaults"],
}
GOOD = [GoodPlugin]
BREAKERS = [
    breaker(test, GoodPlugin, module, module=f"tests.contracts.modules.{module}")
    for test, modules in WRONG.items()
    for module in modules
]
