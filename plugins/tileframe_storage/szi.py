"""What the SZI format (version 1.2, Smart In Media, 2018) asks for besides a Deep Zoom pyramid in a folder in a zip."""

from __future__ import annotations

from collections.abc import Mapping

from tileframe import Target

SCAN_PROPERTIES = "scan-properties.xml"
NAMESPACE = "http://www.pathozoom.com/szi"


def scan_properties(target: Target) -> bytes:
    """Return the text of ``scan-properties.xml``: size, pixel size and magnification, as far as they are known.

    The format's further properties tell of persons, days and devices: none is written, and no date.
    """
    import xml.etree.ElementTree as ET  # here, for only an archive needs it

    image = ET.Element("image", xmlns=NAMESPACE, version="1.0")
    properties = ET.SubElement(image, "properties")
    for name, value in _properties(target).items():
        entry = ET.SubElement(properties, "property")
        ET.SubElement(entry, "name").text = name
        ET.SubElement(entry, "value").text = value
    ET.indent(image)
    text = ET.tostring(image, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _properties(target: Target) -> Mapping[str, str]:
    import xml.etree.ElementTree as ET

    found: dict[str, str] = {}
    for descriptor in target.layout.descriptor().values():
        # Of the pyramid, which may be a part of the slide.
        if (size := ET.fromstring(descriptor).find("{*}Size")) is not None:
            found |= {"ImageWidth": size.get("Width", ""), "ImageHeight": size.get("Height", "")}
    source = target.source
    if source is not None and source.mpp is not None:
        across, down = source.mpp
        # The format has one value as well, the mean where the two differ.
        mean = across if across == down else (across + down) / 2
        found |= {"MicronsPerPixel": repr(mean), "MicronsPerPixelX": repr(across), "MicronsPerPixelY": repr(down)}
    if source is not None and source.objective_power is not None:
        found["ObjectiveMagnification"] = f"{source.objective_power:g}"
    return found
