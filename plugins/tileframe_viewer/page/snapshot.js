"use strict";
// Saves the view as a PNG: the pictures as they are seen, what is drawn over them, and the scale bar.

(globalThis.tileframe ??= {}).snapshot = (() => {
  const MARGIN = 16;

  /** The name of the file for a view of `pyramid`. */
  function fileName(pyramid, view) {
    const place = `x${Math.round(view.x)}-y${Math.round(view.y)}-zoom${Number(view.zoom.toPrecision(3))}`;
    return `${pyramid.name}-${place}.png`;
  }

  /** Save what `layers` show, in the light of `lit`; `share` is how much of the width the first has, where they lie over each other. */
  async function save(layers, lit, share = null) {
    try {
      const canvas = drawn(layers, lit, share);
      const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = fileName(layers[0].pyramid, tileframe.stage.view(layers[0].viewer, layers[0].pyramid));
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    } catch (error) {
      // The pixels of files may be looked at, and no more.
      const forbidden = "The browser saves no picture of a page that was opened as a file. tileframe view --serve is a way.";
      tileframe.panels.say(error.name === "SecurityError" ? forbidden : "The browser could not make this picture: it may be too large.");
    }
  }

  /** A canvas with the stages as they lie on the screen. */
  function drawn(layers, lit, share) {
    const ratio = globalThis.devicePixelRatio;
    const boxes = layers.map(({ canvas }) => canvas.getBoundingClientRect());
    const [left, top] = [Math.min(...boxes.map((box) => box.left)), Math.min(...boxes.map((box) => box.top))];
    const width = Math.max(...boxes.map((box) => box.right)) - left;
    const height = Math.max(...boxes.map((box) => box.bottom)) - top;
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    const context = canvas.getContext("2d");
    context.fillStyle = getComputedStyle(document.getElementById("stages")).backgroundColor;
    context.fillRect(0, 0, canvas.width, canvas.height);
    layers.forEach((layer, index) => {
      const box = boxes[index];
      const place = [box.left - left, box.top - top, box.width, box.height].map((length) => Math.round(length * ratio));
      context.save();
      if (index && share !== null) {
        context.beginPath();
        context.rect(share * canvas.width, 0, canvas.width, canvas.height);
        context.clip();
      }
      for (const part of [lit.of(layer.viewer.drawer.canvas), layer.canvas]) {
        if (part.width && part.height) context.drawImage(part, ...place);
      }
      context.restore();
    });
    drawBar(context, layers[0], ratio);
    return canvas;
  }

  function drawBar(context, { pyramid, viewer }, ratio) {
    const view = tileframe.stage.view(viewer, pyramid);
    const bar = tileframe.scale.bar(pyramid.mpp, view.zoom, view.rotation);
    if (!bar) return;
    const bottom = context.canvas.height / ratio - MARGIN;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = "#fff";
    context.fillRect(MARGIN - 8, bottom - 34, bar.pixels + 16, 42);
    context.fillStyle = "#000";
    context.fillRect(MARGIN, bottom - 4, bar.pixels, 4);
    context.font = "600 14px system-ui, sans-serif";
    context.fillText(bar.text, MARGIN, bottom - 12);
  }

  return { save };
})();
