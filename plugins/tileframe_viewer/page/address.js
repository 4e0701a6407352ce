"use strict";
// Keeps the view in the page's address, follows the address when it changes, and copies it.

(globalThis.tileframe ??= {}).address = (() => {
  const PAUSE = 200; // milliseconds without a movement, before the address is changed

  /** Keep the address at what `current` returns, once that has changed; `go` is called with a view that was typed. */
  function keep(current, go) {
    let shown = location.hash || tileframe.link.format(current());
    let timer;
    addEventListener("hashchange", () => {
      shown = location.hash;
      go(tileframe.link.parse(shown));
    });
    return function changed() {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const hash = tileframe.link.format(current());
        if (hash === shown) return;
        shown = hash;
        write(hash);
      }, PAUSE);
    };
  }

  function write(hash) {
    try {
      history.replaceState(null, "", hash);
    } catch {
      // Some browsers allow it only so often, or not to files. The link can still be copied.
    }
  }

  /** Copy the link to `view`, and say so. */
  async function copy(view) {
    const hash = tileframe.link.format(view);
    write(hash);
    try {
      await navigator.clipboard.writeText(new URL(hash, location.href).href);
      tileframe.panels.say("The link to this view was copied.");
    } catch {
      tileframe.panels.say("Copy the page's address: it leads to this view.");
    }
  }

  return { copy, keep };
})();
