"use strict";
// Marks the page as busy while tiles load, and reports tiles that could not be loaded.

(globalThis.tileframe ??= {}).loading = (() => {
  /** Mark `area` as busy while any of `stages` loads. */
  function watch(area, stages) {
    const done = new Map(stages.map((viewer) => [viewer, false]));
    const mark = () => area.setAttribute("aria-busy", [...done.values()].includes(false));
    for (const viewer of stages) {
      viewer.world.addHandler("add-item", ({ item }) => {
        item.addHandler("fully-loaded-change", ({ fullyLoaded }) => {
          done.set(viewer, fullyLoaded);
          mark();
        });
      });
      viewer.addOnceHandler("tile-drawn", () => performance.mark("tileframe-first-tile"));
    }
    mark();
  }

  /** Say which tiles of `pyramid` do not come, and offer to ask for them again. */
  function report(viewer, pyramid) {
    const failed = new Map();
    let loaded = 0;
    viewer.addHandler("tile-loaded", () => (loaded += 1));
    viewer.addHandler("tile-load-failed", ({ tile, tiledImage }) => {
      const { source } = tiledImage;
      failed.set(tileframe.layouts.path(pyramid, { level: tile.level, col: tile.x, row: tile.y }), tile);
      const first = failed.keys().next().value;
      const text = source.trouble ?? tileframe.problems.tilesText(pyramid, failed.size, loaded, first);
      tileframe.problems.show(text, () => {
        source.again?.();
        for (const one of failed.values()) one.exists = true; // OpenSeadragon gives a tile up for good
        failed.clear();
        viewer.world.resetItems();
        viewer.forceRedraw();
      });
    });
  }

  return { report, watch };
})();
