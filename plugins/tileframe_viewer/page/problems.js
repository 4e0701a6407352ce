"use strict";
// Shows messages about what went wrong, with what can be done about it.

(globalThis.tileframe ??= {}).problems = (() => {
  /** An address as a person reads it. */
  function readable(url) {
    try {
      return decodeURIComponent(url);
    } catch {
      return url; // a name that is no UTF-8
    }
  }

  /** What to say of tiles that did not load: `failed` of them, `loaded` others did; `first` is the key of one. */
  function tilesText(pyramid, failed, loaded, first) {
    const { archive, name, tilesUrl } = pyramid;
    if (loaded === 0) {
      const place = archive ? `the archive ${readable(archive.url)} whole` : `the folder ${readable(tilesUrl)} where this page expects it`;
      return `The tiles of ${name} could not be loaded. Is ${place}?`;
    }
    const file = archive ? `${first} in ${readable(archive.url)}` : `${readable(tilesUrl)}${first}`;
    const why = "missing, damaged, or out of reach";
    if (failed === 1) return `One tile of ${name} could not be loaded: ${file} is ${why}.`;
    const many = `${failed.toLocaleString("en")} tiles of ${name} could not be loaded`;
    return `${many}: they are ${why}, ${file} first.`;
  }

  /** Show `text` above the slide; `again` is called by the button Try again, which is not there without it. */
  function show(text, again = null) {
    const banner = document.getElementById("problem");
    document.getElementById("problem-text").textContent = text;
    const button = document.getElementById("problem-again");
    button.hidden = again === null;
    button.onclick = () => {
      hide();
      again();
    };
    document.getElementById("problem-close").onclick = hide;
    banner.hidden = false;
  }

  /** Take the message away. */
  function hide() {
    document.getElementById("problem").hidden = true;
  }

  return { hide, readable, show, tilesText };
})();
