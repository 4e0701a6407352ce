"use strict";
// Reads parts of a file on the server that the page came from, by HTTP range requests.

(globalThis.tileframe ??= {}).ranges = (() => {
  const { Unreadable } = tileframe.members;
  const { readable } = tileframe.problems;

  /** Why a page like this one can read no part of the file `name`; null if it can. */
  function hurdle(name) {
    if (location.protocol !== "file:") return null;
    return (
      `A page that is opened as a file cannot read tiles out of ${name}: browsers allow that only to pages of a server. ` +
      `Use: tileframe view ${name} --serve`
    );
  }

  /** The file at `url`, called `name` for people. */
  function open(url, name) {
    async function ask(range, signal) {
      // What a cache held could be of another archive that had this name, and browsers ask for one part of a file
      // after the other if they may keep them.
      const answer = await fetch(url, { headers: { Range: `bytes=${range}` }, cache: "no-store", signal });
      if (answer.status !== 206) answer.body?.cancel();
      if (answer.status === 404) throw new Unreadable(`${name} is not where this page expects it: ${readable(url)}.`);
      return answer;
    }

    /** The bytes from `start` to before `end`. */
    async function read(start, end, { signal } = {}) {
      const answer = await ask(`${start}-${end - 1}`, signal);
      if (answer.status === 200) {
        throw new Unreadable(
          `The server sends ${name} only as a whole: it does not answer range requests, which this page needs. ` +
            `Take a server that does, or use: tileframe view ${name} --serve`,
        );
      }
      if (answer.status !== 206) throw new Error(`${name}: the server answered with ${answer.status}`);
      return new Uint8Array(await answer.arrayBuffer());
    }

    /** The last `count` bytes, or all if there are fewer; and the length of the file. */
    async function tail(count) {
      const answer = await ask(`-${count}`);
      const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.headers.get("Content-Range") ?? "");
      if (answer.status === 206 && range) {
        return { bytes: new Uint8Array(await answer.arrayBuffer()), length: Number(range[2]) };
      }
      // Some servers and object stores count from the beginning only.
      const head = await fetch(url, { method: "HEAD", cache: "no-store" });
      const length = Number(head.headers.get("Content-Length"));
      if (!head.ok || !(length > 0)) throw new Error(`${name}: the server does not say how long it is`);
      return { bytes: await read(Math.max(0, length - count), length), length };
    }

    return { name, read, tail };
  }

  return { hurdle, open };
})();
