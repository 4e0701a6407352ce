"use strict";
// Finds out whether this browser shows the tile formats that not every browser does.

(globalThis.tileframe ??= {}).formats = (() => {
  /** A grey picture of 8 x 8 pixels in each such format, as base64, and who shows it. Every browser shows the others. */
  const known = {
    webp: {
      title: "WebP",
      able: "Browsers of 2021 and later can",
      sample: "UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoIAAgAAgA0JaQAA3AA/gAAAAA=",
    },
    avif: {
      title: "AVIF",
      able: "Chrome 85, Firefox 93, Safari 16.4 and later can",
      sample:
        "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAAAAAAAAAOcGl0bQAAAAAA" +
        "AQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAAHgAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEAAGF2MDFDb2xvcgAAAABqaXBycAAAAEtpcGNvAAAA" +
        "FGlzcGUAAAAAAAAACAAAAAgAAAAQcGl4aQAAAAADCAgIAAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAIAAgAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAAA" +
        "Jm1kYXQSAAoIGAi/aIEBA0IyEBeHh4YhhJJJPkEIAJA+ccg=",
    },
    jxl: {
      title: "JPEG XL",
      able: "Safari 17, Chrome 156 and later can",
      sample: "/wpBBgATCAIAuAB9hxIAABUqo4wbvJzr+fJDh8W0jesMbbVtYUmiyDg2SSdwSBILJICAzDCDqiQB",
    },
  };

  /** Say why this browser cannot show all of `pyramids`, and what to do; null if it can. */
  async function hurdle(pyramids) {
    for (const { name, format } of pyramids) {
      if (!(format in known) || (await isShown(format))) continue;
      const { title, able } = known[format];
      const remedy = "for every browser, make the pyramid again with --format jpeg or png";
      return `This browser cannot show the ${title} tiles of ${name}. ${able}; ${remedy}.`;
    }
    return null;
  }

  async function isShown(format) {
    const bytes = Uint8Array.from(atob(known[format].sample), (character) => character.charCodeAt(0));
    try {
      (await createImageBitmap(new Blob([bytes], { type: `image/${format}` }))).close();
      return true;
    } catch {
      return false;
    }
  }

  return { hurdle, known };
})();
