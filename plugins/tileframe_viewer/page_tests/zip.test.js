"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

require("../page/zip.js");
const { archive, end, entry, local } = require("./archives.js");
const { dataStart, directory, entries, firstEntry } = globalThis.tileframe.zip;

const names = Array.from({ length: 50 }, (_, index) => `slide/slide_files/9/${index}_0.jpeg`);

function listed(bytes) {
  const { start, end: stop } = directory(bytes, bytes.length);
  return entries(bytes.subarray(start, stop));
}

test("the directory is found from the end, and lists every member where it is", () => {
  const bytes = archive(names);
  const found = listed(bytes);
  assert.deepEqual(found.map(({ name }) => name), names);
  for (const { name, offset, size } of found) {
    const start = offset + dataStart(bytes.subarray(offset));
    assert.equal(bytes.toString("latin1", start, start + size), name);
  }
});

test("the last bytes are enough, whatever came before them", () => {
  const bytes = archive(names, { zip64: true });
  const whole = directory(bytes, bytes.length);
  assert.deepEqual(directory(bytes.subarray(-98), bytes.length), whole);
  assert.equal(directory(bytes.subarray(-97), bytes.length), null, "a byte of the ZIP64 record is missing");
});

test("numbers of 64 bits are taken from where ZIP64 keeps them", () => {
  assert.deepEqual(listed(archive(names, { zip64: true })).map(({ name }) => name), names);
  const [found] = entries(entry({ name: "a", size: 2 ** 33, offset: 2 ** 40 + 1, zip64: true }));
  assert.deepEqual([found.size, found.offset], [2 ** 33, 2 ** 40 + 1]);
  const far = end({ start: 2 ** 41, size: 1000, count: 70000, zip64: true });
  assert.deepEqual(directory(far, 2 ** 41 + 1000 + far.length), { start: 2 ** 41, end: 2 ** 41 + 1000 });
});

test("a comment at the end is no obstacle, also one that looks like an end", () => {
  const bytes = archive(names, { comment: "PK\x05\x06 and no more than that" });
  assert.equal(listed(bytes).length, names.length);
});

test("what is cut, or no archive, has no directory", () => {
  const bytes = archive(names);
  assert.equal(directory(bytes.subarray(0, -1), bytes.length - 1), null);
  assert.equal(directory(bytes.subarray(1), bytes.length - 1), null, "the end says more than there is");
  assert.equal(directory(Buffer.alloc(500), 500), null);
  assert.equal(directory(Buffer.alloc(3), 3), null);
});

test("from any place in the directory, the next entry is found", () => {
  const bytes = archive(names);
  const { start, end: stop } = directory(bytes, bytes.length);
  const whole = bytes.subarray(start, stop);
  const starts = entries(whole).map(({ next }) => next);
  for (let from = 1; from < 400; from += 1) {
    const at = from + firstEntry(whole.subarray(from), 200);
    assert.equal(at, starts.find((next) => next >= from));
  }
  assert.equal(firstEntry(Buffer.alloc(1000), 1000), -1);
});

test("a name that holds the mark of an entry is not taken for one", () => {
  const odd = "PK\x01\x02" + "a".repeat(60);
  const whole = Buffer.concat([entry({ name: odd, size: 1, offset: 0 }), entry({ name: "b", size: 1, offset: 99 })]);
  assert.equal(1 + firstEntry(whole.subarray(1), 200), whole.length - 47);
});

test("a member that is compressed or encrypted is said not to be stored as it is", () => {
  assert.equal(entries(entry({ name: "a", size: 1, offset: 0 }))[0].stored, true);
  assert.equal(entries(entry({ name: "a", size: 1, offset: 0, method: 8 }))[0].stored, false);
});

test("a member's data begin after its own extra field, which the directory does not know", () => {
  assert.equal(dataStart(local("abc", 5, 28)), 30 + 3 + 28);
  assert.ok(Number.isNaN(dataStart(Buffer.alloc(30))));
  assert.ok(Number.isNaN(dataStart(Buffer.alloc(3))));
});
