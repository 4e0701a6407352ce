"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

require("../page/layouts.js");
const { baseLevel, names, path, rank, tileAt, tileCount } = globalThis.tileframe.layouts;

// As dzsave writes a picture of this size.
const picture = { width: 1000, height: 700, tileSize: 256, overlap: 0, format: "jpg" };
const PYRAMIDS = {
  dzi: { ...picture, layout: "dzi", tileSize: 254, minLevel: 0, format: "jpeg" },
  zoomify: { ...picture, layout: "zoomify", minLevel: 8 },
  google: { ...picture, layout: "google", minLevel: 8 },
  iiif3: { ...picture, layout: "iiif3", minLevel: 9, tileSize: 512 },
};

function* tiles(pyramid) {
  for (let level = pyramid.minLevel; level <= baseLevel(pyramid); level += 1) {
    const scale = 2 ** (baseLevel(pyramid) - level) * pyramid.tileSize;
    for (let row = 0; row < Math.ceil(pyramid.height / scale); row += 1) {
      for (let col = 0; col < Math.ceil(pyramid.width / scale); col += 1) yield { level, col, row };
    }
  }
}

test("levels are counted as Deep Zoom does", () => {
  for (const [side, level] of [[1, 0], [2, 1], [3, 2], [4, 2], [5, 3], [4096, 12], [4097, 13]]) {
    assert.equal(baseLevel({ ...picture, minLevel: 0, width: side, height: 1 }), level);
    assert.equal(baseLevel({ ...picture, minLevel: 0, width: 1, height: side }), level);
  }
});

test("every layout keeps its tiles where dzsave does", () => {
  const { dzi, zoomify, google, iiif3 } = PYRAMIDS;
  assert.equal(path(dzi, { level: 10, col: 3, row: 2 }), "10/3_2.jpeg");
  assert.equal(path(zoomify, { level: 10, col: 3, row: 2 }), "TileGroup0/2-3-2.jpg");
  assert.equal(path(google, { level: 10, col: 3, row: 2 }), "2/2/3.jpg");
  assert.deepEqual([...tiles(iiif3)].map((tile) => path(iiif3, tile)), [
    "full/500,350/0/default.jpg",
    "0,0,512,512/512,512/0/default.jpg",
    "512,0,488,512/488,512/0/default.jpg",
    "0,512,512,188/512,188/0/default.jpg",
    "512,512,488,188/488,188/0/default.jpg",
  ]);
});

test("Zoomify's groups hold 256 tiles each, counted from the top", () => {
  const large = { ...PYRAMIDS.zoomify, width: 8192, height: 8192 };
  const level = baseLevel(large);
  assert.equal(path(large, { level: level - 1, col: 15, row: 15 }), "TileGroup1/4-15-15.jpg");
  assert.equal(path(large, { level, col: 0, row: 0 }), "TileGroup1/5-0-0.jpg");
  assert.equal(path(large, { level, col: 31, row: 31 }), "TileGroup5/5-31-31.jpg");
});

for (const name of names) {
  test(`${name}: paths lead back to their tiles, which are counted from the top, row by row`, () => {
    const pyramid = PYRAMIDS[name];
    const all = [...tiles(pyramid)];
    all.forEach((tile, index) => {
      assert.deepEqual(tileAt(pyramid, path(pyramid, tile)), tile);
      assert.equal(rank(pyramid, tile), index);
    });
    assert.equal(tileCount(pyramid), all.length);
  });

  test(`${name}: what is no tile of the pyramid is none`, () => {
    const pyramid = PYRAMIDS[name];
    const beside = { dzi: "10/4_0.jpeg", google: "2/3/0.jpg", iiif3: "1024,0,1,1/1,1/0/default.jpg", zoomify: "TileGroup0/2-4-0.jpg" };
    const above = { dzi: "11/0_0.jpeg", google: "3/0/0.jpg", iiif3: "full/max/0/default.jpg", zoomify: "TileGroup1/2-0-0.jpg" };
    for (const text of [beside[name], above[name], "", "info.json", `../${path(pyramid, { level: 10, col: 0, row: 0 })}`]) {
      assert.equal(tileAt(pyramid, text), null, text);
    }
  });
}
