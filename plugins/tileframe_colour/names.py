"""What colour profiles are called: those that many pictures have by their names, and all others by their digests.

A profile's description is free text, in which a scanner or its user may have written a name or a number.
"""

from __future__ import annotations

from PIL import ImageCms

KNOWN = frozenset({
    "sRGB", "sRGB IEC61966-2.1", "sRGB IEC61966-2-1 black scaled", "sRGB built-in", "GIMP built-in sRGB", "uRGB",
    "c2", "c2ci", "sRGB-elle-V2-srgbtrc.icc", "sRGB2014", "sRGB v4 ICC preference", "Display P3", "sP3C", "Image P3",
    "DCI(P3) RGB", "Adobe RGB (1998)", "AdobeRGB", "Apple RGB", "ColorMatch RGB", "ProPhoto RGB", "ROMM RGB",
    "Wide Gamut RGB", "eciRGB v2", "Generic RGB Profile", "Generic Gray Profile", "Generic Gray Gamma 2.2 Profile",
    "Generic CMYK Profile", "Greyscale D50", "Gray Gamma 2.2", "Gray Gamma 1.8", "Dot Gain 15%", "Dot Gain 20%",
    "sGray", "TIFF RGB", "XYB_Per", "Lab identity built-in", "Rec. ITU-R BT.709-5", "Rec. ITU-R BT.2020-1", "Rec2020",
    "ITUR_2100_PQ_FULL", "U.S. Web Coated (SWOP) v2", "Coated FOGRA39 (ISO 12647-2:2004)",
    "Coated FOGRA27 (ISO 12647-2:2004)", "Japan Color 2001 Coated", "ISO Coated v2 300% (ECI)", "ISO Coated v2 (ECI)",
    "PSO Coated v3", "Artifex CMYK SWOP Profile",
})  # fmt: skip


def name_of(profile: ImageCms.ImageCmsProfile, sha256: str) -> str:
    """Return what ``profile`` calls itself, if that is a name that many have; else some of its digest."""
    try:
        name = " ".join(ImageCms.getProfileDescription(profile).split())
    except ImageCms.PyCMSError:
        name = ""
    return name if name in KNOWN else f"sha256:{sha256[:8]}"
