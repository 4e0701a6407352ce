"use strict";
// Finds the tiles of a pyramid in the directory of its archive, of which it reads as little as it can.
//
// Our own archives list tiles level by level from the top down, and within a level about row by row. So a tile's place
// in the directory can be guessed from those of others, and only blocks around it are read. The directory of an archive
// that has its tiles in another order is read whole.

(globalThis.tileframe ??= {}).members = (() => {
  const { layouts, zip } = tileframe;
  const TAIL = 1024; // bytes at the end of an archive, enough for all but those with a long comment
  const BLOCK = 16384; // bytes of the directory, some 200 entries: all that a first view needs
  const LONGEST = 2048; // bytes: how far an entry that begins in a block may reach into the next one
  const SINGLE_READS = 4; // of one block each; then each read of a search is twice as long as the one before

  /** What is thrown for an archive that cannot be read at all. */
  class Unreadable extends Error {}

  /** Open the directory of `file`, which has a name, tail(count) and read(start, end), for the tiles of `pyramid`. */
  function open(file, pyramid) {
    const { folder } = pyramid.archive;
    const known = new Map(); // members by their path below the folder of tiles
    const spans = []; // runs of blocks that were read
    let bounds = null; // of the directory
    let grouped = true; // by level, as far as was seen
    let whole = null; // the promise that all of it is read
    let turn = Promise.resolve();

    async function readBounds() {
      for (const count of [TAIL, zip.LONGEST_END]) {
        const { bytes, length } = await file.tail(count);
        const found = zip.directory(bytes, length);
        if (found) return found;
        if (bytes.length === length) break;
      }
      throw new Unreadable(`${file.name} is no ZIP archive, or it is cut or damaged.`);
    }

    /** Keep what `entries` say of tiles; return the tiles, in the order of the entries. */
    function learn(entries) {
      const tiles = [];
      for (const { name, size, offset, stored } of entries) {
        if (!name.startsWith(folder)) continue;
        const path = name.slice(folder.length);
        const tile = layouts.tileAt(pyramid, path);
        if (!tile) continue;
        known.set(path, { size, offset, stored, nameLength: name.length });
        tiles.push(tile);
      }
      return tiles;
    }

    /** Read the blocks from number `from` to before `to`. */
    async function readBlocks(from, to) {
      const start = bounds.start + from * BLOCK;
      const bytes = await file.read(start, Math.min(bounds.start + to * BLOCK + LONGEST, bounds.end));
      const limit = (to - from) * BLOCK;
      const at = from ? zip.firstEntry(bytes, limit) : 0;
      const tiles = at < 0 ? [] : learn(zip.entries(bytes, at, limit));
      const levels = tiles.map(({ level }) => level);
      const ranks = tiles.map((tile) => layouts.rank(pyramid, tile));
      if (!tiles.length) {
        // After the last tile, other files are listed.
        levels.push(Infinity);
        ranks.push(layouts.tileCount(pyramid));
      }
      spans.push({ from, to, ...ends("Level", levels), ...ends("Rank", ranks) });
      spans.sort((one, other) => one.from - other.from);
      grouped &&= neverFalls(levels) && neverFalls(spans.flatMap((span) => [span.firstLevel, span.lastLevel]));
      grouped &&= spans[0].firstLevel === pyramid.minLevel;
    }

    /** The blocks to read next for a tile, {from, to}, at most `count`; null if it can be in none that is not read. */
    function candidates({ level }, rank, count) {
      let [low, high] = [0, blockCount()];
      for (const span of spans) {
        if (span.lastLevel < level) low = Math.max(low, span.to);
        if (span.firstLevel > level) high = Math.min(high, span.from);
      }
      const isOpen = (block) => block >= low && block < high && !spans.some(({ from, to }) => from <= block && block < to);
      const likely = Math.min(high - 1, Math.max(low, guess(rank)));
      for (let away = 0; away < high - low; away += 1) {
        const from = [likely + away, likely - away].find(isOpen);
        if (from === undefined) continue;
        let [first, to] = [from, from + 1];
        while (to - first < count && isOpen(to)) to += 1;
        while (to - first < count && isOpen(first - 1)) first -= 1;
        return { from: first, to };
      }
      return null;
    }

    /** The block in which a tile would be if the entries were all of one length, between those that were read. */
    function guess(rank) {
      let before = { rank: 0, block: 0 };
      let after = { rank: layouts.tileCount(pyramid), block: blockCount() };
      for (const span of spans) {
        const middle = { rank: (span.firstRank + span.lastRank) / 2, block: (span.from + span.to) / 2 };
        if (middle.rank <= rank && middle.rank >= before.rank) before = middle;
        if (middle.rank > rank && middle.rank < after.rank) after = middle;
      }
      const share = (rank - before.rank) / (after.rank - before.rank);
      return Math.floor(before.block + share * (after.block - before.block));
    }

    function blockCount() {
      return Math.ceil((bounds.end - bounds.start) / BLOCK);
    }

    async function search(path) {
      const tile = layouts.tileAt(pyramid, path);
      const rank = layouts.rank(pyramid, tile);
      bounds ??= await readBounds();
      if (!spans.length && bounds.end > bounds.start) await readBlocks(0, 1);
      for (let reads = 1; grouped && !known.has(path); reads += 1) {
        const next = candidates(tile, rank, 2 ** Math.max(0, reads - SINGLE_READS));
        if (next === null) return; // all that is listed of its level was read
        await readBlocks(next.from, next.to);
      }
      if (!known.has(path)) await readWhole();
    }

    async function readWhole() {
      whole ??= file.read(bounds.start, bounds.end).then((bytes) => learn(zip.entries(bytes)));
      try {
        await whole;
      } catch (error) {
        whole = null; // it may go better another time
        throw error;
      }
    }

    /** Where the data of a tile are, {offset, size, stored, nameLength}; null if the archive has no such tile. */
    async function find(path) {
      if (!known.has(path)) {
        // One search after the other: mostly, the next one finds its tile in what this one has read.
        const searched = turn.then(() => known.has(path) || search(path));
        turn = searched.catch(() => undefined);
        await searched;
      }
      return known.get(path) ?? null;
    }

    return { find };
  }

  function ends(name, numbers) {
    return { [`first${name}`]: numbers[0], [`last${name}`]: numbers[numbers.length - 1] };
  }

  function neverFalls(numbers) {
    return numbers.every((number, index) => index === 0 || numbers[index - 1] <= number);
  }

  return { BLOCK, Unreadable, open };
})();
