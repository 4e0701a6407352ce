"use strict";
// The page: opens what its record names, and ties the parts together.

(() => {
  const { actions, address, annotations, formats, fullpage, keyboard, layer, light, link, loading, panels, power, problems, ranges, readouts, ruler, snapshot, stage, theme } = tileframe;
  const by = (id) => document.getElementById(id);

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
    const wanted = link.parse(location.hash);
    if (wanted) go(wanted);
    const changed = address.keep(current, go);

    const showInfo = panels.toggle(by("info-button"), by("info"), by("info-close"));
    const ofView = actions.ofView(viewer);
    for (const action of Object.values(ofView)) {
      const { run } = action;
      action.run = (key) => {
        pair?.lead();
        run(key);
      };
    }
    const layers = stages.map((one, index) => layer.open(one.element.closest(".stage"), one, pyramids[index]));
    const lit = light.open(layers, by("light"), by("filters").querySelectorAll("feFuncR, feFuncG, feFuncB"));
    const showLight = panels.toggle(by("light-button"), by("light"), by("light-close"));
    const showAnnotations = panels.toggle(by("annotations-button"), by("annotations"), by("annotations-close"));
    const annotated = annotations.open(layers, {
      list: by("annotations-list"),
      note: by("annotations-note"),
      file: by("annotations-file"),
      open: showAnnotations,
    });
    const all = {
      ...ofView,
      annotations: { keys: ["a"], label: "Annotations", run: () => showAnnotations(by("annotations").hidden) },
      ...annotated,
      ...ruler.open(layers, { button: by("ruler-button"), row: by("ruler"), text: by("ruler-text") }),
      ...power.open(by("power"), viewer, pyramid, () => pair?.lead()),
      ...pair?.actions,
      light: { keys: ["b"], label: "Brightness, contrast and gamma", run: () => showLight(by("light").hidden) },
      snapshot: { keys: ["d"], label: "Save a picture of this view", run: () => snapshot.save(layers, lit, pair?.share()) },
      full: { keys: ["p"], label: "Full page", run: fullpage.toggle },
      link: { keys: ["l"], label: "Copy a link to this view", run: () => address.copy(current()) },
      navigator: { keys: ["n"], label: "Show or hide the overview", run: () => flipHidden(by("overview")) },
      ...(by("strip").childElementCount && { strip: { keys: ["k"], label: "Label, macro and thumbnail", run: () => flipHidden(by("strip")) } }),
      info: { keys: ["i"], label: "About the slide", run: () => showInfo(by("info").hidden) },
      theme: { keys: ["t"], label: "Dark or light", run: theme.toggle },
      help: { keys: ["?"], label: "Help", run: () => by("help").showModal() },
    };
    keyboard.listen([...Object.values(all), { keys: ["Escape"], run: () => (fullpage.leave(), showInfo(false), showLight(false), showAnnotations(false)) }]);
    actions.press(all);
    panels.fillKeys(by("keys"), Object.values(all));
    panels.fillTouches(by("touches"), all);
    by("help-close").addEventListener("click", () => by("help").close());
    readouts.follow(stages, pyramids, changed);
  }

  function flipHidden(element) {
    element.hidden = !element.hidden;
  }

  start();
})();
