"use strict";
// Where each layout keeps a tile: paths below the folder of tiles, and back. Arithmetic alone.
//
// Levels are those of Deep Zoom: 0 is one pixel, and each has twice the pixels a side of the one before, up to the base.
// `pyramid` has width, height, tileSize, minLevel (the first level that is kept), format (the suffix) and layout (a name).

(globalThis.tileframe ??= {}).layouts = (() => {
  const GROUP = 256; // tiles in a folder of Zoomify's

  const tables = new WeakMap();

  /** Of every level: its size, its grid, and how many tiles are kept of the levels above it; worked out once. */
  function tableOf(pyramid) {
    if (!tables.has(pyramid)) tables.set(pyramid, makeTable(pyramid));
    return tables.get(pyramid);
  }

  function makeTable({ width, height, tileSize, minLevel }) {
    let base = 0;
    while (2 ** base < Math.max(width, height)) base += 1;
    const levels = [];
    for (let [level, above] = [0, 0]; level <= base; level += 1) {
      const scale = 2 ** (base - level);
      const size = { width: Math.ceil(width / scale), height: Math.ceil(height / scale) };
      const [cols, rows] = [Math.ceil(size.width / tileSize), Math.ceil(size.height / tileSize)];
      levels.push({ ...size, scale, cols, rows, above });
      if (level >= minLevel) above += cols * rows;
    }
    const { above, cols, rows } = levels[base];
    return { base, levels, tiles: above + cols * rows };
  }

  /** The number of the base level. */
  function baseLevel(pyramid) {
    return tableOf(pyramid).base;
  }

  /** How many tiles are kept, of all levels. */
  function tileCount(pyramid) {
    return tableOf(pyramid).tiles;
  }

  /** The number of a tile, counted from the top level down and row by row. */
  function rank(pyramid, { level, col, row }) {
    const { above, cols } = tableOf(pyramid).levels[level];
    return above + row * cols + col;
  }

  /** The tile whose level, column and row are groups of `match`, the level counted from `first`; null without a match. */
  function numbered(match, first = 0) {
    return match && { level: first + Number(match.groups.level), col: Number(match.groups.col), row: Number(match.groups.row) };
  }

  const dzi = {
    path: (pyramid, { level, col, row }) => `${level}/${col}_${row}.${pyramid.format}`,
    tile: (pyramid, text) => numbered(/^(?<level>\d+)\/(?<col>\d+)_(?<row>\d+)\./.exec(text)),
  };

  const zoomify = {
    path(pyramid, tile) {
      const { level, col, row } = tile;
      const group = Math.floor(rank(pyramid, tile) / GROUP);
      return `TileGroup${group}/${level - pyramid.minLevel}-${col}-${row}.${pyramid.format}`;
    },
    tile: (pyramid, text) =>
      numbered(/^TileGroup\d+\/(?<level>\d+)-(?<col>\d+)-(?<row>\d+)\./.exec(text), pyramid.minLevel),
  };

  const google = {
    pads: true,
    path: (pyramid, { level, col, row }) => `${level - pyramid.minLevel}/${row}/${col}.${pyramid.format}`,
    tile: (pyramid, text) => numbered(/^(?<level>\d+)\/(?<row>\d+)\/(?<col>\d+)\./.exec(text), pyramid.minLevel),
  };

  // The static tiles of IIIF's Image API 3, level 0: a box of the base, and the size in which the tile shows it.
  const iiif3 = {
    path(pyramid, { level, col, row }) {
      const { width, height, scale, cols, rows } = tableOf(pyramid).levels[level];
      const side = pyramid.tileSize;
      const [x, y] = [col * side, row * side];
      const size = [Math.min(side, width - x), Math.min(side, height - y)];
      const box = [
        x * scale,
        y * scale,
        Math.min(side * scale, pyramid.width - x * scale),
        Math.min(side * scale, pyramid.height - y * scale),
      ];
      const region = cols * rows === 1 ? "full" : box.join(",");
      return `${region}/${size}/0/default.${pyramid.format}`;
    },
    tile(pyramid, text) {
      const [x, y] = text.startsWith("full/") ? [0, 0] : text.split(",", 2).map(Number);
      const { levels, base } = tableOf(pyramid);
      for (let level = pyramid.minLevel; level <= base; level += 1) {
        const side = pyramid.tileSize * levels[level].scale;
        const tile = { level, col: x / side, row: y / side };
        if (Number.isInteger(tile.col) && Number.isInteger(tile.row) && iiif3.path(pyramid, tile) === text) return tile;
      }
      return null;
    },
  };

  const LAYOUTS = { dzi, google, iiif3, zoomify };

  /** The path of a tile, below the folder of all tiles. */
  function path(pyramid, tile) {
    return LAYOUTS[pyramid.layout].path(pyramid, tile);
  }

  /** How much of the picture of a tile is to be seen, {width, height}; null for all of it. */
  function shownSize(pyramid, { level, col, row }) {
    if (!LAYOUTS[pyramid.layout].pads) return null;
    const { width, height } = tableOf(pyramid).levels[level];
    const side = pyramid.tileSize;
    return { width: Math.min(side, width - col * side), height: Math.min(side, height - row * side) };
  }

  /** How large a tile is, its overlap included: {width, height}. */
  function boxSize(pyramid, { level, col, row }) {
    const { width, height } = tableOf(pyramid).levels[level];
    const { tileSize: side, overlap } = pyramid;
    const span = (cell, end) => Math.min(end, (cell + 1) * side + overlap) - Math.max(0, cell * side - overlap);
    return { width: span(col, width), height: span(row, height) };
  }

  /** The tile that is kept at `text`; null if none of this pyramid is. */
  function tileAt(pyramid, text) {
    const tile = LAYOUTS[pyramid.layout].tile(pyramid, text);
    const { levels, base } = tableOf(pyramid);
    if (!tile || tile.level < pyramid.minLevel || tile.level > base) return null;
    const { cols, rows } = levels[tile.level];
    return tile.col < cols && tile.row < rows && path(pyramid, tile) === text ? tile : null;
  }

  return { baseLevel, boxSize, names: Object.keys(LAYOUTS), path, rank, shownSize, tileAt, tileCount };
})();
