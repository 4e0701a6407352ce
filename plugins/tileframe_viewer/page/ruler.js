"use strict";
// A ruler: a line drawn over the slide, with its length.
//
// Its ends are in shares of the picture's width, so that it lies at the same place on two pyramids.

(globalThis.tileframe ??= {}).ruler = (() => {
  /** How far it is from `one` to `other`, base points: in micrometres, or in pixels where `mpp` is not known. */
  function lengthText(one, other, mpp) {
    const [across, down] = [other.x - one.x, other.y - one.y];
    if (mpp) return tileframe.scale.lengthText(Math.hypot(across * mpp[0], down * mpp[1]), 4);
    return `${Number(Math.hypot(across, down).toPrecision(4)).toLocaleString("en")} px`;
  }

  /** Let a ruler be drawn on `layers`; `parts` are the page's button, row and text. Returns its actions. */
  function open(layers, parts) {
    const [{ pyramid }] = layers;
    let ends = null;
    let drawing = null; // "middle": to the middle of the view; "pointer"; null
    let pressed = null;
    const base = ({ x, y }) => ({ x: x * pyramid.width, y: y * pyramid.width });
    const text = () => lengthText(base(ends[0]), base(ends[1]), pyramid.mpp);

    function show() {
      parts.button.setAttribute("aria-pressed", drawing !== null);
      parts.row.hidden = ends === null;
      parts.text.textContent = ends ? text() : "";
      for (const layer of layers) {
        layer.viewer.element.classList.toggle("measured", drawing !== null);
        layer.draw();
      }
    }

    /** The middle of the view, when the movement that is under way will have ended. */
    function middle() {
      const view = tileframe.stage.view(layers[0].viewer, pyramid, { aim: true });
      return { x: view.x / pyramid.width, y: view.y / pyramid.width };
    }

    function stop() {
      if (drawing === null) return;
      if (drawing === "middle") ends[1] = middle();
      drawing = pressed = null;
      if (ends && ends[0].x === ends[1].x && ends[0].y === ends[1].y) ends = null;
      else if (ends) tileframe.panels.say(`The ruler measures ${text()}.`);
      show();
    }

    function toggle() {
      if (drawing !== null) {
        stop();
        return;
      }
      drawing = "middle";
      ends = [middle(), middle()];
      tileframe.panels.say("Draw a line; or move the slide, and press m again, to measure from the middle to the middle.");
      show();
    }

    function remove() {
      drawing = ends = pressed = null;
      show();
    }

    for (const layer of layers) {
      const { viewer } = layer;
      const share = ({ originalEvent }) => {
        const point = layer.under(originalEvent);
        return { x: point.x / layer.pyramid.width, y: point.y / layer.pyramid.width };
      };
      viewer.addHandler("canvas-press", (event) => {
        if (drawing) pressed = share(event);
      });
      viewer.addHandler("canvas-drag", (event) => {
        if (!drawing || !pressed) return;
        event.preventDefaultAction = true;
        drawing = "pointer";
        ends = [pressed, share(event)];
        show();
      });
      viewer.addHandler("canvas-drag-end", (event) => {
        if (drawing !== "pointer") return;
        event.preventDefaultAction = true;
        stop();
      });
      layer.painters.push((surface) => ends && paint(surface, ends, text()));
    }
    layers[0].viewer.addHandler("viewport-change", () => {
      if (drawing !== "middle") return;
      ends[1] = middle();
      show();
    });
    show();
    return {
      ruler: { keys: ["m"], label: "Measure: begin, and end", run: toggle },
      noRuler: { keys: ["Delete"], presses: ["Delete", "Backspace"], label: "Remove the ruler", run: remove },
    };
  }

  /** Draw the line, with marks at its ends, and its length beside its middle. */
  function paint({ context, matrix, pyramid, ratio }, ends, text) {
    const places = ends.map(({ x, y }) => tileframe.plane.toStage(matrix, { x: x * pyramid.width, y: y * pyramid.width }));
    const [one, other] = places;
    const angle = Math.atan2(other.y - one.y, other.x - one.x) + Math.PI / 2;
    const mark = { x: 7 * Math.cos(angle), y: 7 * Math.sin(angle) };
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.beginPath();
    context.moveTo(one.x, one.y);
    context.lineTo(other.x, other.y);
    for (const { x, y } of places) {
      context.moveTo(x - mark.x, y - mark.y);
      context.lineTo(x + mark.x, y + mark.y);
    }
    context.font = "600 14px system-ui, sans-serif";
    context.lineJoin = "round";
    const at = [(one.x + other.x) / 2 + 8, (one.y + other.y) / 2 - 8];
    // Dark under bright, to be seen on every slide.
    for (const [style, width] of [["rgb(0 0 0 / 75%)", 5], ["#ffd400", 2]]) {
      Object.assign(context, { strokeStyle: style, lineWidth: width, fillStyle: style });
      context.stroke();
      if (width > 2) context.strokeText(text, ...at);
      else context.fillText(text, ...at);
    }
  }

  return { lengthText, open };
})();
