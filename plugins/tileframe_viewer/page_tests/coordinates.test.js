"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

for (const name of ["layouts", "coordinates"]) require(`../page/${name}.js`);
const { distanceText, onSlide, pixelAt, pixelText, tileBox } = globalThis.tileframe.coordinates;

const pyramid = { width: 5888, height: 4096, tileSize: 254, minLevel: 0 };

test("a point lies in the pixel that it is in, and in none beside the picture", () => {
  assert.deepEqual(pixelAt({ x: 0, y: 0 }, pyramid), { x: 0, y: 0 });
  assert.deepEqual(pixelAt({ x: 5887.999, y: 4095.999 }, pyramid), { x: 5887, y: 4095 });
  for (const [x, y] of [[-0.001, 5], [5, -0.001], [5888, 5], [5, 4096]]) assert.equal(pixelAt({ x, y }, pyramid), null);
});

test("a pixel of a part of the slide has a place in the slide", () => {
  assert.deepEqual(onSlide({ x: 10, y: 20 }, { x: 300, y: 0 }), { x: 310, y: 20 });
});

test("pixels and distances in words", () => {
  assert.equal(pixelText({ x: 123456, y: 7 }), "x 123,456  y 7");
  assert.equal(distanceText({ x: 4000, y: 2000 }, [0.25, 0.5]), "1.00, 1.00 mm");
  assert.equal(distanceText({ x: 4000, y: 2000 }, null), "");
});

test("a tile of the base covers its cell; one below covers twice as much; the last ones end with the picture", () => {
  assert.deepEqual(tileBox({ level: 13, col: 2, row: 1 }, pyramid), { x: 508, y: 254, width: 254, height: 254 });
  assert.deepEqual(tileBox({ level: 12, col: 2, row: 1 }, pyramid), { x: 1016, y: 508, width: 508, height: 508 });
  assert.deepEqual(tileBox({ level: 13, col: 23, row: 16 }, pyramid), { x: 5842, y: 4064, width: 46, height: 32 });
  assert.deepEqual(tileBox({ level: 0, col: 0, row: 0 }, pyramid), { x: 0, y: 0, width: 5888, height: 4096 });
});
