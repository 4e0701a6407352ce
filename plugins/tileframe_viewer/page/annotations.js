"use strict";
// Annotations over the slide: read from a file beside the pyramid, or one that the reader gives; drawn, listed, toggled.

(globalThis.tileframe ??= {}).annotations = (() => {
  const { geojson, panels, problems } = tileframe;
  const MOST_NAMES = 100; // that are written on the slide
  const SMALLEST = 3; // pixels of the screen

  /** Show annotations on `layers`; `parts` are the panel's button, list, note and file. Returns actions. */
  function open(layers, parts) {
    const [{ pyramid }] = layers;
    let kinds = [];
    let shown = true;

    function draw() {
      for (const layer of layers) layer.draw();
    }

    function take(text, name) {
      try {
        const found = geojson.parse(text);
        kinds = found.kinds.map((kind) => ({ ...kind, shown: true }));
        shown = true;
        list(found.skipped, name);
        draw();
        return true;
      } catch (error) {
        if (!(error instanceof geojson.Unreadable)) throw error;
        refuse(name, error.message);
        return false;
      }
    }

    function refuse(name, why) {
      problems.show(`The annotations ${name} cannot be shown: ${why}. GeoJSON as QuPath exports it can.`);
    }

    function list(skipped, name) {
      const count = kinds.reduce((sum, kind) => sum + kind.count, 0);
      const left = skipped ? `; ${skipped.toLocaleString("en")} that are no points, lines or areas were left out` : "";
      parts.note.textContent = `${count.toLocaleString("en")} annotation${count === 1 ? "" : "s"} from ${name}${left}.`;
      parts.list.replaceChildren(...kinds.map(row));
    }

    function row(kind) {
      const line = panels.element("label", "", "kind");
      const box = panels.element("input");
      Object.assign(box, { type: "checkbox", checked: kind.shown });
      box.addEventListener("change", () => {
        kind.shown = box.checked;
        draw();
      });
      const colour = panels.element("span", "", "colour");
      colour.style.backgroundColor = kind.color;
      line.append(box, colour, panels.element("span", kind.label), panels.element("span", kind.count.toLocaleString("en"), "count"));
      return line;
    }

    /** Show what is in `blob`; whether it can be shown. */
    async function unpack(blob, name) {
      if (blob.size <= geojson.MOST_BYTES) return take(await blob.text(), name);
      refuse(name, `it has more than ${geojson.MOST_BYTES / 1e6} MB`);
      return false;
    }

    /** Take a file that the reader chose or dropped. */
    async function read(file) {
      try {
        if (await unpack(file, file.name)) parts.open(true);
      } catch {
        problems.show(`The annotations ${file.name} could not be read. Is it a file, and still there?`);
      }
    }

    /** Take the file that lies beside the pyramid. */
    async function load({ url, name }) {
      try {
        const answer = await fetch(url);
        if (!answer.ok) throw new TypeError(`${answer.status}`);
        await unpack(await answer.blob(), name);
      } catch {
        problems.show(`The annotations ${name} could not be loaded. Is the file still there?`);
      }
    }

    parts.file.addEventListener("change", () => {
      for (const file of parts.file.files) read(file);
      parts.file.value = ""; // so that the same one can be chosen again
    });
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault(); // else the browser would leave the page
      for (const file of event.dataTransfer.files) read(file);
    });
    for (const layer of layers) layer.painters.push((surface) => shown && paint(surface, kinds, pyramid));
    if (pyramid.annotations) {
      if (location.protocol === "file:") parts.note.textContent = `Drop ${pyramid.annotations.name} here: a browser reads no file for a page that is one.`;
      else load(pyramid.annotations);
    }
    return {
      hide: {
        keys: ["h"],
        label: "Show or hide the annotations",
        run: () => {
          shown = !shown;
          draw();
        },
      },
    };
  }

  function paint({ context, matrix, pyramid, ratio }, kinds, first) {
    const [a, b, c, d, e, f] = matrix.map((value) => value * ratio);
    // The slide's pixels are those of the first pyramid, from the slide's corner on.
    const scale = pyramid.width / first.width;
    const { x, y } = first.offset;
    const place = [a * scale, b * scale, c * scale, d * scale, e - scale * (a * x + c * y), f - scale * (b * x + d * y)];
    const zoom = Math.hypot(place[0], place[1]);
    const { width, height } = context.canvas;
    const corners = [[0, 0], [width, 0], [0, height], [width, height]].map(([across, down]) => {
      const point = tileframe.plane.toBase(place, { x: across, y: down });
      return [point.x, point.y];
    });
    const seen = geojson.boxOf(corners);
    let names = 0;
    for (const kind of kinds) {
      if (!kind.shown) continue;
      context.strokeStyle = context.fillStyle = kind.color;
      context.setTransform(...place);
      context.lineWidth = (2 * ratio) / zoom;
      trace(context, kind.lines, seen, SMALLEST / zoom);
      context.setTransform(1, 0, 0, 1, 0, 0);
      for (const [across, down] of kind.points) dot(context, tileframe.plane.toStage(place, { x: across, y: down }), 4 * ratio);
      if (kind.title && (names += 1) <= MOST_NAMES) write(context, kind, place, ratio);
    }
  }

  /** Draw the lines that are in sight; those smaller than `smallest` as a dot, for a slide may have a million cells. */
  function trace(context, lines, seen, smallest) {
    context.beginPath();
    for (const { at, closed, box } of lines) {
      if (box.left > seen.right || box.right < seen.left || box.top > seen.bottom || box.bottom < seen.top) continue;
      if (Math.max(box.right - box.left, box.bottom - box.top) < smallest) {
        context.fillRect(box.left, box.top, smallest, smallest);
        continue;
      }
      at.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
      if (closed) context.closePath();
    }
    context.stroke();
  }

  function dot(context, { x, y }, radius) {
    if (x < -radius || y < -radius || x > context.canvas.width + radius || y > context.canvas.height + radius) return;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }

  /** Write the name of a kind beside its first point. */
  function write(context, { color, lines, points, title }, place, ratio) {
    const [x, y] = lines[0]?.at[0] ?? points[0];
    const at = tileframe.plane.toStage(place, { x, y });
    context.font = `600 ${13 * ratio}px system-ui, sans-serif`;
    context.lineWidth = 3 * ratio;
    context.lineJoin = "round";
    context.strokeStyle = isDark(color) ? "rgb(255 255 255 / 85%)" : "rgb(0 0 0 / 75%)";
    context.strokeText(title, at.x + 6 * ratio, at.y - 6 * ratio);
    context.fillText(title, at.x + 6 * ratio, at.y - 6 * ratio);
  }

  /** Whether a colour, `rgb(r g b)`, is darker than the middle, to the eye. */
  function isDark(color) {
    const [red, green, blue] = color.match(/[\d.]+/g).map(Number);
    return 0.3 * red + 0.59 * green + 0.11 * blue < 128;
  }

  return { open };
})();
