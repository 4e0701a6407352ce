"use strict";
// Maps base pixels to pixels of the screen and back, for a view {x, y, zoom, rotation, flip} in a stage of a given size.

(globalThis.tileframe ??= {}).plane = (() => {
  /** The affine map [a, b, c, d, e, f], as canvases take it, from base pixels to the stage's own pixels. */
  function matrix(view, { width, height }) {
    const angle = (view.rotation * Math.PI) / 180;
    const [along, across] = [Math.cos(angle) * view.zoom, Math.sin(angle) * view.zoom];
    const mirror = view.flip ? -1 : 1;
    const [a, b, c, d] = [mirror * along, across, -mirror * across, along];
    return [a, b, c, d, width / 2 - a * view.x - c * view.y, height / 2 - b * view.x - d * view.y];
  }

  /** Where the base point is on the stage. */
  function toStage([a, b, c, d, e, f], { x, y }) {
    return { x: a * x + c * y + e, y: b * x + d * y + f };
  }

  /** The base point that is seen there. */
  function toBase([a, b, c, d, e, f], { x, y }) {
    const size = a * d - b * c;
    return { x: (d * (x - e) - c * (y - f)) / size, y: (a * (y - f) - b * (x - e)) / size };
  }

  return { matrix, toBase, toStage };
})();
