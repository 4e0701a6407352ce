"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

require("../page/figures.js");
const { distance, verdict, worst } = globalThis.tileframe.figures;

test("the tile to look at is of the largest level that has one", () => {
  const small = { level: 0, col: 0, row: 0 };
  const large = { level: 9, col: 1, row: 0 };
  assert.deepEqual(worst({ levels: [{ worst: small }, { worst: large }, { worst: null }] }), large);
  assert.equal(worst({ levels: [{ worst: null }] }), null);
  assert.equal(worst(null), null);
});

test("each strength has its sentence", () => {
  const said = new Set(["pixels", "base", "layout", null].map((strength) => verdict({ strength })));
  assert.equal(said.size, 4);
  assert.match(verdict({ strength: null }), /^Different/);
});

test("a level without a difference is equal, one that cannot be read is not", () => {
  assert.equal(distance({ psnr: 36.04, unreadable: 0 }), "36.0 dB");
  assert.equal(distance({ psnr: null, unreadable: 0 }), "equal");
  assert.equal(distance({ psnr: null, unreadable: 1 }), "–");
});
