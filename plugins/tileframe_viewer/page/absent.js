"use strict";
// Which tiles are left out because they are blank, and what is shown for them.
//
// `pyramid.absent` is null, or has color and runs: for each level that has such tiles, how many tiles are there, how many
// are absent, how many are there, ..., row by row.

(globalThis.tileframe ??= {}).absent = (() => {
  const { layouts } = tileframe;
  const tables = new WeakMap();

  /** For each level, the numbers of the tiles with which the runs end. */
  function tableOf(pyramid) {
    if (!tables.has(pyramid)) {
      const ends = (runs) => {
        let end = 0;
        return runs.split(",").map((length) => (end += Number(length)));
      };
      const levels = Object.entries(pyramid.absent.runs).map(([level, runs]) => [Number(level), ends(runs)]);
      tables.set(pyramid, new Map(levels));
    }
    return tables.get(pyramid);
  }

  /** Whether `tile` is absent. */
  function has(pyramid, tile) {
    const ends = pyramid.absent && tableOf(pyramid).get(tile.level);
    if (!ends) return false;
    const number = layouts.rank(pyramid, tile) - layouts.rank(pyramid, { level: tile.level, col: 0, row: 0 });
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle] <= number) low = middle + 1;
      else high = middle;
    }
    return low % 2 === 1;
  }

  /** The context of a canvas as large as `tile`, which shows the background alone. */
  function drawn(pyramid, tile) {
    const canvas = document.createElement("canvas");
    const { width, height } = layouts.boxSize(pyramid, tile);
    [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.fillStyle = pyramid.absent.color;
    context.fillRect(0, 0, width, height);
    return context;
  }

  return { drawn, has };
})();
