// The score page: one metric is looked at at a time, and everything on the page follows it.
(() => {
  const { $, start, filters, factsOf } = Many;
  const { element, full, range, whisker, axis } = Values;
  const data = JSON.parse($("data").textContent);
  const n = data.names.length;
  const KINDS = [["target", "Target", "t"], ["match", "Match", "m"]];
  const columnOf = (key) => data.columns.find((column) => column.key === key);
  const value = (key) => { const list = data.values[key]; return (row) => list[row]; };
  const worst = (column) => ({ lower: 1, higher: -1, neither: 0 })[column.better];
  const family = (row) => data.families[data.family_of[row]];
  let chosen = data.sort_by;
  let scale = null; // of the chosen metric over all sounds

  const tip = (column) => [column.label, column.meaning, Values.better(column)].filter(Boolean).join(". ").replace(/\.\. /g, ". ");
  const columns = [
    { key: "", label: "Sound", words: (row) => data.names[row], badge: (row) => data.levels[row], tip: "By name" },
    ...(data.families.length > 1 ? [{ key: " family", label: "Family", words: family }] : []),
    ...data.columns.map((column) => ({
      key: column.key, label: column.label, unit: Values.unit(column), tip: tip(column), worst: worst(column), value: value(column.key),
      words: (row) => Values.words(column, data.values[column.key][row]),
      share: (row) => { const v = data.values[column.key][row]; return v === null || !scale ? null : Math.min(1, Math.max(0, scale.share(v))); },
    })),
  ];

  function facts(row) {
    const column = columnOf(chosen);
    const list = data.values[chosen];
    const told = [[column.label, full(column, list[row])]];
    if (data.families.length > 1 && family(row)) told.push(["Family", family(row)]);
    return [...told, ...factsOf(data, row)];
  }

  const { table, bar, take } = start({ data, kinds: KINDS, columns, facts, searched: (row) => `${data.names[row]} ${family(row)}`, onsort });
  const filter = filters(table, data, { noun: n === 1 ? "sound" : "sounds", onchange: () => { drawFamilies(); drawHistogram(); } });

  const marks = (column, floors = {}) => [[floors[column.key] ?? column.floor, "floor"], [column.white_noise, "noise"], [column.silence, "silence"]];

  function onsort(column) { if (column.value) look(column.key); }

  // Looks at another metric; the table is sorted by it, worst first, unless its header was pressed.
  function look(key) {
    chosen = key;
    scale = axis(data.values[key]);
    if (table.sorted !== key) table.sort(key); else table.redraw();
    if (filter.state.range) filter.setRange(null); else { drawFamilies(); drawHistogram(); }
    for (const row of document.querySelectorAll("#figures tbody tr")) {
      row.classList.toggle("chosen", row.dataset.key === key);
      row.querySelector("button").setAttribute("aria-pressed", String(row.dataset.key === key));
    }
    table.showSorted();
    for (const node of document.querySelectorAll(".chosen-name")) node.textContent = columnOf(key).label;
    if (bar.row) { bar.row.facts = facts(bar.row.id); bar.describe(); bar.show(); }
  }

  function drawFigures() {
    const body = $("figures").querySelector("tbody");
    for (const column of data.columns) {
      const one = data.overall[column.key];
      if (!one) continue;
      const spread = Values.spread(data.values[column.key]);
      const around = [one.mean, one.low, one.high, ...(spread || []), ...marks(column).map(([v]) => v), ...(column.unit === "share" ? [0, 1] : [])].filter((v) => v !== null && v !== undefined);
      const button = element("button", { type: "button", class: "choose", "aria-pressed": "false" }, column.label);
      button.addEventListener("click", () => { table.sort(column.key); look(column.key); table.root.scrollTop = 0; });
      const about = element("details", {}, element("summary", {}, "Meaning"), element("p", {}, [column.meaning, Values.better(column)].filter(Boolean).join(" ")));
      if (one.worst_name) about.append(element("p", {}, `Worst: ${full(column, one.worst)}, ${one.worst_name}.${one.median === null ? "" : ` Median: ${full(column, one.median)}.`}`));
      const line = element("tr", { "data-key": column.key },
        element("th", { scope: "row" }, button, about),
        element("td", { class: "number" }, element("b", {}, full(column, one.mean)), element("small", {}, one.low === null ? "" : range(column, one))),
        element("td", { class: "drawing" }, whisker(axis(around, { wide: 15 }), { ...one, spread }, marks(column))),
        ...["floor", "white_noise", "silence"].map((name) => element("td", { class: "number beside", "data-label": { floor: "floor", white_noise: "noise", silence: "silence" }[name] }, Values.words(column, column[name]))));
      body.append(line);
    }
  }

  function drawFamilies() {
    if (!$("families")) return;
    const column = columnOf(chosen);
    const lines = data.family_means.filter((one) => one.means[chosen]);
    const sign = worst(column) || 1;
    lines.sort((a, b) => sign * (b.means[chosen].mean - a.means[chosen].mean));
    const all = data.overall[chosen];
    const spread = lines.flatMap(({ means, floors }) => [means[chosen].mean, means[chosen].low, means[chosen].high, floors[chosen]]).concat(column.floor).filter((v) => v !== null && v !== undefined);
    const [least, most] = [Math.min(...spread), Math.max(...spread)];
    // Ceilings far away would squeeze what differs into a corner: they are then told in words.
    const ceilings = [["white noise", column.white_noise], ["silence", column.silence]].filter(([, v]) => v !== null && v !== undefined);
    const near = ceilings.filter(([, v]) => v < most + 0.7 * (most - least) && v > least - 0.7 * (most - least));
    const scale = axis([...spread, ...near.map(([, v]) => v)], { wide: 60 });
    const far = ceilings.filter((one) => !near.includes(one)).map(([name, v]) => `${name} ${full(column, v)}`);
    $("far").textContent = far.length ? `Off the scale: ${far.join(", ")}.` : "";
    const rows = [...(all ? [{ name: null, n, means: { [chosen]: all }, floors: {} }] : []), ...lines].map(({ name, n: count, means, floors }) => {
      const one = means[chosen];
      const label = name === null ? element("b", {}, "All") : element("button", { type: "button", class: "choose", "aria-pressed": String(filter.state.family === name) }, name || "(none)");
      if (name !== null) label.addEventListener("click", () => filter.choose(filter.state.family === name ? null : name));
      return element("tr", { class: name === null ? "all" : null },
        element("th", { scope: "row" }, label),
        element("td", { class: "number" }, String(one.n)),
        element("td", { class: "number" }, full(column, one.mean), element("small", {}, one.low === null ? "" : range(column, one))),
        element("td", { class: "drawing" }, whisker(scale, one, marks(column, floors))));
    });
    rows.push(element("tr", { class: "axis-row", "aria-hidden": "true" }, element("th"), element("td"), element("td"), element("td", { class: "drawing" }, Values.ticks(scale, column))));
    const focused = document.activeElement.closest && document.activeElement.closest("#families tbody") ? document.activeElement.textContent : null;
    $("families").querySelector("tbody").replaceChildren(...rows);
    if (focused) { const again = [...document.querySelectorAll("#families tbody button")].find((button) => button.textContent === focused); if (again) again.focus(); }
  }

  function drawHistogram() {
    const column = columnOf(chosen);
    const at = filter.state.family === null ? -1 : data.families.indexOf(filter.state.family);
    const list = at < 0 ? data.values[chosen] : data.values[chosen].filter((_, row) => data.family_of[row] === at);
    Histogram.show($("histogram"), column, list, {
      marks: [[data.overall[chosen] && data.overall[chosen].mean, "mean"], ...marks(column)], picked: filter.state.range,
      onpick: (bin) => filter.setRange(bin && { ...bin, value: value(chosen) }),
    });
  }

  if (n) {
    drawFigures();
    table.sort(chosen);
    look(chosen);
    filter.apply();
    table.select(table.order[0], { scroll: false });
    take(table.order[0]);
  }
  window.ddspMatchPage = { table, player: bar.player, filter };
})();
