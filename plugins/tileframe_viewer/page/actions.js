"use strict";
// The actions of keys and buttons, by name.

(globalThis.tileframe ??= {}).actions = (() => {
  const ZOOM = 1.5;
  const STEP = 80; // screen pixels for an arrow key

  /** The actions that move `viewer`. */
  function ofView(viewer) {
    const { viewport } = viewer;
    const zoom = (factor) => {
      viewport.zoomBy(factor);
      viewport.applyConstraints();
    };
    const turn = (degrees) => viewport.setRotation(viewport.getRotation() + degrees);
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const shifted = Object.keys(arrows).map((name) => `Shift+${name}`);
    return {
      zoomIn: { keys: ["+"], presses: ["+", "="], label: "Zoom in", run: () => zoom(ZOOM) },
      zoomOut: { keys: ["-"], presses: ["-", "_"], label: "Zoom out", run: () => zoom(1 / ZOOM) },
      move: {
        keys: ["←", "→", "↑", "↓"],
        presses: [...Object.keys(arrows), ...shifted],
        label: "Move; with Shift farther",
        run: (key) => {
          const [right, down] = arrows[key.replace("Shift+", "")];
          const step = key.startsWith("Shift+") ? 4 * STEP : STEP;
          tileframe.stage.pan(viewer, right * step, down * step);
        },
      },
      home: { keys: ["0"], label: "Whole slide", run: () => viewport.goHome() },
      actual: {
        keys: ["1"],
        label: "Full size: a pixel for a pixel",
        run: () => {
          viewport.zoomTo(viewport.imageToViewportZoom(1));
          viewport.applyConstraints();
        },
      },
      turnRight: { keys: ["r"], label: "Rotate to the right", run: () => turn(90) },
      turnLeft: { keys: ["R"], label: "Rotate to the left", run: () => turn(-90) },
      flip: { keys: ["f"], label: "Flip", run: () => viewport.toggleFlip() },
    };
  }

  /** Let every button with `data-action` run the action of that name, and say its key. */
  function press(actions) {
    for (const button of document.querySelectorAll("button[data-action]")) {
      const action = actions[button.dataset.action];
      if (!action) continue;
      button.title = `${button.getAttribute("aria-label") ?? button.textContent} (${action.keys[0]})`;
      button.setAttribute("aria-keyshortcuts", action.keys[0]);
      if (!button.hasAttribute("aria-controls")) button.addEventListener("click", () => action.run());
    }
  }

  return { ofView, press };
})();
