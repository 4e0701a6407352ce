"use strict";
// Formats positions, and computes the boxes of tiles. Base pixels throughout; arithmetic alone.

(globalThis.tileframe ??= {}).coordinates = (() => {
  /** The whole pixel in which `point` lies; null beside the picture. */
  function pixelAt(point, pyramid) {
    const x = Math.floor(point.x);
    const y = Math.floor(point.y);
    return x >= 0 && y >= 0 && x < pyramid.width && y < pyramid.height ? { x, y } : null;
  }

  /** The same pixel counted from the slide's corner; `offset` is where the pyramid begins in the slide. */
  function onSlide(pixel, offset) {
    return { x: pixel.x + offset.x, y: pixel.y + offset.y };
  }

  /** A pixel in words: its column and row. */
  function pixelText(pixel) {
    return `x ${pixel.x.toLocaleString("en")}  y ${pixel.y.toLocaleString("en")}`;
  }

  /** The same in millimetres from the upper left corner; "" where the slide does not say how large its pixels are. */
  function distanceText(pixel, mpp) {
    if (!mpp) return "";
    const across = (pixel.x * mpp[0]) / 1000;
    const down = (pixel.y * mpp[1]) / 1000;
    return `${across.toFixed(2)}, ${down.toFixed(2)} mm`;
  }

  /** The part of the base that a tile shows, overlap not counted; `tile` has level, col and row. */
  function tileBox(tile, pyramid) {
    const side = pyramid.tileSize * 2 ** (tileframe.layouts.baseLevel(pyramid) - tile.level);
    const x = tile.col * side;
    const y = tile.row * side;
    return { x, y, width: Math.min(side, pyramid.width - x), height: Math.min(side, pyramid.height - y) };
  }

  return { distanceText, onSlide, pixelAt, pixelText, tileBox };
})();
