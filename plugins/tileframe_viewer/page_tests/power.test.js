"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

require("../page/power.js");
const { choices, full, next } = globalThis.tileframe.power;

const slide = { objectivePower: 20, mpp: [0.5, 0.5] };
const powers = (found) => found.map(({ power }) => power);

test("a pixel of the slide on one of the screen has the objective's power", () => {
  assert.equal(full(slide), 20);
  assert.deepEqual(choices(slide, 0, 8).find(({ power }) => power === 5), { power: 5, zoom: 0.25 });
});

test("without an objective, a quarter of a micrometre is 40x", () => {
  assert.equal(full({ objectivePower: null, mpp: [0.25, 0.25] }), 40);
  assert.equal(full({ objectivePower: null, mpp: null }), null);
  assert.deepEqual(choices({ objectivePower: null, mpp: null }, 0, 8), []);
});

test("only what can be shown can be chosen", () => {
  assert.deepEqual(powers(choices(slide, 0, 8)), [1, 2, 5, 10, 20, 40]);
  assert.deepEqual(powers(choices(slide, 0.2, 1)), [5, 10, 20]);
});

test("steps lead to the next one, from between and from on it", () => {
  const found = choices(slide, 0, 8);
  assert.equal(next(found, 0.3, true).power, 10);
  assert.equal(next(found, 0.5, true).power, 20);
  assert.equal(next(found, 0.5, false).power, 5);
  assert.equal(next(found, 2, true), null);
  assert.equal(next(found, 0.05, false), null);
});
