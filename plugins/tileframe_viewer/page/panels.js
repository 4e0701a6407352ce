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

  /** Fill `strip` with the label, macro and thumbnail of each slide, under their names; returns how many there are. */
  function fillStrip(strip, pyramids) {
    for (const pyramid of pyramids) {
      for (const image of pyramid.associated) {
        const figure = element("figure");
        const caption = pyramids.length > 1 ? `${image.name} of ${pyramid.name}` : image.name;
        figure.append(picture(image), element("figcaption", caption));
        strip.append(figure);
      }
    }
    return strip.childElementCount;
  }

  /** One picture: a link to its file, or a canvas with what the page holds of one in an archive. */
  function picture({ name, width, height, url, data }) {
    if (url) {
      const link = element("a");
      link.href = url;
      const image = new Image();
      Object.assign(image, { alt: name, src: url, loading: "lazy", ...(width && { width, height }) });
      link.append(image);
      return link;
    }
    const canvas = element("canvas");
    Object.assign(canvas, { width, height });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", name);
    const bytes = Uint8Array.from(atob(data ?? ""), (character) => character.charCodeAt(0));
    createImageBitmap(new Blob([bytes])).then(
      (bitmap) => canvas.getContext("2d").drawImage(bitmap, 0, 0),
      () => canvas.replaceWith(element("p", `The picture ${name} cannot be shown.`)),
    );
    return canvas;
  }

  /** Fill `list` with the keys of `actions`: what they do, and which they are. */
  function fillKeys(list, actions) {
    for (const { keys, label } of actions) {
      const names = element("dd");
      keys.forEach((key, index) => names.append(index ? " " : "", element("kbd", key)));
      list.append(element("dt", label), names);
    }
  }

  /** Add to `list` the buttons of the page that `actions` has: their pictures, and what they do. */
  function fillTouches(list, actions) {
    for (const button of document.querySelectorAll("button[data-action]")) {
      const action = actions[button.dataset.action];
      const icon = button.querySelector("svg");
      if (!action || !icon) continue;
      const name = element("dt");
      name.append(icon.cloneNode(true));
      name.firstChild.setAttribute("aria-hidden", "true");
      list.append(name, element("dd", button.getAttribute("aria-label")));
    }
  }

  /**
   * Make `button` open and close `panel`, and `close` close it; `Escape` in it too. `before` is called before it opens.
   * Returns what toggles it.
   */
  function toggle(button, panel, close, before) {
    function set(open) {
      if (open) before();
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

  return { element, fillFacts, fillKeys, fillStrip, fillTouches, say, toggle };
})();
