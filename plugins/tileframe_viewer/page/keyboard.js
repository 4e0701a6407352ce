"use strict";
// The keys of the page, in one table that the help shows.

(globalThis.tileframe ??= {}).keyboard = (() => {
  /** Whether a key that was pressed on `target` is meant for the slide, not for a field or an open dialog. */
  function isForSlide(target) {
    return !target.closest?.("input:not([type=checkbox]), textarea, select, dialog");
  }

  /** Call the action of `actions`, each with `keys` and `run`, whose key is pressed. */
  function listen(actions) {
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || !isForSlide(event.target)) return;
      const key = event.key.length === 1 || !event.shiftKey ? event.key : `Shift+${event.key}`;
      for (const action of actions) {
        const found = (action.presses ?? action.keys).indexOf(key);
        if (found < 0) continue;
        event.preventDefault();
        action.run(key);
        return;
      }
    });
  }

  return { listen };
})();
