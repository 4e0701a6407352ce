"use strict";
// Ties two stages together: when one is moved, the other follows.

(globalThis.tileframe ??= {}).together = (() => {
  /** Keep `stages`, as `stage.open` opened them, at one view; places are shares of the picture's width. */
  function tie(stages) {
    let leader = stages[0];
    const taking = ["canvas-enter", "canvas-press", "canvas-scroll", "canvas-focus", "canvas-pinch"];
    // A stage that only follows changes too, when it is given another size.
    const moving = ["viewport-change", "rotate", "flip", "after-resize"];
    for (const one of stages) {
      for (const name of taking) one.addHandler(name, () => (leader = one));
      for (const name of moving) one.addHandler(name, follow);
    }

    function follow() {
      for (const other of stages) {
        if (other !== leader && other.isOpen() && leader.isOpen()) copy(leader.viewport, other.viewport);
      }
    }

    return {
      follow,
      /** The one that is moved; keys and buttons move the first. */
      lead: (one) => (leader = one),
    };
  }

  /** Make `to` as `from` is, if it is not: what is set is told again, and must come to an end. */
  function copy(from, to) {
    if (to.getRotation(true) !== from.getRotation(true)) to.setRotation(from.getRotation(true), true);
    if (to.getFlip() !== from.getFlip()) to.setFlip(from.getFlip());
    const [zoom, middle] = [from.getZoom(true), from.getCenter(true)];
    if (to.getZoom(true) !== zoom || to.getZoom() !== zoom) to.zoomTo(zoom, null, true);
    if (!to.getCenter(true).equals(middle) || !to.getCenter().equals(middle)) to.panTo(middle, true);
  }

  return { tie };
})();
