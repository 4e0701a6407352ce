"use strict";
// A view as the end of a link, and back: `#x=6144.5&y=4096&zoom=0.25&rotation=90&flip=1`.
//
// `x` and `y` are the base pixel in the middle, `zoom` screen pixels per base pixel, `rotation` degrees. Two pyramids
// add `mode` and `curtain`, the share of the width that shows the first one.

(globalThis.tileframe ??= {}).link = (() => {
  const MODES = ["side", "curtain"];

  /** The link's end for `view`. */
  function format(view) {
    const parts = [`x=${short(view.x, 3)}`, `y=${short(view.y, 3)}`, `zoom=${Number(view.zoom.toPrecision(9))}`];
    if (view.rotation) parts.push(`rotation=${short(view.rotation, 2)}`);
    if (view.flip) parts.push("flip=1");
    if (view.mode) parts.push(`mode=${view.mode}`);
    if (view.mode === "curtain") parts.push(`curtain=${short(view.curtain, 3)}`);
    return `#${parts.join("&")}`;
  }

  /** The view that `hash` names; null if it names none. What is not a number is as if it were not there. */
  function parse(hash) {
    const fields = new URLSearchParams(hash.replace(/^#/, ""));
    const number = (name) => (fields.get(name)?.trim() ? Number(fields.get(name)) : NaN);
    const view = { x: number("x"), y: number("y"), zoom: number("zoom") };
    if (![view.x, view.y, view.zoom].every(Number.isFinite) || view.zoom <= 0) return null;
    const rotation = number("rotation");
    view.rotation = Number.isFinite(rotation) ? ((rotation % 360) + 360) % 360 : 0;
    view.flip = fields.get("flip") === "1";
    view.mode = MODES.includes(fields.get("mode")) ? fields.get("mode") : null;
    const curtain = number("curtain");
    view.curtain = Number.isFinite(curtain) ? Math.min(1, Math.max(0, curtain)) : 0.5;
    return view;
  }

  function short(number, digits) {
    return Number(number.toFixed(digits));
  }

  return { format, parse };
})();
