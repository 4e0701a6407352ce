"use strict";
// Shows two pyramids at one view: side by side, or one over the other behind a curtain.

(globalThis.tileframe ??= {}).pair = (() => {
  const { curtain, figures, panels, stage, together } = tileframe;
  const by = (id) => document.getElementById(id);

  /** Tie two stages together; `changed` is told of a new mode or place of the curtain. */
  function open(stages, pyramids, comparison, changed) {
    const tied = together.tie(stages);
    const slider = curtain.make(by("curtain"), by("stage-b"), changed);
    let mode = by("stages").dataset.mode;
    const set = (view) => {
      const before = mode;
      mode = view.mode ?? mode;
      by("stages").dataset.mode = mode;
      slider.put(view.curtain ?? slider.share(), { tell: false });
      slider.draw(mode === "curtain");
      by("side-button").setAttribute("aria-pressed", mode === "side");
      by("curtain-button").setAttribute("aria-pressed", mode === "curtain");
      return mode !== before; // and with it the sizes of both
    };
    const choose = (wanted) => {
      set({ mode: wanted });
      changed();
    };
    const worst = figures.worst(comparison);
    const jump = (tile) => {
      tied.lead(stages[0]);
      const box = tileframe.coordinates.tileBox(tile, pyramids[0]);
      stages.forEach((viewer, index) => outline(viewer, pyramids[index], box));
      stage.show(stages[0], pyramids[0], box);
    };
    by("worst-button").hidden = worst === null;
    if (comparison) figures.fill(by("figures"), comparison, jump);
    set({ mode });
    return {
      set,
      follow: tied.follow,
      lead: () => tied.lead(stages[0]),
      /** How much of the width the first picture has; null where they lie side by side. */
      share: () => (mode === "curtain" ? slider.share() : null),
      state: () => ({ mode, curtain: slider.share() }),
      actions: {
        side: { keys: ["s"], label: "Side by side", run: () => choose("side") },
        curtain: { keys: ["c"], label: "One over the other, with a curtain", run: () => choose("curtain") },
        drawLeft: { keys: ["["], label: "Curtain to the left", run: () => slider.put(slider.share() - 0.05) },
        drawRight: { keys: ["]"], label: "Curtain to the right", run: () => slider.put(slider.share() + 0.05) },
        ...(worst && { worst: { keys: ["w"], label: "Go to the worst tile", run: () => jump(worst) } }),
      },
    };
  }

  /** Draw a frame around the box, in place of an earlier one. */
  function outline(viewer, pyramid, box) {
    viewer.clearOverlays();
    const location = new OpenSeadragon.Rect(box.x, box.y, box.width, box.height).times(1 / pyramid.width);
    viewer.addOverlay({ element: panels.element("div", "", "outline"), location });
  }

  return { open };
})();
