"use strict";
// Makes ZIP archives for the tests, and files that count what is read of them.

const LARGE = 0xffffffff;

/** Numbers of 2, 4 or 8 bytes, one after the other. */
function packed(...fields) {
  const bytes = Buffer.alloc(fields.reduce((sum, [length]) => sum + length, 0));
  let at = 0;
  for (const [length, value] of fields) {
    if (length === 8) bytes.writeBigUInt64LE(BigInt(value), at);
    else bytes.writeUIntLE(value, at, length);
    at += length;
  }
  return bytes;
}

/** The header before a member's data; `extra` bytes of an extra field that the directory does not have. */
function local(name, size, extra = 0) {
  const fields = [[4, 0x04034b50], [2, 20], [2, 0], [2, 0], [4, 0], [4, 0], [4, size], [4, size], [2, name.length], [2, extra]];
  return Buffer.concat([packed(...fields), Buffer.from(name, "latin1"), Buffer.alloc(extra)]);
}

/** An entry of the directory; with `zip64`, what needs no more than 32 bits stands in the extra field as well. */
function entry({ name, size, offset, method = 0, zip64 = false, comment = "" }) {
  const other = [[2, 0x5455], [2, 1], [1, 7]]; // an extra field of another kind comes first
  const extra = zip64 ? packed(...other, [2, 1], [2, 24], [8, size], [8, size], [8, offset]) : Buffer.alloc(0);
  const fields = [
    [4, 0x02014b50], [2, 45], [2, 20], [2, 0], [2, method], [4, 0], [4, 0], [4, zip64 ? LARGE : size], [4, zip64 ? LARGE : size],
    [2, name.length], [2, extra.length], [2, comment.length], [2, 0], [2, 0], [4, 0], [4, zip64 ? LARGE : offset],
  ];
  return Buffer.concat([packed(...fields), Buffer.from(name, "latin1"), extra, Buffer.from(comment, "latin1")]);
}

/** What stands at the end of an archive whose directory is `size` bytes from `start` on. */
function end({ start, size, count, zip64 = false, comment = "" }) {
  const parts = [];
  if (zip64) {
    parts.push(packed([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, count], [8, count], [8, size], [8, start]));
    parts.push(packed([4, 0x07064b50], [4, 0], [8, start + size], [4, 1]));
  }
  const [few, short, near] = zip64 ? [0xffff, LARGE, LARGE] : [count, size, start];
  parts.push(packed([4, 0x06054b50], [2, 0], [2, 0], [2, few], [2, few], [4, short], [4, near], [2, comment.length]));
  return Buffer.concat([...parts, Buffer.from(comment, "latin1")]);
}

/** An archive of `names`, each with its own name as its data; what `how` says goes to `entry` and `end`. */
function archive(names, how = {}) {
  const members = [];
  const entries = [];
  let offset = 0;
  for (const name of names) {
    const member = Buffer.concat([local(name, name.length), Buffer.from(name, "latin1")]);
    members.push(member);
    entries.push(entry({ name, size: name.length, offset, ...how }));
    offset += member.length;
  }
  const directory = Buffer.concat(entries);
  return Buffer.concat([...members, directory, end({ start: offset, size: directory.length, count: names.length, ...how })]);
}

/** `bytes` as a file that is read in parts; `asked` lists how many bytes were. */
function file(bytes) {
  const asked = [];
  const part = (start, stop) => {
    const found = bytes.subarray(start, stop);
    asked.push(found.length);
    return new Uint8Array(found);
  };
  return {
    name: "slide.szi",
    asked,
    tail: async (count) => ({ bytes: part(Math.max(0, bytes.length - count), bytes.length), length: bytes.length }),
    read: async (start, stop) => part(start, stop),
  };
}

module.exports = { archive, end, entry, file, local };
