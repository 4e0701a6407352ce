"use strict";
// What went wrong, said where it can be read, with what can be done about it.

(globalThis.tileframe ??= {}).problems = (() => {
  /** The folder that a pyramid's tiles are in, as a person reads it. */
  function folderOf(pyramid) {
    try {
      return decodeURIComponent(pyramid.tilesUrl);
    } catch {
      return pyramid.tilesUrl; // a name that is no UTF-8
    }
  }

  /** What to say of tiles that did not load: `failed` of them, `loaded` others did; `first` is the key of one. */
  function tilesText(pyramid, failed, loaded, first) {
    const folder = folderOf(pyramid);
    if (loaded === 0) {
      return (
        `The tiles of ${pyramid.name} could not be loaded. Is the folder ${folder} where this page expects it, ` +
        `and can this browser show .${pyramid.format} pictures?`
      );
    }
    const why = "missing, damaged, or out of reach";
    if (failed === 1) return `One tile of ${pyramid.name} could not be loaded: ${folder}${first} is ${why}.`;
    const many = `${failed.toLocaleString("en")} tiles of ${pyramid.name} could not be loaded`;
    return `${many}: they are ${why}, ${folder}${first} first.`;
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

  return { folderOf, hide, show, tilesText };
})();
