"""From what matplotlib writes to an ``<svg>`` that is fit for a page and for a file of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from xml.etree import ElementTree

FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def finished(text: bytes, title: str, description: str) -> str:
    """Return a figure of matplotlib's as an element with a title and a description.

    Its ids are its own, so that a page may hold many; its fonts are those of the reader's system; what would style the
    whole page is gone, and so is what only makes it longer.
    """
    root = ElementTree.fromstring(text)
    root.remove(root[0])  # <defs> of a <style> for everything there is in the page
    for element in root.iter():
        _tidy(element)
    _, _, width, height = root.attrib["viewBox"].split()
    root.attrib.clear()
    root.attrib |= {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"0 0 {width} {height}",
        "width": width,
        "height": height,
        "role": "img",
        "aria-label": title,
        "style": f"font-family: {FONTS}; stroke-linejoin: round; stroke-linecap: butt",
    }
    for place, (name, words) in enumerate({"title": title, "desc": description}.items()):
        said = ElementTree.Element(name)
        said.text = words
        root.insert(place, said)
    _make_ids_its_own(root)
    ElementTree.indent(root, " ")
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def recoloured(svg: str, colours: Mapping[str, str]) -> str:
    """Return an `finished` element with other colours: ``{"#ffffff": "var(--surface)"}``."""
    any_of_them = re.compile("|".join(map(re.escape, colours)))

    def change(style: re.Match[str]) -> str:
        return any_of_them.sub(lambda colour: colours[colour[0]], style[0])

    # Tags alone: in what is written between them, < and > are escaped, and in attributes quotes are.
    return re.sub(r"<[^<>]*>", lambda tag: re.sub(r' style="[^"]*"', change, tag[0]), svg)


def _tidy(element: ElementTree.Element) -> None:
    element.tag = element.tag.rpartition("}")[2]
    attributes = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
    style = dict(part.split(": ", 1) for part in attributes.pop("style", "").split("; ") if part)
    style.pop("font-family", None)
    if "fill" in attributes:
        style["fill"] = attributes.pop("fill")
    if element.tag == "g":
        attributes.pop("id", None)
    if attributes.get("transform", "").startswith("rotate(-0 "):
        del attributes["transform"]
    for name in ("d", "x", "y"):
        if name in attributes:
            attributes[name] = re.sub(r"-?\d+\.\d{3,}", _hundredths, " ".join(attributes[name].split()))
    if style:
        attributes["style"] = "; ".join(f"{name}: {value}" for name, value in style.items())
    element.attrib = attributes
    if element.tag != "text":
        element.text = None
    element.tail = None


def _hundredths(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def _make_ids_its_own(root: ElementTree.Element) -> None:
    own = "c" + hashlib.sha256(ElementTree.tostring(root)).hexdigest()[:8]
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == "id":
                element.attrib[name] = f"{own}-{value}"
            elif name == "href":
                element.attrib[name] = value.replace("#", f"#{own}-", 1)
            elif name in ("style", "clip-path"):
                element.attrib[name] = value.replace("url(#", f"url(#{own}-")
