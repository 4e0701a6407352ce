"""What a file is that is no picture Pillow knows, by its first bytes, and what to do about it."""

from __future__ import annotations

CONVERT = "convert it to TIFF, PNG or JPEG"
DEVELOP = "a camera's raw file; develop it, and give the TIFF or JPEG that comes of it"
UNPACK = "unpack it, and give the picture in it"
DRAWING = "draw it to a PNG of the size that is wanted"

# Offset, bytes there, and what it is. The first that fits counts.
SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    *((4, b"ftyp" + brand, f"a HEIC picture; {CONVERT}") for brand in (b"hei", b"hev", b"mif1", b"msf1")),
    (4, b"ftypavif", f"an AVIF picture that Pillow does not read, as none above 16384x16384 pixels; {CONVERT}"),
    (4, b"ftypcrx", DEVELOP),
    (4, b"ftyp", "a film; give a picture"),
    (0, b"\xff\x0a", f"a JPEG XL picture; {CONVERT}"),
    (4, b"JXL \r\n\x87\n", f"a JPEG XL picture; {CONVERT}"),
    *((0, head, DEVELOP) for head in (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM")),
    (0, b"8BPS\0\2", f"a large Photoshop document (PSB); {CONVERT}"),
    (0, b"v/1\1", f"an OpenEXR picture, of floating-point samples; {CONVERT}"),
    (0, b"#?RADIANCE", f"a Radiance picture, of floating-point samples; {CONVERT}"),
    (0, b"%PDF", f"a PDF document; {DRAWING}"),
    (0, b"%!PS", f"a PostScript document; {DRAWING}"),
    (0, b"version https://git-lfs", "a pointer of Git LFS, and not the file itself; fetch it with: git lfs pull"),
    (0, b"PK\3\4", f"a ZIP archive; {UNPACK}"),
    (0, b"\x1f\x8b", f"a gzip file; {UNPACK}"),
    (0, b"7z\xbc\xaf", f"a 7z archive; {UNPACK}"),
    (0, b"Rar!", f"a RAR archive; {UNPACK}"),
    (0, b"\xfd7zXZ\0", f"an xz file; {UNPACK}"),
    (0, b"BZh", f"a bzip2 file; {UNPACK}"),
    (0, b"\x28\xb5\x2f\xfd", f"a Zstandard file; {UNPACK}"),
    (257, b"ustar", f"a tar archive; {UNPACK}"),
    (0, b"\x89HDF\r\n", "an HDF5 file; export the picture in it as TIFF"),
    (0, b"\xd0\xcf\x11\xe0", "a compound document, as of a microscope's or an office's program; export it as TIFF"),
    (0, b"SQLite format 3\0", "an SQLite database that is no slide"),
    (128, b"DICM", "a DICOM file that OpenSlide does not take for a slide; export the picture in it as TIFF"),
    (0, b"\x1aE\xdf\xa3", "a film; give a picture"),
    (0, b"RIFF", "a RIFF file of sound or film; give a picture"),
    (0, b"\x7fELF", "a program; give a picture"),
    (0, b"MZ", "a program; give a picture"),
)
PAGE = "an HTML page, and not the picture it shows; download that"
# Of a document that begins with a "<": the first word that is found in it.
MARKUP = (
    ("<dataobject objecttype", "a Philips iSyntax slide; export it as TIFF or DICOM with Philips' own tools"),
    ("<!doctype html", PAGE),
    ("<html", PAGE),
    ("<svg", f"an SVG drawing; {DRAWING}"),
    ("<?xml", "an XML document; give the picture that it describes"),
)
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


def kind_of(head: bytes) -> str | None:
    """Return what a file is that begins with ``head``, its first kilobytes; None if that is not known."""
    for offset, signature, kind in SIGNATURES:
        if head[offset : offset + len(signature)] == signature:
            return kind
    if not head.strip(b"\0"):
        return "a file of nothing but zeros, as a download leaves it that was broken off"
    text = _text(head)
    if text is None:
        return None
    begins = text.lstrip("\ufeff \t\r\n").lower()
    found = (kind for word, kind in MARKUP if begins.startswith("<") and word in begins)
    return next(found, "a text file, and no picture")


def _text(head: bytes) -> str | None:
    """Return ``head`` as text; None where it is none."""
    try:
        if head.startswith(BYTE_ORDER_MARKS):
            return head[: len(head) // 2 * 2].decode("utf-16")
        # A character may be cut at the end of what was read.
        text = head.decode("utf-8", errors="ignore")
    except UnicodeDecodeError:
        return None
    cut = len(head) - len(text.encode())
    return text if cut <= 3 and all(sign.isprintable() or sign in "\t\r\n\f\ufeff" for sign in text) else None
