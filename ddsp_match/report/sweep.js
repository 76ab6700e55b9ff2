// The page of a sweep: a row a run; each swept setting is drawn against the score one looks at.
(() => {
  const { $, start, filters } = Many;
  const { element, words, full } = Values;
  const data = JSON.parse($("data").textContent);
  const n = data.names.length;
  const KINDS = [["target", "Target", "t"], ["match", "Match", "m"]];
  const columnOf = (key) => data.columns.find((column) => column.key === key);
  const worst = (column) => ({ lower: 1, higher: -1, neither: 0 })[column.better];
  const settingWords = (v) => (v === null ? "–" : typeof v === "number" ? String(v).replace("-", "−") : v);
  let chosen = data.best_by;
  let scale = null;

  // Of a sweep one wants the best first: to the table that is the worst of the turned metric.
  const columns = [
    { key: "", label: "Run", words: (row) => data.names[row], badge: (row) => (row === data.best ? "best" : ""), tip: "By number" },
    ...data.settings.map(({ key, label, values }) => ({ key: `set ${key}`, label, tip: key, words: (row) => settingWords(values[row]), value: values.every((v) => v === null || typeof v === "number") ? (row) => values[row] : null, worst: -1 })),
    ...data.columns.map((column) => ({
      key: column.key, label: column.label, unit: Values.unit(column), worst: -worst(column),
      tip: [column.label, column.meaning, Values.better(column)].filter(Boolean).join(". "),
      value: (row) => data.values[column.key][row], words: (row) => words(column, data.values[column.key][row]),
      share: (row) => { const v = data.values[column.key][row]; return v === null || !scale ? null : Math.min(1, Math.max(0, scale.share(v))); },
    })),
    { key: " seconds", label: "Took", unit: "s", worst: 1, value: (row) => data.seconds[row], words: (row) => words({ unit: "s", digits: 1 }, data.seconds[row]), tip: "Wall seconds" },
    { key: " stop", label: "Ended because", words: (row) => data.stops.words[data.stops.at[row]] },
  ];

  function facts(row) {
    const column = columnOf(chosen);
    return [...(column ? [[column.label, full(column, data.values[chosen][row])]] : []), ...data.settings.map(({ label, values }) => [label, settingWords(values[row])])];
  }

  const searched = (row) => [data.names[row], ...data.settings.map(({ label, values }) => `${label}=${values[row]}`)].join(" ");
  const { table, take, player, bar } = start({ data, kinds: KINDS, columns, facts, searched, title: (row) => `Run ${data.names[row]}`, onsort: (column) => { if (columnOf(column.key)) look(column.key); } });
  const filter = filters(table, data, { noun: n === 1 ? "run" : "runs", onchange: drawPlots });

  function look(key) {
    chosen = key;
    scale = Values.axis(data.values[key]);
    $("metric").value = key;
    const column = columnOf(key);
    $("metric-words").textContent = [column.meaning, Values.better(column)].filter(Boolean).join(" ");
    if (table.sorted !== key) table.sort(key); else table.redraw();
    table.showSorted();
    drawPlots();
    if (bar.row) { bar.row.facts = facts(bar.row.id); bar.describe(); bar.show(); }
  }

  function drawPlots() {
    const column = columnOf(chosen);
    if (!column) return;
    // Closeness over what it costs, where the runs differ in that: one curve, whatever settings made the difference.
    const numbers = data.values.numbers_per_second, cost = { key: "numbers_per_second", label: "numbers a second", values: numbers, curve: true };
    const costs = numbers && chosen !== cost.key && new Set(numbers.filter((v) => v !== null)).size > 1 ? [cost] : [];
    const figures = [...costs, ...data.settings].map((setting) => {
      const figure = element("figure", {}, element("figcaption", {}, element("code", {}, setting.key)), element("div", { class: "chart" }));
      return { figure, setting };
    });
    $("plots").replaceChildren(...figures.map(({ figure }) => figure));
    for (const { figure, setting } of figures) {
      const numeric = setting.values.every((v) => v === null || typeof v === "number");
      const points = table.order.filter((row) => data.values[chosen][row] !== null && setting.values[row] !== null)
        .map((row) => ({ row, x: numeric ? setting.values[row] : String(setting.values[row]), y: data.values[chosen][row], kind: row === data.best ? "best" : "", words: `${data.names[row]}: ${facts(row).map((one) => one.join(" ")).join(", ")}` }))
        .sort((a, b) => (a.kind === "best") - (b.kind === "best"));
      Charts.scatter(figure.querySelector(".chart"), points, { x: { label: setting.label }, curve: setting.curve, y: { label: column.label, column }, onpick: (row) => table.select(row, { told: true }) });
    }
  }

  if (n && data.columns.length) {
    for (const column of data.columns) $("metric").append(element("option", { value: column.key }, column.label));
    $("metric").addEventListener("change", (event) => { table.sort(event.target.value); look(event.target.value); });
    table.sort(chosen);
    look(chosen);
    filter.apply();
    const first = data.best === null ? table.order[0] : data.best;
    table.select(first, { scroll: false });
    take(first);
  }
  window.ddspMatchPage = { table, player, filter };
})();
