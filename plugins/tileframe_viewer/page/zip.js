"use strict";
// What the bytes of a ZIP archive say: where its directory is, what that lists, and where a member's data begin.
//
// Names of members are kept as they are stored, one character for each byte: whether they are UTF-8 is not asked.

(globalThis.tileframe ??= {}).zip = (() => {
  const ENTRY = 0x02014b50;
  const LOCAL = 0x04034b50;
  const END = 0x06054b50;
  const END64 = 0x06064b50;
  const LOCATOR64 = 0x07064b50;
  const ENTRY_LENGTH = 46; // and the name, the extra field and the comment, each at most 65,535 bytes
  const LOCAL_LENGTH = 30;
  const END_LENGTH = 22;
  const LONGEST_END = END_LENGTH + 0xffff + 20 + 56; // with the longest comment, and the two records of ZIP64

  const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const large = (view, at) => Number(view.getBigUint64(at, true));

  /** Where the directory is, {start, end}, by `tail`, the last bytes of an archive of `length`; null if it does not say. */
  function directory(tail, length) {
    const view = viewOf(tail);
    const first = length - tail.length;
    for (let at = tail.length - END_LENGTH; at >= 0; at -= 1) {
      if (view.getUint32(at, true) !== END || at + END_LENGTH + view.getUint16(at + 20, true) !== tail.length) continue;
      let [size, start] = [view.getUint32(at + 12, true), view.getUint32(at + 16, true)];
      if (at >= 20 && view.getUint32(at - 20, true) === LOCATOR64) {
        const end64 = large(view, at - 12) - first;
        if (!(end64 >= 0 && end64 + 56 <= at) || view.getUint32(end64, true) !== END64) return null;
        [size, start] = [large(view, end64 + 40), large(view, end64 + 48)];
      }
      return start + size <= first + at ? { start, end: start + size } : null;
    }
    return null;
  }

  /** The entry of the directory at `at`, with the place of the `next` one; null if there is none, or not all of it. */
  function entry(bytes, at) {
    const view = viewOf(bytes);
    if (at + ENTRY_LENGTH > bytes.length || view.getUint32(at, true) !== ENTRY) return null;
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const extra = at + ENTRY_LENGTH + nameLength;
    const next = extra + extraLength + view.getUint16(at + 32, true);
    if (next > bytes.length) return null;
    const found = {
      name: String.fromCharCode(...bytes.subarray(at + ENTRY_LENGTH, extra)),
      stored: view.getUint16(at + 10, true) === 0 && (view.getUint16(at + 8, true) & 1) === 0,
      size: view.getUint32(at + 20, true),
      offset: view.getUint32(at + 42, true),
      next,
    };
    enlarge(found, view, at, extra, extra + extraLength);
    return found;
  }

  /** Take from the extra field of ZIP64 what needs more than 32 bits. */
  function enlarge(found, view, at, extra, end) {
    for (let field = extra; field + 4 <= end; field += 4 + view.getUint16(field + 2, true)) {
      if (view.getUint16(field, true) !== 1) continue;
      let value = field + 4;
      const take = () => (value += 8) <= end && large(view, value - 8);
      if (view.getUint32(at + 24, true) === 0xffffffff) take();
      if (found.size === 0xffffffff) found.size = take();
      if (found.offset === 0xffffffff) found.offset = take();
      return;
    }
  }

  /** The entries that follow each other from `at` on, as many as are whole and begin before `limit`. */
  function entries(bytes, at = 0, limit = bytes.length) {
    const found = [];
    for (let next = at; next < limit; next = found[found.length - 1].next) {
      const one = entry(bytes, next);
      if (!one) break;
      found.push(one);
    }
    return found;
  }

  /** Where in `bytes`, cut anywhere out of a directory, its first entry begins; -1 if none does before `limit`. */
  function firstEntry(bytes, limit) {
    const view = viewOf(bytes);
    for (let at = 0; at < limit && at + ENTRY_LENGTH <= bytes.length; at += 1) {
      if (view.getUint32(at, true) !== ENTRY) continue;
      const one = entry(bytes, at);
      // The four bytes could be in a name: what follows an entry is another one, or the end of what was cut out.
      if (one && (one.next + 4 > bytes.length || view.getUint32(one.next, true) === ENTRY)) return at;
    }
    return -1;
  }

  /** How many bytes lie between a member's offset and its data, by the header that is there; NaN if there is none. */
  function dataStart(header) {
    const view = viewOf(header);
    if (header.length < LOCAL_LENGTH || view.getUint32(0, true) !== LOCAL) return NaN;
    return LOCAL_LENGTH + view.getUint16(26, true) + view.getUint16(28, true);
  }

  return { LOCAL_LENGTH, LONGEST_END, dataStart, directory, entries, firstEntry };
})();
