"use strict";
// Reads annotations from GeoJSON, as QuPath exports it: pixels of the slide, with names and classes. Trusts nothing in it.

(globalThis.tileframe ??= {}).geojson = (() => {
  const MOST_BYTES = 100e6;
  const MOST_POINTS = 2e6;
  const MOST_KINDS = 300; // lines of the list
  const LONGEST = 80; // characters of a name
  const FARTHEST = 1e9; // pixels from the slide's corner
  const COLOUR = "rgb(255 212 0)";
  // How deep the coordinates of each type lie, and whether its lines are closed.
  const TYPES = {
    Point: { depth: 0, points: true },
    MultiPoint: { depth: 1, points: true },
    LineString: { depth: 1 },
    MultiLineString: { depth: 2 },
    Polygon: { depth: 2, closed: true },
    MultiPolygon: { depth: 3, closed: true },
  };

  /** What is wrong with a file, in words for the reader. */
  class Unreadable extends Error {}

  /** The kinds of annotations in `text`, each {label, color, count, lines, points, title}, and how many features were `skipped`. */
  function parse(text) {
    if (text.length > MOST_BYTES) throw new Unreadable(`it has more than ${MOST_BYTES / 1e6} MB`);
    let root;
    try {
      root = JSON.parse(text);
    } catch {
      throw new Unreadable("it is no JSON");
    }
    const features = root?.type === "FeatureCollection" ? root.features : root?.type === "Feature" ? [root] : root;
    if (!Array.isArray(features)) throw new Unreadable("it has no features, as GeoJSON has them");
    const kinds = new Map();
    const room = { points: MOST_POINTS };
    let skipped = 0;
    for (const feature of features) {
      const shape = shapeOf(feature?.geometry, room);
      if (room.points < 0) throw new Unreadable(`it has more than ${MOST_POINTS.toLocaleString("en")} points`);
      if (shape === null) skipped += 1;
      else add(kinds, labelOf(feature.properties), shape);
    }
    return { kinds: [...kinds.values()], skipped };
  }

  /** The lines and points of a geometry; null if it is none. `room` is how many points there may be still. */
  function shapeOf(geometry, room) {
    const type = Object.hasOwn(TYPES, geometry?.type) ? TYPES[geometry.type] : null;
    if (type === null) return null;
    const lists = [];
    if (!collect(type.depth === 0 ? [geometry.coordinates] : geometry.coordinates, Math.max(1, type.depth), lists, room)) return null;
    const shape = { lines: [], points: [] };
    for (const list of lists) {
      if (type.points) for (const point of list) shape.points.push(point);
      else if (list.length) shape.lines.push({ at: list, closed: Boolean(type.closed), box: boxOf(list) });
    }
    return shape.lines.length + shape.points.length ? shape : null;
  }

  /** The box around a list of points. */
  function boxOf(list) {
    const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
    for (const [x, y] of list) {
      if (x < box.left) box.left = x;
      if (x > box.right) box.right = x;
      if (y < box.top) box.top = y;
      if (y > box.bottom) box.bottom = y;
    }
    return box;
  }

  /** Put the lists of points that lie `depth` deep into `found`; false if anything else is there. */
  function collect(coordinates, depth, found, room) {
    if (!Array.isArray(coordinates)) return false;
    if (depth > 1) return coordinates.every((part) => collect(part, depth - 1, found, room));
    room.points -= coordinates.length;
    if (room.points < 0 || !coordinates.every(isPoint)) return false;
    found.push(coordinates);
    return true;
  }

  function isPoint(point) {
    return Array.isArray(point) && [point[0], point[1]].every((value) => Number.isFinite(value) && Math.abs(value) < FARTHEST);
  }

  /** The name, class and colour that `properties` give, each as far as it is what it should be. */
  function labelOf(properties) {
    const kind = properties?.classification;
    const [name, type] = [short(properties?.name), short(typeof kind === "string" ? kind : kind?.name)];
    const color = [kind?.color, properties?.color].find(isColour);
    return {
      label: [name, type].filter(Boolean).join(" · ") || "Unnamed",
      title: name,
      color: color ? `rgb(${color.slice(0, 3).join(" ")})` : packed(kind?.colorRGB) ?? COLOUR,
    };
  }

  function short(text) {
    if (typeof text !== "string") return "";
    const line = text.replace(/\s+/g, " ").trim();
    return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
  }

  function isColour(value) {
    return Array.isArray(value) && value.length >= 3 && value.slice(0, 3).every((part) => Number.isInteger(part) && part >= 0 && part < 256);
  }

  /** A colour in one number, as earlier versions of QuPath wrote it. */
  function packed(value) {
    return Number.isInteger(value) ? `rgb(${(value >> 16) & 255} ${(value >> 8) & 255} ${value & 255})` : null;
  }

  function add(kinds, { label, title, color }, { lines, points }) {
    const known = kinds.has(label) || kinds.size < MOST_KINDS - 1;
    const key = known ? label : "Others";
    if (!kinds.has(key)) kinds.set(key, { label: key, title: known ? title : "", color, count: 0, lines: [], points: [] });
    const kind = kinds.get(key);
    kind.count += 1;
    for (const line of lines) kind.lines.push(line);
    for (const point of points) kind.points.push(point);
  }

  return { MOST_BYTES, Unreadable, boxOf, parse };
})();
