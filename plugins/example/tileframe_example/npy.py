"""The reader `npy`: arrays are mapped into memory, so one of any size is read piece by piece."""

from __future__ import annotations

from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tileframe import WHITE, Access, BaseSource, Box, InputError, Rgb, Size, SlideFacts, UnsupportedInput
from tileframe.pixels import Alpha, Pixels, to_rgb8
from tileframe_example import MAGIC


class NpyReader:
    """Opens arrays of shape ``(height, width)`` or ``(height, width, channels)``: 1 to 4 channels, alpha last."""

    def __init__(self, mpp: float | None = None) -> None:
        self._mpp = mpp

    def open(self, path: Path, *, background: Rgb | None = None) -> NpySource:
        """Open ``path``; transparent pixels will show ``background``, or white."""
        array = _mapped(path)
        if array.ndim not in (2, 3) or array.size == 0:
            raise UnsupportedInput(f"the array is {array.shape}, not (height, width) or (height, width, channels)")
        source = NpySource(path, array, background or WHITE, self._mpp)
        source.read(Box(0, 0, 1, 1))  # other samples and channels than tileframe's rule knows are refused here
        return source


class NpySource(BaseSource):
    """An open array; any box, from any thread."""

    def __init__(self, path: Path, array: NDArray[Any], background: Rgb, mpp: float | None) -> None:
        height, width = array.shape[:2]
        pixel_size = None if mpp is None else (mpp, mpp)
        super().__init__(SlideFacts("npy", Size(width, height), Access.REGIONS, mpp=pixel_size, background=background))
        self._path = path
        self._array: NDArray[Any] | None = array
        self._alpha = Alpha.STRAIGHT if array.shape[2:] in ((2,), (4,)) else Alpha.NONE

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return ``box`` as RGB8; there is no native level but the base, 0."""
        if self._array is None:
            raise InputError(f"{self._path}: was closed")
        samples = self._array[box.y : box.bottom, box.x : box.right]
        return to_rgb8(samples, alpha=self._alpha, background=self.facts.background)

    def close(self) -> None:
        """Let go of the file."""
        self._array = None


def _mapped(path: Path) -> NDArray[Any]:
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
        if head and head != MAGIC:
            raise UnsupportedInput("is no .npy file")
        array: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, OverflowError, SyntaxError, TokenError) as error:  # numpy's header is Python source
        # Not UnsupportedInput: it is our kind of file, and no other reader shall make something of it.
        raise InputError(f"{path}: is a damaged or cut .npy file ({error})") from error
    return array
