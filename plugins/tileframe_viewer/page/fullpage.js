"use strict";
// Full screen; in browsers without it, as on phones, the slide fills the window.

(globalThis.tileframe ??= {}).fullpage = (() => {
  const root = document.documentElement;

  /** Change to the whole screen and back. */
  async function toggle() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (root.classList.contains("full")) root.classList.remove("full");
    else {
      try {
        await root.requestFullscreen();
      } catch {
        root.classList.add("full");
      }
    }
  }

  /** Leave what `toggle` made of browsers without full screen; Escape leaves the other by itself. */
  function leave() {
    root.classList.remove("full");
  }

  return { leave, toggle };
})();
