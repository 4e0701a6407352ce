"use strict";
// A canvas over a stage, on which parts of the page draw what belongs to places of the slide.

(globalThis.tileframe ??= {}).layer = (() => {
  /** Lay a canvas over the stage of `viewer`; what is added to `painters` draws on it, and `draw` asks for that. */
  function open(area, viewer, pyramid) {
    const canvas = tileframe.panels.element("canvas", "", "layer");
    canvas.setAttribute("aria-hidden", "true");
    area.querySelector(".slide").append(canvas);
    const painters = [];
    let asked = false;

    function place() {
      const size = { width: area.clientWidth, height: area.clientHeight };
      return { size, matrix: tileframe.plane.matrix(tileframe.stage.view(viewer, pyramid), size) };
    }

    function paint() {
      asked = false;
      const { size, matrix } = place();
      const ratio = globalThis.devicePixelRatio;
      const [width, height] = [size.width, size.height].map((length) => Math.round(length * ratio));
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      const context = canvas.getContext("2d");
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, width, height);
      for (const painter of painters) painter({ context, matrix, pyramid, ratio });
    }

    function draw() {
      if (!asked) requestAnimationFrame(paint);
      asked = true;
    }

    for (const name of ["viewport-change", "rotate", "flip", "resize"]) viewer.addHandler(name, draw);
    return {
      canvas,
      draw,
      painters,
      pyramid,
      viewer,
      /** The base point under a pointer event. */
      under(event) {
        const corner = area.getBoundingClientRect();
        return tileframe.plane.toBase(place().matrix, { x: event.clientX - corner.left, y: event.clientY - corner.top });
      },
    };
  }

  return { open };
})();
