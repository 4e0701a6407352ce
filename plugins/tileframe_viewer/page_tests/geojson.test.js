"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

require("../page/geojson.js");
const { Unreadable, parse } = globalThis.tileframe.geojson;

const square = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]];
const feature = (type, coordinates, properties = {}) => ({ type: "Feature", geometry: { type, coordinates }, properties });
const read = (features) => parse(JSON.stringify({ type: "FeatureCollection", features }));

test("every type of QuPath's is read", () => {
  const { kinds, skipped } = read([
    feature("Point", [1, 2]),
    feature("MultiPoint", [[1, 2], [3, 4]]),
    feature("LineString", square),
    feature("MultiLineString", [square, square]),
    feature("Polygon", [square, square]),
    feature("MultiPolygon", [[square], [square, square]]),
  ]);
  assert.equal(skipped, 0);
  assert.equal(kinds.length, 1);
  const [{ lines, points, count }] = kinds;
  assert.deepEqual([count, points.length, lines.length], [6, 3, 8]);
  assert.deepEqual(lines[0].box, { left: 0, top: 0, right: 10, bottom: 10 });
  assert.equal(lines.filter(({ closed }) => closed).length, 5);
});

test("annotations are listed by name and class, in the class's colour", () => {
  const tumour = { classification: { name: "Tumour", color: [200, 0, 0] } };
  const { kinds } = read([
    feature("Point", [0, 0], tumour),
    feature("Point", [5, 5], tumour),
    feature("Polygon", [square], { name: "ROI 1", classification: { name: "Region", colorRGB: -16776961 } }),
    feature("Polygon", [square]),
  ]);
  assert.deepEqual(kinds.map(({ label, count, color }) => [label, count, color]), [
    ["Tumour", 2, "rgb(200 0 0)"],
    ["ROI 1 · Region", 1, "rgb(0 0 255)"],
    ["Unnamed", 1, "rgb(255 212 0)"],
  ]);
});

test("a list of features, and one alone, are read as well", () => {
  assert.equal(parse(JSON.stringify([feature("Point", [0, 0])])).kinds[0].count, 1);
  assert.equal(parse(JSON.stringify(feature("Point", [0, 0]))).kinds[0].count, 1);
});

test("what is no file of annotations is refused in words", () => {
  for (const text of ["", "<xml/>", "null", "7", '"x"', "{}", '{"type":"FeatureCollection","features":7}']) {
    assert.throws(() => parse(text), Unreadable, text);
  }
});

test("what is no geometry is left out and counted, whatever it is", () => {
  const odd = [
    null, 7, "x", [], {}, { geometry: null }, { geometry: { type: "constructor", coordinates: [] } },
    feature("Point", "x"), feature("Point", [1]), feature("Point", [null, 1]), feature("Point", [1e300, 0]),
    feature("Polygon", square), feature("Polygon", [[["a", "b"]]]), feature("LineString", { length: 3 }), feature("Polygon", []),
  ];
  const { kinds, skipped } = read([...odd, feature("Point", [1, 2], { name: 7, classification: [1], color: "red" })]);
  assert.equal(skipped, odd.length);
  assert.deepEqual(kinds.map(({ label, color }) => [label, color]), [["Unnamed", "rgb(255 212 0)"]]);
});

test("names are cut, and too many of them are one line", () => {
  const { kinds } = read(Array.from({ length: 1000 }, (_, index) => feature("Point", [0, 0], { name: `${index} ${"n".repeat(500)}` })));
  assert.ok(kinds.length <= 300);
  assert.equal(kinds.reduce((sum, { count }) => sum + count, 0), 1000);
  assert.ok(kinds.every(({ label }) => label.length <= 81));
});

test("too many points are refused", () => {
  const line = `[${"[0,0],".repeat(1_000_001)}[0,0]]`;
  const text = `[{"geometry":{"type":"MultiLineString","coordinates":[${line},${line}]}}]`;
  assert.throws(() => parse(text), /more than 2,000,000 points/);
});
