"use strict";
// Magnifications to choose from, 1x to 40x: a menu that shows the present one, and a step to the next.

(globalThis.tileframe ??= {}).power = (() => {
  const POWERS = [1, 2, 5, 10, 20, 40];
  const MPP_AT_ONE = 10; // micrometres per pixel at 1x: 0.25 at 40x, as scanners have it

  /** The power at one base pixel per screen pixel: the objective's, or what the pixel size comes to; null if unknown. */
  function full(pyramid) {
    if (pyramid.objectivePower) return pyramid.objectivePower;
    return pyramid.mpp ? MPP_AT_ONE / pyramid.mpp[0] : null;
  }

  /** The presets that a viewer which zooms from `least` to `most` can show, each with its zoom. */
  function choices(pyramid, least, most) {
    const one = full(pyramid);
    if (one === null) return [];
    const all = POWERS.map((power) => ({ power, zoom: power / one }));
    return all.filter(({ zoom }) => zoom >= least * (1 - 1e-9) && zoom <= most * (1 + 1e-9));
  }

  /** The next of `found` after `zoom`, upwards or downwards; null at the end. */
  function next(found, zoom, upwards) {
    const beyond = found.filter((one) => (upwards ? one.zoom > zoom * 1.001 : one.zoom < zoom / 1.001));
    return (upwards ? beyond[0] : beyond.at(-1)) ?? null;
  }

  /** Fill the menu `select` for `viewer`; returns its actions. `led` is called before the view is changed. */
  function open(select, viewer, pyramid, led) {
    if (full(pyramid) === null) return {};
    const about = pyramid.objectivePower ? "" : "≈ "; // no objective is named
    const [present, ...options] = ["", ...POWERS].map(() => document.createElement("option"));
    present.value = ""; // else its value would be its text
    present.hidden = true;
    options.forEach((option, index) => {
      option.value = `${POWERS[index]}`;
      option.textContent = `${about}${POWERS[index]}×`;
    });
    select.append(present, ...options);
    const { viewport } = viewer;
    const possible = () => {
      const [least, most] = [viewport.getMinZoom(), viewport.getMaxZoom()].map((zoom) => viewport.viewportToImageZoom(zoom));
      return choices(pyramid, least, most);
    };
    const zoomTo = (choice) => {
      if (!choice) return;
      led();
      viewport.zoomTo(viewport.imageToViewportZoom(choice.zoom));
      viewport.applyConstraints();
    };
    const show = () => {
      present.textContent = about + tileframe.scale.magnification(full(pyramid), tileframe.stage.view(viewer, pyramid).zoom);
      const able = possible().map(({ power }) => power);
      options.forEach((option, index) => (option.disabled = !able.includes(POWERS[index])));
      select.value = "";
    };
    select.addEventListener("change", () => {
      zoomTo(possible().find(({ power }) => `${power}` === select.value));
      select.value = "";
      select.blur(); // so that keys move the slide again
    });
    for (const name of ["viewport-change", "resize"]) viewer.addHandler(name, show);
    show();
    const step = (upwards) => zoomTo(next(possible(), tileframe.stage.view(viewer, pyramid, { aim: true }).zoom, upwards));
    return {
      lower: { keys: [","], label: "Next lower magnification", run: () => step(false) },
      higher: { keys: ["."], label: "Next higher magnification", run: () => step(true) },
    };
  }

  return { choices, full, next, open };
})();
