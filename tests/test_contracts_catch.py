"""No contract passes for nothing: each of its tests sees a plugin that breaks the promise, and passes a good one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contracts import backends, checks, executors, layouts, plugins, readers, stores, viewers, writers
from tests.contracts.calling import Breaker, failing, failures, methods_of
from tileframe import testing
from tileframe.testing.cases import gradient
from tileframe.testing.faults import FAULTS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")
HELPERS = {"laid_out", "writer", "viewer", "visible", "name", "heavy", "parameters"}
"""Of contracts: what an author may override, and need not know."""
KINDS = (backends, checks, executors, layouts, plugins, readers, stores, viewers, writers)
CONTRACTS = [getattr(testing, name) for name in testing.__all__ if name.endswith("Contract")]
GOOD = [contract for kind in KINDS for contract in kind.GOOD]
BREAKERS: list[Breaker] = [found for kind in KINDS for found in kind.BREAKERS]
SUBTLE = [found for found in BREAKERS if found.subtle]
# Of which all tests of the contract are run: one for each contract here, the others in the thorough tests.
FIRST = list({found.contract.__mro__[1]: found for found in reversed(SUBTLE)}.values())
# One of each kind; what is installed keeps the same promises in `test_contracts.py`.
FIRST_GOOD = [kind.GOOD[0] for kind in KINDS]


def named(value: object) -> str:
    return value.__name__ if isinstance(value, type) else str(value)


@pytest.mark.parametrize(
    "contract",
    [pytest.param(found, marks=[] if found in FIRST_GOOD else [pytest.mark.thorough]) for found in GOOD],
    ids=named,
)
def test_a_plugin_that_keeps_its_promises_passes(contract, tmp_path):
    assert list(failing(contract, tmp_path)) == []


@pytest.mark.parametrize(
    "broken",
    [pytest.param(found, marks=[] if found in FIRST else [pytest.mark.thorough]) for found in SUBTLE],
    ids=str,
)
def test_a_plugin_with_one_rare_fault_fails_the_test_that_is_meant_for_it_and_no_other(broken, tmp_path):
    said = list(failing(broken.contract, tmp_path))
    assert {test for test, _ in said} == {broken.test}
    assert "nothing" not in {words for _, words in said}, "a failure says what is wrong"


@pytest.mark.parametrize(
    "broken", [found for found in BREAKERS if found not in FIRST], ids=lambda found: f"{found.test}-{found}"
)
def test_a_plugin_that_breaks_a_promise_is_caught(broken, tmp_path):
    said = next(failures(broken.contract, broken.test, tmp_path), None)
    assert said is not None, f"{broken.test} lets {broken} pass"
    assert said != "nothing", "a failure says what is wrong"


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
def test_every_test_of_a_contract_has_a_plugin_that_it_catches(contract):
    caught = {found.test for found in BREAKERS if issubclass(found.contract, contract)}
    assert set(methods_of(contract)) == caught


def test_every_fault_is_planted_and_missed_by_a_blind_check(tmp_path):
    (blind,) = (found.contract for found in checks.BREAKERS if str(found) == "Blind")
    messages = list(failures(blind, "test_a_planted_fault_is_found_and_named", tmp_path))
    assert [message.partition(":")[0] for message in messages] == list(FAULTS)


CASES = """
from tileframe.testing.cases import Contract

class TestCases(Contract):
    def parameters(self):
        return {"case": ["good", "bad"], "other": ["of another test"]}

    def test_it(self, case, tmp_path):
        assert case == "good"
"""


def test_pytest_runs_each_test_for_every_value_of_its_arguments(tmp_path):
    (tmp_path / "test_cases.py").write_text(CASES)
    # With a folder of its own: else it clears away what earlier runs of the whole suite have left, for half a minute.
    own = ["-p", "no:cacheprovider", "--basetemp", str(tmp_path / "base")]
    command = [sys.executable, "-m", "pytest", "-q", *own, "test_cases.py"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert "1 failed, 1 passed" in said, said
    assert "TestCases::test_it[bad]" in said


def test_every_pixel_of_the_gradient_is_unlike_its_neighbours():
    pixels = gradient(testing.CASES[-1].size).astype(int)
    for step in ((0, 1), (1, 0), (1, 1)):
        ours = pixels[step[0] :, step[1] :]
        theirs = pixels[: pixels.shape[0] - step[0], : pixels.shape[1] - step[1]]
        assert (ours != theirs).any(axis=2).all(), step


def section(contract) -> str:
    return PAGE.partition(f"\n## `{contract.__name__}`\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("contract", CONTRACTS, ids=named)
def test_the_page_of_the_contracts_says_what_each_needs(contract):
    said = section(contract)
    rows = re.findall(r"^\| (`.+?) \|", said, re.MULTILINE)
    given = {name for row in rows or re.findall(r"Give (`\w+`)", said) for name in re.findall(r"`(\w+)", row)}
    mine = {name for base in contract.__mro__[:-2] for name in (*vars(base), *vars(base).get("__annotations__", ()))}
    own = {name for name in mine if not name.startswith(("_", "test_", "pytest_"))} - HELPERS
    assert given == own


def test_the_example_of_the_page_of_the_contracts_is_the_examples():
    (shown,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert shown in (ROOT / "plugins" / "example" / "tests" / "test_contracts.py").read_text(encoding="utf-8")
