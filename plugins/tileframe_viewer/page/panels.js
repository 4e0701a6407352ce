"use strict";
// The panel of facts and the list of keys. All text goes in as text.

(globalThis.tileframe ??= {}).panels = (() => {
  /** A new element with a class and a text. */
  function element(name, text = "", className = "") {
    const made = document.createElement(name);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  /** Fill `panel` with what is known of each pyramid. */
  function fillFacts(panel, pyramids) {
    for (const pyramid of pyramids) {
      if (pyramids.length > 1) panel.append(element("h3", pyramid.name));
      const list = element("dl");
      for (const [label, value] of pyramid.facts) list.append(element("dt", label), element("dd", value));
      panel.append(list);
    }
  }

  /** Fill `list` with the keys of `actions`: what they do, and which they are. */
  function fillKeys(list, actions) {
    for (const { keys, label } of actions) {
      const names = element("dd");
      keys.forEach((key, index) => names.append(index ? " " : "", element("kbd", key)));
      list.append(element("dt", label), names);
    }
  }

  /** Make `button` open and close `panel`, and `close` close it; `Escape` in it too. Returns what toggles it. */
  function toggle(button, panel, close) {
    function set(open) {
      const inside = panel.contains(document.activeElement);
      panel.hidden = !open;
      button.setAttribute("aria-expanded", open);
      if (open) panel.focus({ preventScroll: true });
      else if (inside) button.focus();
    }
    button.addEventListener("click", () => set(panel.hidden));
    close.addEventListener("click", () => set(false));
    panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      set(false);
    });
    return set;
  }

  /** Say `text` for a moment, to eyes and screen readers. */
  function say(text) {
    const toast = document.getElementById("toast");
    toast.textContent = text;
    toast.classList.add("shown");
    clearTimeout(say.timer);
    say.timer = setTimeout(() => toast.classList.remove("shown"), 3000);
  }

  return { element, fillFacts, fillKeys, say, toggle };
})();
