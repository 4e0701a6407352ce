"use strict";
// The curtain between two pictures, one over the other: a slider for pointer and keys.

(globalThis.tileframe ??= {}).curtain = (() => {
  const STEP = 0.02;

  /** Make `handle` the slider that says how much of `over` is shown, from the right; `moved` is told each new share. */
  function make(handle, over, moved) {
    let share = 0.5;
    let drawn = false;

    function put(to, { tell = true } = {}) {
      share = Math.min(1, Math.max(0, to));
      if (drawn) {
        over.style.clipPath = `inset(0 0 0 ${100 * share}%)`;
        handle.style.left = `${100 * share}%`;
      }
      const percent = Math.round(100 * share);
      handle.setAttribute("aria-valuenow", percent);
      handle.setAttribute("aria-valuetext", `the first picture on ${percent} % of the width`);
      if (tell) moved(share);
    }

    function draw(yes) {
      drawn = yes;
      handle.hidden = !yes;
      if (!yes) over.style.clipPath = "";
      put(share, { tell: false });
    }

    handle.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      handle.setPointerCapture(event.pointerId);
      event.preventDefault();
      handle.focus({ preventScroll: true });
    });
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const area = handle.parentElement.getBoundingClientRect();
      put((event.clientX - area.left) / area.width);
    });
    handle.addEventListener("keydown", (event) => {
      const to = {
        ArrowLeft: share - STEP,
        ArrowDown: share - STEP,
        ArrowRight: share + STEP,
        ArrowUp: share + STEP,
        PageDown: share - 5 * STEP,
        PageUp: share + 5 * STEP,
        Home: 0,
        End: 1,
      }[event.key];
      if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation(); // these keys would move the slide
      put(to);
    });

    return { draw, put, share: () => share };
  }

  return { make };
})();
