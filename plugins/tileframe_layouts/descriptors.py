"""Strict reading of descriptors: what is not exactly right is a `CheckError` that says what it should be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tileframe import CheckError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def decoded(data: bytes) -> str:
    """Return the text of a descriptor, in UTF-8, or in UTF-16 with a mark of byte order."""
    try:
        return data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise CheckError("the descriptor is not in UTF-8 or UTF-16") from error


def xml_root(data: bytes, tag: str) -> Element:
    """Return the root of an XML descriptor, in any namespace."""
    import xml.etree.ElementTree as ET  # here, for a start of the command line does without

    text = decoded(data)
    # Entities could make it as large as they like.
    if "<!DOCTYPE" in text:
        raise CheckError("the descriptor has a document type, which no writer of tiles makes")
    try:
        root = ET.fromstring(text)
    except (ET.ParseError, ValueError) as error:
        raise CheckError(f"the descriptor is not XML: {error}") from error
    name = root.tag.rpartition("}")[2]
    if name == "Collection":
        raise CheckError("it is a Deep Zoom collection, of many pyramids; give the descriptor of one of them")
    if name != tag:
        raise CheckError(f"the descriptor is a <{name}>, not an <{tag}>")
    return root


def number(element: Element, name: str, *, digits: int = 10) -> int:
    """Return an attribute that is a whole number."""
    text = element.get(name, "")
    # Not what int() takes besides: signs, spaces, underscores, other scripts' digits.
    if not re.fullmatch(f"[0-9]{{1,{digits}}}", text):
        raise CheckError(f"the descriptor's {name} must be a whole number, not '{text}'")
    return int(text)


def suffix(text: object, name: str) -> str:
    """Return the suffix of a file that a descriptor gives as its ``name``."""
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9]+", text):
        raise CheckError(f"the descriptor's {name} must be the suffix of a file, not '{text}'")
    return text
