"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

require("../page/layouts.js");
require("../page/absent.js");
const { absent, layouts } = globalThis.tileframe;

// Levels of 1, 1, ..., 2x2 and 4x3 tiles.
const picture = { width: 1000, height: 700, tileSize: 256, overlap: 1, format: "jpeg", layout: "dzi", minLevel: 0 };

function absentOf(pyramid, level, cols, rows) {
  const numbers = [];
  for (let number = 0; number < cols * rows; number += 1) {
    if (absent.has(pyramid, { level, col: number % cols, row: Math.floor(number / cols) })) numbers.push(number);
  }
  return numbers;
}

test("runs are of tiles that are there and absent in turn, row by row", () => {
  const pyramid = { ...picture, absent: { color: "#ffffff", runs: { 9: "1,2", 10: "0,3,4,1,1,2" } } };
  assert.deepEqual(absentOf(pyramid, 9, 2, 2), [1, 2]);
  assert.deepEqual(absentOf(pyramid, 10, 4, 3), [0, 1, 2, 7, 9, 10]);
  assert.deepEqual(absentOf(pyramid, 8, 1, 1), []);
});

test("no tile is absent of a pyramid without a list", () => {
  assert.deepEqual(absentOf({ ...picture, absent: null }, 10, 4, 3), []);
});

test("a tile is as large as its cell and its overlap, within the level", () => {
  const size = (col, row) => layouts.boxSize({ ...picture }, { level: 10, col, row });
  assert.deepEqual(size(0, 0), { width: 257, height: 257 });
  assert.deepEqual(size(1, 1), { width: 258, height: 258 });
  assert.deepEqual(size(3, 2), { width: 1000 - 768 + 1, height: 700 - 512 + 1 });
});
