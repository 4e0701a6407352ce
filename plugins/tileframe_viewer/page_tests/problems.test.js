"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

require("../page/problems.js");
const { readable, tilesText } = globalThis.tileframe.problems;

const pyramid = { name: "a slide", tilesUrl: "a%20slide_files/", format: "jpeg" };
const packed = { ...pyramid, tilesUrl: null, archive: { url: "a%20slide.szi" } };

test("where no tile came, the folder is named", () => {
  assert.match(tilesText(pyramid, 3, 0, "9/0_0.jpeg"), /tiles of a slide .* folder a slide_files\/ /);
});

test("of an archive, the archive is named", () => {
  assert.match(tilesText(packed, 3, 0, "9/0_0.jpeg"), /tiles of a slide .* the archive a slide\.szi whole/);
  assert.match(tilesText(packed, 1, 5, "9/0_0.jpeg"), /9\/0_0\.jpeg in a slide\.szi is missing/);
});

test("where some came, the first that did not is named", () => {
  assert.match(tilesText(pyramid, 1, 5, "9/0_0.jpeg"), /^One tile of a slide .* a slide_files\/9\/0_0\.jpeg is missing/);
  assert.match(tilesText(pyramid, 1200, 5, "9/0_0.jpeg"), /^1,200 tiles .* a slide_files\/9\/0_0\.jpeg first/);
});

test("a name that is no UTF-8 is shown as it is in the address", () => {
  assert.equal(readable("%FF_files/"), "%FF_files/");
});
