"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

require("../page/scale.js");
require("../page/plane.js");
require("../page/ruler.js");
const { plane, ruler } = globalThis.tileframe;

const size = { width: 800, height: 600 };
const near = (one, other) => assert.ok(Math.hypot(one.x - other.x, one.y - other.y) < 1e-6, JSON.stringify([one, other]));

test("what is in the middle is in the middle, and what is right of it is right of it", () => {
  const view = { x: 1000, y: 500, zoom: 0.5, rotation: 0, flip: false };
  near(plane.toStage(plane.matrix(view, size), { x: 1000, y: 500 }), { x: 400, y: 300 });
  near(plane.toStage(plane.matrix(view, size), { x: 1100, y: 500 }), { x: 450, y: 300 });
});

test("a slide is turned clockwise, and then flipped", () => {
  const turned = { x: 0, y: 0, zoom: 1, rotation: 90, flip: false };
  near(plane.toStage(plane.matrix(turned, size), { x: 10, y: 0 }), { x: 400, y: 310 });
  near(plane.toStage(plane.matrix(turned, size), { x: 0, y: 10 }), { x: 390, y: 300 });
  near(plane.toStage(plane.matrix({ ...turned, flip: true }, size), { x: 0, y: 10 }), { x: 410, y: 300 });
});

test("there and back is the same place, in every view", () => {
  for (const rotation of [0, 30, 90, 217]) {
    for (const flip of [false, true]) {
      const matrix = plane.matrix({ x: 77, y: -5, zoom: 0.3, rotation, flip }, size);
      near(plane.toBase(matrix, plane.toStage(matrix, { x: 123, y: 456 })), { x: 123, y: 456 });
    }
  }
});

test("a length is in micrometres, each way by its own pixel size, and in pixels where that is not known", () => {
  assert.equal(ruler.lengthText({ x: 0, y: 0 }, { x: 300, y: 400 }, [0.5, 0.5]), "250 µm");
  assert.equal(ruler.lengthText({ x: 0, y: 0 }, { x: 0, y: 400 }, [0.5, 5]), "2 mm");
  assert.equal(ruler.lengthText({ x: 0, y: 0 }, { x: 3000, y: 4000 }, null), "5,000 px");
});
