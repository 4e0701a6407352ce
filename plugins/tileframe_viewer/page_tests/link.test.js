"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

require("../page/link.js");
const { format, parse } = globalThis.tileframe.link;

const view = { x: 6144.5, y: 4096.125, zoom: 0.123456789, rotation: 90, flip: true, mode: "curtain", curtain: 0.25 };

test("a view comes back from its link as it was", () => {
  assert.deepEqual(parse(format(view)), view);
  assert.equal(format(view), "#x=6144.5&y=4096.125&zoom=0.123456789&rotation=90&flip=1&mode=curtain&curtain=0.25");
});

test("what is as usual is left out", () => {
  assert.equal(format({ x: 1, y: 2, zoom: 3, rotation: 0, flip: false }), "#x=1&y=2&zoom=3");
  assert.equal(format({ ...view, mode: "side", flip: false, rotation: 0 }), "#x=6144.5&y=4096.125&zoom=0.123456789&mode=side");
});

test("places are kept to a thousandth of a pixel", () => {
  const back = parse(format({ ...view, x: 100000 / 3, zoom: 1 / 3 }));
  assert.ok(Math.abs(back.x - 100000 / 3) < 0.001);
  assert.ok(Math.abs(back.zoom - 1 / 3) < 1e-8);
});

test("what names no view is none", () => {
  for (const hash of ["", "#", "#x=1&y=2", "#x=1&y=2&zoom=0", "#x=1&y=2&zoom=-1", "#x=a&y=2&zoom=1", "#x=&y=2&zoom=1", "#x=1&y=2&zoom=Infinity"]) {
    assert.equal(parse(hash), null, hash);
  }
});

test("odd values do no harm", () => {
  const odd = parse("#x=1&y=2&zoom=3&rotation=-90&flip=yes&mode=<script>&curtain=7");
  assert.deepEqual(odd, { x: 1, y: 2, zoom: 3, rotation: 270, flip: false, mode: null, curtain: 1 });
});
