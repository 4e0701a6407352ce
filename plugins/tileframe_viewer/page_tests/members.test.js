"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

for (const name of ["layouts", "zip", "members"]) require(`../page/${name}.js`);
const { archive, file } = require("./archives.js");
const { layouts, members } = globalThis.tileframe;

const FOLDER = "slide/slide_files/";
const pyramid = {
  width: 40000, height: 30000, tileSize: 254, overlap: 1, minLevel: 0, format: "jpeg", layout: "dzi", archive: { folder: FOLDER },
};
const BASE = 16;

/** The names of all members, as our own stores list them: the descriptor, the tiles from the top down, the rest. */
function listed() {
  const tiles = [];
  for (let level = 0; level <= BASE; level += 1) {
    const scale = 2 ** (BASE - level) * 254;
    for (let row = 0; row < Math.ceil(pyramid.height / scale); row += 1) {
      for (let col = 0; col < Math.ceil(pyramid.width / scale); col += 1) tiles.push(`${FOLDER}${level}/${col}_${row}.jpeg`);
    }
  }
  return ["slide/slide.dzi", ...tiles, "slide/scan-properties.xml", "slide/slide.tileframe.json", "slide/slide.sha256"];
}

const NAMES = listed();
const OURS = archive(NAMES);
const directoryLength = OURS.length - NAMES.reduce((sum, name) => sum + 30 + 2 * name.length, 0);
const sum = (numbers) => numbers.reduce((one, other) => one + other, 0);

async function check(found, bytes, path) {
  const member = await found.find(path);
  assert.ok(member, path);
  assert.equal(bytes.toString("latin1", member.offset + 30, member.offset + 30 + member.nameLength), FOLDER + path);
}

test("the first tiles need the end and one block of a directory of two megabytes", async () => {
  const source = file(OURS);
  const found = members.open(source, pyramid);
  for (const path of ["0/0_0.jpeg", "8/0_0.jpeg", "10/2_1.jpeg"]) await check(found, OURS, path);
  assert.ok(NAMES.length > 24000);
  assert.ok(directoryLength > 1.8e6, `${directoryLength}`);
  assert.equal(source.asked.length, 2);
  assert.ok(sum(source.asked) < 20000, `${source.asked}`);
});

test("any tile of the base is found after a few blocks", async () => {
  for (const path of ["16/0_0.jpeg", "16/157_118.jpeg", "16/80_60.jpeg", "15/3_40.jpeg", "14/39_0.jpeg"]) {
    const source = file(OURS);
    await check(members.open(source, pyramid), OURS, path);
    assert.ok(source.asked.length <= 6, `${path}: ${source.asked}`);
  }
});

test("every tile is found, and each block is read once", async () => {
  const source = file(OURS);
  const found = members.open(source, pyramid);
  const paths = NAMES.filter((name) => name.startsWith(FOLDER)).map((name) => name.slice(FOLDER.length));
  for (const path of paths.reverse()) await check(found, OURS, path);
  assert.ok(sum(source.asked) < directoryLength * 1.2);
});

test("what is asked for at once is found by the same reads", async () => {
  const source = file(OURS);
  const found = members.open(source, pyramid);
  await Promise.all(Array.from({ length: 12 }, (_, col) => check(found, OURS, `16/${col + 40}_70.jpeg`)));
  assert.ok(source.asked.length <= 7, `${source.asked}`);
});

test("a tile that is missing is said to be, and no part of the directory was read twice", async () => {
  const source = file(archive(NAMES.filter((name) => !name.endsWith("/15/40_30.jpeg"))));
  assert.equal(await members.open(source, pyramid).find("15/40_30.jpeg"), null);
  assert.ok(sum(source.asked) < directoryLength * 1.1, `${source.asked}`);
});

test("where tiles are listed in the order in which threads made them, parts of the directory are enough", async () => {
  // Blocks of 8 by 8 tiles, of which each of four threads makes every fourth.
  const made = ({ level, col, row }) => {
    const block = Math.floor(row / 8) * 20 + Math.floor(col / 8);
    return [level, Math.floor(block / 4), (block * 3) % 4, block, row, col];
  };
  const place = (name) => made(layouts.tileAt(pyramid, name.slice(FOLDER.length)));
  const tiles = NAMES.filter((name) => name.startsWith(FOLDER)).map((name) => ({ name, place: place(name) }));
  tiles.sort((one, other) => one.place.map((number, index) => number - other.place[index]).find(Boolean) ?? 0);
  const bytes = archive([NAMES[0], ...tiles.map(({ name }) => name), ...NAMES.slice(-3)]);
  for (const path of ["16/0_0.jpeg", "16/157_118.jpeg", "16/80_60.jpeg", "15/3_40.jpeg", "14/39_0.jpeg"]) {
    const source = file(bytes);
    await check(members.open(source, pyramid), bytes, path);
    assert.ok(sum(source.asked) < directoryLength / 4, `${path}: ${source.asked}`);
  }
  const source = file(bytes);
  const found = members.open(source, pyramid);
  for (const { name } of tiles) await check(found, bytes, name.slice(FOLDER.length));
  assert.ok(sum(source.asked) < directoryLength * 1.2);
});

test("an archive in another order is read whole, once", async () => {
  const [first, ...rest] = NAMES;
  const bytes = archive([...rest.reverse(), first]);
  const source = file(bytes);
  const found = members.open(source, pyramid);
  for (const path of ["0/0_0.jpeg", "16/157_118.jpeg", "12/3_3.jpeg"]) await check(found, bytes, path);
  assert.ok(sum(source.asked) < directoryLength * 1.1);
});

test("an archive that is out of order only far below is read whole where that shows", async () => {
  const names = [...NAMES];
  const half = names.slice(12000, 24000).reverse();
  const bytes = archive([...names.slice(0, 12000), ...half, ...names.slice(24000)]);
  const found = members.open(file(bytes), pyramid);
  for (const path of ["16/157_118.jpeg", "16/80_60.jpeg", "16/0_0.jpeg", "16/20_30.jpeg"]) await check(found, bytes, path);
});

test("a file that is no archive is said to be none", async () => {
  await assert.rejects(members.open(file(Buffer.alloc(5000)), pyramid).find("0/0_0.jpeg"), members.Unreadable);
  await assert.rejects(members.open(file(OURS.subarray(0, -7)), pyramid).find("0/0_0.jpeg"), /slide\.szi is no ZIP archive/);
});

test("after a read that failed, the next one is tried anew", async () => {
  const source = file(OURS);
  const { tail } = source;
  source.tail = async () => {
    throw new Error("no network");
  };
  const found = members.open(source, pyramid);
  await assert.rejects(found.find("0/0_0.jpeg"), /no network/);
  source.tail = tail;
  await check(found, OURS, "0/0_0.jpeg");
});

test("an empty archive has no tiles", async () => {
  assert.equal(await members.open(file(archive([])), pyramid).find("0/0_0.jpeg"), null);
});
