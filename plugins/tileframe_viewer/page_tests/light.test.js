"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

require("../page/light.js");
const { PLAIN, isPlain, table } = globalThis.tileframe.light;

test("without settings every sample stays as it is", () => {
  table(PLAIN).forEach((value, sample) => assert.ok(Math.abs(value - sample / 255) < 1e-12));
  assert.ok(isPlain(PLAIN));
});

test("brightness adds, contrast spreads about the middle, gamma lifts it and keeps the ends", () => {
  assert.ok(Math.abs(table({ ...PLAIN, brightness: 0.1 })[51] - 0.3) < 1e-12);
  assert.ok(Math.abs(table({ ...PLAIN, contrast: 2 })[102] - 0.3) < 1e-12);
  const lifted = table({ ...PLAIN, gamma: 2 });
  assert.deepEqual([lifted[0], lifted[255]], [0, 1]);
  assert.ok(Math.abs(lifted[64] - Math.sqrt(64 / 255)) < 1e-12);
});

test("nothing is darker than black or brighter than white", () => {
  for (const brightness of [-0.5, 0.5]) {
    for (const value of table({ brightness, contrast: 3, gamma: 0.3 })) assert.ok(value >= 0 && value <= 1);
  }
});
