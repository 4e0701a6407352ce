"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

require("../page/scale.js");
const { LONGEST, bar, lengthText, magnification, micrometresPerPixel, niceLength } = globalThis.tileframe.scale;

const zooms = Array.from({ length: 400 }, (_, step) => 1e-4 * 1.04 ** step); // to 600 screen pixels a pixel

test("a nice length is 1, 2 or 5 times a power of ten, and no more than asked for", () => {
  for (const [most, length] of [[1, 1], [1.99, 1], [2, 2], [4.9, 2], [5, 5], [9.99, 5], [10, 10], [1234, 1000], [0.03, 0.02]]) {
    assert.ok(Math.abs(niceLength(most) - length) < 1e-12 * length, `${most} gives ${niceLength(most)}`);
  }
});

test("powers of ten are their own nice length, whatever the logarithm says", () => {
  for (let power = -6; power < 9; power += 1) assert.equal(niceLength(10 ** power).toPrecision(6), (10 ** power).toPrecision(6));
});

test("the bar is as long as its label says, and from 64 to 160 pixels, at every zoom", () => {
  for (const zoom of zooms) {
    const { pixels, micrometres } = bar([0.2525, 0.2525], zoom);
    assert.ok(pixels > 63.9 && pixels <= LONGEST + 1e-6, `${pixels} pixels at ${zoom}`);
    assert.ok(Math.abs((pixels / zoom) * 0.2525 - micrometres) < 1e-9 * micrometres);
  }
});

test("a slide that does not say how large its pixels are has no bar", () => {
  assert.equal(bar(null, 1), null);
  assert.equal(bar([0.25, 0.25], 0), null);
  assert.equal(bar([0.25, 0.25], NaN), null);
});

test("where pixels are no squares, the bar measures what lies across the screen", () => {
  assert.equal(micrometresPerPixel([0.2, 0.4], 2, 0), 0.1);
  assert.ok(Math.abs(micrometresPerPixel([0.2, 0.4], 2, 90) - 0.2) < 1e-12);
  assert.ok(Math.abs(micrometresPerPixel([0.2, 0.4], 2, 180) - 0.1) < 1e-12);
  const between = micrometresPerPixel([0.2, 0.4], 2, 45);
  assert.ok(between > 0.1 && between < 0.2);
});

test("lengths are in µm below a millimetre, in mm from there on", () => {
  assert.equal(lengthText(0.5), "0.5 µm");
  assert.equal(lengthText(200), "200 µm");
  assert.equal(lengthText(999.4), "999 µm");
  assert.equal(lengthText(999.6), "1 mm");
  assert.equal(lengthText(1000, 1), "1 mm");
  assert.equal(lengthText(20000, 1), "20 mm");
  assert.equal(lengthText(0.002, 1), "0.002 µm");
});

test("one pixel on one of the screen is the objective's own magnification", () => {
  assert.equal(magnification(40, 1), "40×");
  assert.equal(magnification(20, 0.25), "5×");
  assert.equal(magnification(40, 0.18225), "7.29×");
  assert.equal(magnification(40, 0.0123456), "0.49×");
  assert.equal(magnification(20, 8), "160×");
});

test("without an objective there is no magnification", () => {
  assert.equal(magnification(null, 1), null);
  assert.equal(magnification(40, 0), null);
});
