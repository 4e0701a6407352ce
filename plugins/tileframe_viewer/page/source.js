"use strict";
// Where OpenSeadragon gets the tiles of a pyramid: one address for each, or parts of an archive.

(globalThis.tileframe ??= {}).source = (() => {
  const { absent, layouts, members, ranges, zip } = tileframe;
  const SLACK = 64; // bytes read beyond a tile: its header may have an extra field, whose length the directory lacks
  const KEPT = 32; // tiles of the top of a pyramid whose bytes are kept, as the overview needs them as well

  /** The tile source of `pyramid`. */
  function open(pyramid) {
    return new OpenSeadragon.TileSource({
      width: pyramid.width,
      height: pyramid.height,
      tileSize: pyramid.tileSize,
      tileOverlap: pyramid.overlap,
      minLevel: pyramid.minLevel,
      maxLevel: layouts.baseLevel(pyramid),
      ...(pyramid.archive ? inArchive(pyramid) : loose(pyramid)),
    });
  }

  /** What a tile source of loose files does of its own. */
  function loose(pyramid) {
    const start = pyramid.tilesUrl;
    const own = { getTileUrl: (level, col, row) => start + layouts.path(pyramid, { level, col, row }) };
    const pads = Boolean(layouts.shownSize(pyramid, { level: pyramid.minLevel, col: 0, row: 0 }));
    if (!pads && !pyramid.absent) return own;
    return {
      ...own,
      downloadTileStart(job) {
        const path = job.src.slice(start.length);
        const blank = background(pyramid, path);
        if (blank) {
          Promise.resolve(blank).then((context) => job.finish(context, null, "context2d")); // never before it has begun
          return;
        }
        const image = new Image();
        job.userData.imageRequest = image;
        image.onload = () => {
          if (pads) job.finish(drawn(image, pyramid, path), null, "context2d");
          else job.finish(image, null, "image");
        };
        image.onerror = () => job.fail("the tile is missing or damaged", null);
        image.src = job.src;
      },
    };
  }

  /** What a tile source does of its own whose tiles are members of an archive. */
  function inArchive(pyramid) {
    const { url, name } = pyramid.archive;
    const file = ranges.open(url, name);
    let tiles = members.open(file, pyramid);
    let kept = new Map();

    function read(key, signal) {
      if (layouts.rank(pyramid, layouts.tileAt(pyramid, key)) >= KEPT) return fetchTile(key, signal);
      if (!kept.has(key)) {
        const asked = fetchTile(key);
        kept.set(key, asked);
        asked.catch(() => kept.delete(key));
      }
      return kept.get(key);
    }

    async function fetchTile(key, signal) {
      const member = await tiles.find(key);
      if (member === null) throw new Error(`${name} has no tile ${key}`);
      if (!member.stored) throw new Error(`${name}: the tile ${key} is compressed once more`);
      const { offset, size, nameLength } = member;
      const bytes = await file.read(offset, offset + zip.LOCAL_LENGTH + nameLength + size + SLACK, { signal });
      const start = zip.dataStart(bytes);
      if (start + size <= bytes.length) return bytes.subarray(start, start + size);
      if (Number.isNaN(start)) throw new Error(`${name}: the tile ${key} is not where the directory has it`);
      return file.read(offset + start, offset + start + size, { signal });
    }

    async function load(key, signal) {
      const blank = background(pyramid, key);
      if (blank) return blank;
      const bitmap = await createImageBitmap(new Blob([await read(key, signal)]));
      const context = drawn(bitmap, pyramid, key);
      bitmap.close();
      return context;
    }

    return {
      getTileUrl: (level, col, row) => layouts.path(pyramid, { level, col, row }), // no address, but a name for each
      /** Why the archive cannot be read at all; null if it can. */
      trouble: null,
      /** Forget what is known of the archive. */
      again() {
        this.trouble = null;
        tiles = members.open(file, pyramid);
        kept = new Map();
      },
      downloadTileStart(job) {
        const aborter = new AbortController();
        job.userData.aborter = aborter;
        load(job.src, aborter.signal).then(
          (context) => job.finish(context, null, "context2d"),
          (error) => {
            if (error instanceof members.Unreadable) this.trouble = error.message;
            job.fail(error.message, null);
          },
        );
      },
      downloadTileAbort: (job) => job.userData.aborter.abort(),
    };
  }

  /** What is shown for the tile at `path` if it is absent; null if it is there. */
  function background(pyramid, path) {
    const tile = pyramid.absent && layouts.tileAt(pyramid, path);
    return tile && absent.has(pyramid, tile) ? absent.drawn(pyramid, tile) : null;
  }

  /** The context of a canvas with `picture` on it, the tile that is kept at `path`, without what pads it. */
  function drawn(picture, pyramid, path) {
    const { width, height } = layouts.shownSize(pyramid, layouts.tileAt(pyramid, path)) ?? picture;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0);
    return context;
  }

  return { open };
})();
