"use strict";
// Brightness, contrast and gamma of what is shown, as one table of samples; nothing of it is stored.

(globalThis.tileframe ??= {}).light = (() => {
  const KNOBS = ["brightness", "contrast", "gamma"];
  const PLAIN = { brightness: 0, contrast: 1, gamma: 1 };
  const STEPS = 256;

  /** For each sample from 0 to 255, what is shown for it, from 0 to 1: gamma, then contrast about the middle, then brightness. */
  function table({ brightness, contrast, gamma }) {
    return Array.from({ length: STEPS }, (_, sample) => {
      const value = ((sample / (STEPS - 1)) ** (1 / gamma) - 0.5) * contrast + 0.5 + brightness;
      return Math.min(1, Math.max(0, value));
    });
  }

  /** Whether nothing is changed. */
  function isPlain(settings) {
    return KNOBS.every((knob) => settings[knob] === PLAIN[knob]);
  }

  /** Change `layers` as the sliders of `panel` say; `functions` are those of the page's filter. Returns `of`, for pictures of it. */
  function open(layers, panel, functions) {
    const sliders = Object.fromEntries(KNOBS.map((knob) => [knob, panel.querySelector(`[name=${knob}]`)]));
    let settings = { ...PLAIN };

    function set(wanted) {
      settings = wanted;
      for (const knob of KNOBS) {
        sliders[knob].value = settings[knob];
        panel.querySelector(`[for=${sliders[knob].id}] output`).textContent = settings[knob].toFixed(2);
      }
      const values = table(settings).map((value) => value.toFixed(4)).join(" ");
      for (const one of functions) one.setAttribute("tableValues", values);
      for (const { viewer } of layers) viewer.drawer.canvas.style.filter = isPlain(settings) ? "" : "url(#light-filter)";
    }

    for (const knob of KNOBS) {
      sliders[knob].addEventListener("input", () => set({ ...settings, [knob]: Number(sliders[knob].value) }));
    }
    panel.querySelector("#light-reset").addEventListener("click", () => set({ ...PLAIN }));
    set(settings);
    return {
      /** The canvas as it is seen: itself, or a copy whose samples are changed as the screen's are. */
      of(canvas) {
        if (isPlain(settings) || !canvas.width || !canvas.height) return canvas;
        const copy = document.createElement("canvas");
        Object.assign(copy, { width: canvas.width, height: canvas.height });
        const context = copy.getContext("2d");
        context.drawImage(canvas, 0, 0);
        const image = context.getImageData(0, 0, copy.width, copy.height);
        const samples = table(settings).map((value) => Math.round(255 * value));
        for (let at = 0; at < image.data.length; at += 1) if (at % 4 < 3) image.data[at] = samples[image.data[at]];
        context.putImageData(image, 0, 0);
        return copy;
      },
    };
  }

  return { PLAIN, isPlain, open, table };
})();
