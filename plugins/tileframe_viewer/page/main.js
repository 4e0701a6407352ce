"use strict";
// The page: opens what its record names, and ties the parts together.

(() => {
  const { actions, address, annotations, formats, fullpage, keyboard, layer, light, link, loading, panels, power, problems, ranges, readouts, ruler, snapshot, stage, theme } = tileframe;
  const by = (id) => document.getElementById(id);
  const SMALL = matchMedia("(max-width: 640px), (max-height: 480px)"); // no room for two panels

  async function start() {
    theme.restore();
    by("starting").remove();
    const record = read();
    if (record === null) {
      problems.show("What this page should know of the slide is damaged. Write the page again: tileframe view NAME.dzi");
    } else if (typeof OpenSeadragon === "undefined") {
      problems.show("OpenSeadragon could not be loaded. Is the folder tileframe-viewer, with all its files, beside this page?");
    } else {
      const { pyramids } = record;
      const unread = pyramids.map(({ archive }) => archive && ranges.hurdle(archive.name)).find(Boolean);
      const hurdle = unread ?? (await formats.hurdle(pyramids));
      if (hurdle) problems.show(hurdle);
      else open(record);
    }
  }

  /** The record in the page; null if it is damaged. */
  function read() {
    try {
      const record = JSON.parse(by("tileframe").textContent);
      return record.pyramids.length ? record : null;
    } catch {
      return null;
    }
  }

  function open({ pyramids, comparison }) {
    by("overview").style.setProperty("--aspect", pyramids[0].width / pyramids[0].height);
    if (pyramids.length > 1) by("stages").dataset.mode = link.parse(location.hash)?.mode ?? "side";
    // All that takes room of the slide's comes before the slide: a view is lost when it is given another size at once.
    by("modes").hidden = pyramids.length === 1;
    by("power").hidden = power.full(pyramids[0]) === null;
    by("strip-button").hidden = panels.fillStrip(by("strip"), pyramids) === 0;
    const areas = [by("stage-a"), by("stage-b")].slice(0, pyramids.length);
    for (const area of areas) area.hidden = false; // a viewer needs to know how large it is
    const stages = areas.map((area, index) => {
      const viewer = stage.open(area.querySelector(".slide"), pyramids[index], index ? null : by("navigator"));
      const name = area.querySelector(".name");
      name.textContent = pyramids[index].name;
      name.hidden = pyramids.length === 1;
      loading.report(viewer, pyramids[index]);
      return viewer;
    });
    loading.watch(by("stages"), stages);
    panels.fillFacts(by("facts"), pyramids);
    // OpenSeadragon opens what it is given in a moment, not at once.
    let waiting = stages.length;
    for (const viewer of stages) viewer.addOnceHandler("open", () => (waiting -= 1) || ready(stages, pyramids, comparison));
  }

  function ready(stages, pyramids, comparison) {
    const [viewer] = stages;
    const [pyramid] = pyramids;
    const pair = stages.length > 1 ? tileframe.pair.open(stages, pyramids, comparison, () => changed()) : null;
    const { current, go } = views(viewer, pyramid, pair);
    const wanted = link.parse(location.hash);
    if (wanted) go(wanted);
    const changed = address.keep(current, go);
    const show = toggles();
    const all = {
      ...leading(actions.ofView(viewer), pair),
      ...tools(stages, pyramids, show, pair),
      ...power.open(by("power"), viewer, pyramid, () => pair?.lead()),
      ...pair?.actions,
      ...ofPage(show, current),
    };
    keyboard.listen([...Object.values(all), { keys: ["Escape"], run: () => leave(show) }]);
    actions.press(all);
    help(all);
    readouts.follow(stages, pyramids, changed);
  }

  /** `current` returns the view that is or will be seen, `go` shows one; null is the whole slide. */
  function views(viewer, pyramid, pair) {
    const current = () => ({ ...stage.view(viewer, pyramid, { aim: true }), ...pair?.state() });
    const go = (view) => {
      if (view !== null && pair?.set(view)) {
        // OpenSeadragon sees the new sizes when it draws, and what it would make of the view is not what is wanted.
        requestAnimationFrame(() => requestAnimationFrame(() => go(view)));
        return;
      }
      pair?.lead();
      if (view === null) viewer.viewport.goHome(true);
      else stage.look(viewer, pyramid, view);
      pair?.follow();
    };
    return { current, go };
  }

  /** `found`, which move the first of two: the other follows it from then on. */
  function leading(found, pair) {
    const lead = ({ run, ...action }) => ({ ...action, run: (key) => (pair?.lead(), run(key)) });
    return Object.fromEntries(Object.entries(found).map(([name, action]) => [name, lead(action)]));
  }

  /** What opens and closes each panel, by its name. On a small screen there is room for one. */
  function toggles() {
    const show = {};
    const alone = (name) => {
      if (!SMALL.matches) return;
      for (const other of Object.keys(show)) if (other !== name) show[other](false);
      by("strip").hidden = true;
    };
    const toggle = (name) => panels.toggle(by(`${name}-button`), by(name), by(`${name}-close`), () => alone(name));
    for (const name of ["info", "light", "annotations"]) show[name] = toggle(name);
    return show;
  }

  /** The actions that draw over the slide, change its light, and save what is seen. */
  function tools(stages, pyramids, show, pair) {
    const layers = stages.map((one, index) => layer.open(one.element.closest(".stage"), one, pyramids[index]));
    const lit = light.open(layers, by("light"), by("filters").querySelectorAll("feFuncR, feFuncG, feFuncB"));
    const annotated = annotations.open(layers, {
      list: by("annotations-list"),
      note: by("annotations-note"),
      file: by("annotations-file"),
      open: show.annotations,
    });
    return {
      annotations: { keys: ["a"], label: "Annotations", run: () => flip("annotations", show) },
      ...annotated,
      ...ruler.open(layers, { button: by("ruler-button"), row: by("ruler"), text: by("ruler-text") }),
      light: { keys: ["b"], label: "Brightness, contrast and gamma", run: () => flip("light", show) },
      snapshot: { keys: ["d"], label: "Save a picture of this view", run: () => snapshot.save(layers, lit, pair?.share()) },
    };
  }

  /** The actions of the page around the slide. */
  function ofPage(show, current) {
    const flipStrip = () => {
      flipHidden(by("strip"));
      if (SMALL.matches && !by("strip").hidden) closeAll(show);
    };
    const strip = { keys: ["k"], label: "Label, macro and thumbnail", run: flipStrip };
    return {
      full: { keys: ["p"], label: "Full page", run: fullpage.toggle },
      link: { keys: ["l"], label: "Copy a link to this view", run: () => address.copy(current()) },
      navigator: { keys: ["n"], label: "Show or hide the overview", run: () => flipHidden(by("overview")) },
      ...(by("strip").childElementCount && { strip }),
      info: { keys: ["i"], label: "About the slide", run: () => flip("info", show) },
      theme: { keys: ["t"], label: "Dark or light", run: theme.toggle },
      help: { keys: ["?"], label: "Help", run: () => by("help").showModal() },
    };
  }

  /** Fill the help with what there is. */
  function help(all) {
    panels.fillKeys(by("keys"), Object.values(all));
    panels.fillTouches(by("touches"), all);
    by("help-close").addEventListener("click", () => by("help").close());
  }

  /** Open the panel `name` if it is closed, and close it if it is open. */
  function flip(name, show) {
    show[name](by(name).hidden);
  }

  /** Close all panels, and leave the full page. */
  function leave(show) {
    fullpage.leave();
    closeAll(show);
  }

  function closeAll(show) {
    for (const set of Object.values(show)) set(false);
  }

  function flipHidden(element) {
    element.hidden = !element.hidden;
  }

  start();
})();
