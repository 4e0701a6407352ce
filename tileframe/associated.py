"""The label, macro and thumbnail of a slide, exported beside its pyramid when asked for.

They can show a patient's name: nothing is exported, or named in the record, without being asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from urllib.parse import quote

from tileframe.errors import OptionError
from tileframe.facts import SlideFacts
from tileframe.geometry import Size
from tileframe.protocols import Source, Writer
from tileframe.records import AssociatedRecord

ALL = "all"


def chosen(asked: Sequence[str], facts: SlideFacts) -> tuple[str, ...]:
    """Return the names of the images that are asked for; `OptionError` for one that the slide does not have."""
    if ALL in asked:
        return facts.associated
    for name in asked:
        if name not in facts.associated:
            have = ", ".join(facts.associated) or "none"
            raise OptionError(f"the slide has no associated image named '{name}' (have: {have})")
    return tuple(dict.fromkeys(asked))


def exported(source: Source, names: Sequence[str], writer: Writer) -> list[tuple[AssociatedRecord, bytes]]:
    """Return each image as a file in the format of the tiles, in the slide's own numbers: no colours are converted."""
    found = []
    for name in names:
        pixels = source.associated(name)
        content = writer.encode(pixels)
        size = Size(pixels.shape[1], pixels.shape[0])
        file = f"{quote(name, safe=' ')}.{writer.encoding.suffix}"
        digest = hashlib.sha256(content).hexdigest()
        found.append((AssociatedRecord(name, file, size, len(content), digest), content))
    return found
