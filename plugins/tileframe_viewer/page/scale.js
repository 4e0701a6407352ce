"use strict";
// Computes the length of the scale bar and the magnification. Arithmetic alone.
//
// `zoom` is in screen (CSS) pixels per pixel of the pyramid's base; `mpp` in micrometres per base pixel, [across, down].

(globalThis.tileframe ??= {}).scale = (() => {
  const LONGEST = 160; // pixels; nice lengths are at most 2.5 times apart, so no bar is shorter than 64

  /** The micrometres that one screen pixel shows, from left to right, on a slide turned by `rotation` degrees. */
  function micrometresPerPixel(mpp, zoom, rotation = 0) {
    const angle = (rotation * Math.PI) / 180;
    return Math.hypot(mpp[0] * Math.cos(angle), mpp[1] * Math.sin(angle)) / zoom;
  }

  /** The longest of 1, 2 and 5 times a power of ten that is no more than `most`. */
  function niceLength(most) {
    const power = 10 ** Math.floor(Math.log10(most));
    // The logarithm of a power of ten may come out a hair too large or too small.
    const steps = [10, 5, 2, 1, 0.5];
    return power * steps.find((step) => step * power <= most * (1 + 1e-9));
  }

  /** A length in micrometres as people say it: µm below a millimetre, mm from there on. */
  function lengthText(micrometres, digits = 3) {
    const large = Number(micrometres.toPrecision(digits)) >= 1000;
    const value = large ? micrometres / 1000 : micrometres;
    return `${Number(value.toPrecision(digits)).toLocaleString("en", { maximumFractionDigits: 9 })} ${large ? "mm" : "µm"}`;
  }

  /** The bar to draw: its length in pixels and its label; null where the slide does not say how large its pixels are. */
  function bar(mpp, zoom, rotation = 0) {
    if (!mpp || !(zoom > 0)) return null;
    const perPixel = micrometresPerPixel(mpp, zoom, rotation);
    const micrometres = niceLength(LONGEST * perPixel);
    return { micrometres, pixels: micrometres / perPixel, text: lengthText(micrometres, 1) };
  }

  /** The magnification: the objective's own where one base pixel fills one screen pixel; null where it is unknown. */
  function magnification(objectivePower, zoom) {
    if (!objectivePower || !(zoom > 0)) return null;
    const power = objectivePower * zoom;
    return `${Number(power.toPrecision(power < 1 ? 2 : 3))}×`;
  }

  return { LONGEST, bar, lengthText, magnification, micrometresPerPixel, niceLength };
})();
