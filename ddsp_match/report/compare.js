// The page of two runs compared: one metric is looked at at a time; differences are B minus A.
(() => {
  const { $, start, filters } = Many;
  const { element, words, full, axis, draw, at } = Values;
  const data = JSON.parse($("data").textContent);
  const n = data.names.length;
  const KINDS = [["target", "Target", "t"], ["a", data.name_a, "a"], ["b", data.name_b, "b"]];
  const columnOf = (key) => data.columns.find((column) => column.key === key);
  const family = (row) => data.families[data.family_of[row]];
  const both = (x, y) => (x === null || y === null || Math.abs(x) >= Values.INFINITE || Math.abs(y) >= Values.INFINITE ? null : y - x);
  const differences = Object.fromEntries(data.columns.map(({ key }) => [key, data.a[key].map((x, row) => both(x, data.b[key][row]))]));
  const way = (column) => (column.better === "lower" ? -1 : 1); // times a difference: positive is better (or higher)
  const REACH = 2; // of the chart of changes, in units of a row
  let chosen = data.sort_by;
  let widest = 1;

  const tip = (column) => `${column.label}: ${data.name_b} minus ${data.name_a}. ${column.meaning} ${Values.better(column)}`;
  const difference = (column) => ({
    key: column.key, label: `Δ ${column.label}`, unit: Values.unit(column), tip: tip(column), worst: -way(column),
    value: (row) => differences[column.key][row],
    words: (row) => words(column, differences[column.key][row], true),
    share: (row) => { const v = differences[column.key][row]; return v === null ? null : Math.min(1, Math.abs(v) / widest); },
  });
  const side = (name, label) => ({
    key: ` ${name}`, label, tip: `The chosen metric in ${label}`, worst: 0,
    value: (row) => data[name][chosen][row], words: (row) => words(columnOf(chosen), data[name][chosen][row]),
  });
  const columns = [
    { key: "", label: "Sound", words: (row) => data.names[row], tip: "By name" },
    ...(data.families.length > 1 ? [{ key: " family", label: "Family", words: family }] : []),
    side("a", data.name_a), side("b", data.name_b), ...data.columns.map(difference),
  ];

  function facts(row) {
    const column = columnOf(chosen);
    return [[column.label, `${words(column, data.a[chosen][row])} → ${full(column, data.b[chosen][row])}`], ["Difference", full(column, differences[chosen][row], true)],
      ...(data.families.length > 1 && family(row) ? [["Family", family(row)]] : [])];
  }

  const { table, bar, take, player } = start({ data, kinds: KINDS, columns, facts, searched: (row) => `${data.names[row]} ${family(row)}`, onsort });
  const filter = filters(table, data, { noun: n === 1 ? "sound" : "sounds", onchange: () => drawCharts() });

  function onsort(column) { if (columnOf(column.key)) look(column.key); else press(); }
  const press = () => {
    for (const [id, turned] of [["losses", false], ["gains", true]]) $(id).setAttribute("aria-pressed", String(table.sorted === chosen && table.turned === turned));
  };

  function look(key) {
    chosen = key;
    widest = differences[key].reduce((most, v) => Math.max(most, v === null ? 0 : Math.abs(v)), 1e-12);
    if (table.sorted !== key) table.sort(key); else table.redraw();
    table.showSorted();
    press();
    drawCharts();
    for (const row of document.querySelectorAll("#changes tbody tr[data-key]")) {
      row.classList.toggle("chosen", row.dataset.key === key);
      row.querySelector("button").setAttribute("aria-pressed", String(row.dataset.key === key));
    }
    for (const node of document.querySelectorAll(".chosen-name")) node.textContent = columnOf(key).label;
    if (bar.row) { bar.row.facts = facts(bar.row.id); bar.describe(); bar.show(); }
  }

  function drawChanges() {
    // Each row has its own unit, so all fit one axis; it ends early, and what goes on beyond it ends in an arrow.
    const scale = new Plots.Axis({ low: -REACH, high: REACH });
    const body = $("changes").querySelector("tbody");
    for (const change of data.changes) {
      const { difference: d, unit } = change, column = columnOf(change.key);
      const turned = (v) => (v === null ? null : (way(column) * v) / unit);
      const [low, high] = [turned(d.low), turned(d.high)].sort((x, y) => x - y);
      const button = element("button", { type: "button", class: "choose", "aria-pressed": "false", "data-tip": tip(column) }, column.label);
      button.addEventListener("click", () => { table.sort(column.key); look(column.key); table.root.scrollTop = 0; });
      const kind = { better: "excellent", worse: "poor" }[change.verdict] || "plain";
      const percent = (v) => `${Math.round(100 * v)} %`;
      body.append(element("tr", { "data-key": column.key },
        element("th", { scope: "row" }, button),
        element("td", {}, element("span", { class: `badge ${kind}` }, change.verdict), element("small", {}, change.p === null ? "" : change.p < 0.001 ? "corrected p < 0.001" : `corrected p = ${change.p.toFixed(3)}`)),
        element("td", { class: "number", "data-label": data.name_a }, words(column, change.a)),
        element("td", { class: "number", "data-label": data.name_b }, words(column, change.b)),
        element("td", { class: "number" }, element("b", {}, full(column, d.mean, true)), element("small", {}, d.low === null ? "" : `${words(column, d.low, true)} to ${words(column, d.high, true)}`)),
        element("td", { class: "drawing" }, Values.whisker(scale, { mean: turned(d.mean), low: d.low === null ? null : low, high }, [[0, "zero"]], kind)),
        element("td", { class: "number beside", "data-label": "better / worse" }, `${percent(change.better_share)} / ${percent(change.worse_share)}`)));
    }
    body.append(element("tr", { class: "axis-row", "aria-hidden": "true" }, ...Array.from({ length: 5 }, () => element("td")), element("td", { class: "drawing" }, Values.ticks(scale, { unit: "", digits: null })), element("td")));
  }

  function hear(row) { table.select(row, { told: true }); }

  function drawCharts() {
    Charts.sorted($("sorted"), columnOf(chosen), table.order.filter((row) => differences[chosen][row] !== null), (row) => differences[chosen][row], { way: way(columnOf(chosen)), name: (row) => data.names[row], onpick: hear });
    Charts.scatter($("scatter"), table.order.map((row) => ({ row, x: data.a[chosen][row], y: data.b[chosen][row], words: data.names[row] })).filter(({ row }) => differences[chosen][row] !== null), {
      x: { label: data.name_a, column: columnOf(chosen) }, y: { label: data.name_b, column: columnOf(chosen) }, diagonal: true, onpick: hear,
    });
  }

  if (n) {
    drawChanges();
    table.sort(chosen);
    look(chosen);
    filter.apply();
    $("losses").addEventListener("click", () => { table.sort(chosen, false); table.root.scrollTop = 0; press(); });
    $("gains").addEventListener("click", () => { table.sort(chosen, true); table.root.scrollTop = 0; press(); });
    table.select(table.order[0], { scroll: false });
    take(table.order[0]);
  }
  window.ddspMatchPage = { table, player, filter };
})();
