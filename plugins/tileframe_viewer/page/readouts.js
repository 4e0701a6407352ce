"use strict";
// Shows the scale bar, the magnification, and the position of the pointer.

(globalThis.tileframe ??= {}).readouts = (() => {
  /** Show the scale bar and the magnification of a view of `pyramid`. */
  function showScale(pyramid, view) {
    const bar = tileframe.scale.bar(pyramid.mpp, view.zoom, view.rotation);
    const power = tileframe.scale.magnification(pyramid.objectivePower, view.zoom);
    const line = document.getElementById("scale-line");
    line.hidden = bar === null;
    if (bar) line.style.width = `${bar.pixels}px`;
    document.getElementById("scale-text").textContent = bar?.text ?? "";
    document.getElementById("magnification").textContent = power ?? "";
    document.getElementById("scale").hidden = bar === null && power === null;
  }

  /** Show where `point`, of the base, is; `what` says what is there: the pointer, or the middle of the view. */
  function showPosition(pyramid, point, what) {
    const pixel = tileframe.coordinates.pixelAt(point, pyramid);
    const place = document.getElementById("position");
    const inPart = pyramid.offset.x > 0 || pyramid.offset.y > 0;
    place.title = `${what}: column and row of the slide's base${inPart ? ", and of the part that is shown" : ""}`;
    const slide = pixel && tileframe.coordinates.onSlide(pixel, pyramid.offset);
    document.getElementById("position-pixels").textContent = pixel
      ? tileframe.coordinates.pixelText(slide) + (inPart ? `  (part: ${tileframe.coordinates.pixelText(pixel)})` : "")
      : "beside the slide";
    const distance = document.getElementById("position-distance");
    distance.textContent = pixel ? tileframe.coordinates.distanceText(slide, pyramid.mpp) : "";
  }

  /** Keep the readouts at what is seen and pointed at. */
  function follow(stages, pyramids, changed) {
    const [viewer] = stages;
    const [pyramid] = pyramids;
    let pointer = null;
    const showPlace = () => {
      const view = tileframe.stage.view(viewer, pyramid);
      if (pointer) showPosition(pyramid, tileframe.stage.pointUnder(pointer.viewer, pyramid, pointer.event), "Pointer");
      else showPosition(pyramid, view, "Middle");
    };
    const show = () => {
      showScale(pyramid, tileframe.stage.view(viewer, pyramid));
      showPlace();
      changed();
    };
    for (const name of ["viewport-change", "rotate", "flip", "resize"]) viewer.addHandler(name, show);
    stages.forEach((one) => {
      one.element.addEventListener("pointermove", (event) => {
        pointer = { viewer: one, event };
        showPlace();
      });
      one.element.addEventListener("pointerleave", () => {
        pointer = null;
        showPlace();
      });
    });
    document.getElementById("measure").hidden = false;
    show();
  }

  return { follow };
})();
