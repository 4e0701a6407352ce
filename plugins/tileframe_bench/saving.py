"""The records as JSON, and back."""

from __future__ import annotations

import json

import cattrs

from tileframe import Equality
from tileframe_bench.records import Bench

_converter = cattrs.Converter()
_converter.register_unstructure_hook(Equality, lambda strength: strength.name.lower())
_converter.register_structure_hook(Equality, lambda name, _: Equality[name.upper()])


def to_json(bench: Bench) -> str:
    """Return ``bench`` as JSON text."""
    return json.dumps(_converter.unstructure(bench), indent=1) + "\n"


def from_json(text: str) -> Bench:
    """Return what `to_json` has written."""
    return _converter.structure(json.loads(text), Bench)
