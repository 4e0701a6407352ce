"use strict";
// Shows what `tileframe compare` found: a verdict, sentences, and a table with a link to each worst tile.

(globalThis.tileframe ??= {}).figures = (() => {
  const VERDICTS = {
    pixels: "Identical: every tile decodes to the same pixels.",
    base: "The base is identical; smaller levels differ.",
    layout: "The same layout, with other pixels.",
  };
  const DIFFERENT = "Different: not the same layout.";

  /** The verdict as a sentence. */
  function verdict(comparison) {
    return VERDICTS[comparison.strength] ?? DIFFERENT;
  }

  /** The tile to look at first: the worst of the largest level in which any differs; null where none does. */
  function worst(comparison) {
    const levels = [...(comparison?.levels ?? [])].reverse();
    return levels.find((level) => level.worst)?.worst ?? null;
  }

  /** How far apart a level is, in words. */
  function distance(level) {
    if (level.psnr !== null) return `${level.psnr.toFixed(1)} dB`;
    return level.unreadable ? "–" : "equal";
  }

  /** Fill `panel`; `jump` is called with the tile whose button is pressed. */
  function fill(panel, comparison, jump) {
    const { element } = tileframe.panels;
    panel.append(element("h3", "Compared"), element("p", verdict(comparison), "verdict"));
    for (const sentence of comparison.sentences) panel.append(element("p", sentence, "sentence"));
    if (!comparison.levels.length) return;
    const count = `${comparison.identical.toLocaleString("en")} of ${comparison.tiles.toLocaleString("en")}`;
    panel.append(element("p", `${count} tiles are identical.`));
    const table = element("table");
    const head = element("tr");
    for (const title of ["Level", "Differing", "Largest", "PSNR", "Worst"]) head.append(element("th", title));
    table.append(head);
    for (const level of [...comparison.levels].reverse()) table.append(row(level, jump));
    panel.append(table);
    if (comparison.levels.some((level) => level.worst)) {
      panel.append(element("p", "Largest: the largest difference of a sample, of 255. Press a worst tile to see it.", "note"));
    }
  }

  function row(level, jump) {
    const { element } = tileframe.panels;
    const line = element("tr");
    const differing = `${(level.differing + level.unreadable).toLocaleString("en")} / ${level.tiles.toLocaleString("en")}`;
    for (const text of [level.level, differing, level.largest, distance(level)]) line.append(element("td", text));
    const cell = element("td");
    if (level.worst) {
      const button = element("button", `${level.worst.col}, ${level.worst.row}`, "plain");
      button.type = "button";
      // What is seen comes first in the name: who speaks to the page says what is seen.
      button.setAttribute("aria-label", `${button.textContent}: show the worst tile of level ${level.level}`);
      button.addEventListener("click", () => jump(level.worst));
      cell.append(button);
    }
    line.append(cell);
    return line;
  }

  return { distance, fill, verdict, worst };
})();
