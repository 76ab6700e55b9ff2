// What the pages about many sounds have in common: their table with its player, keys, hints and searching.
const Many = (() => {
  const $ = (id) => document.getElementById(id);
  const { element } = Values;

  // Links are packed: where one is the row's name between two constant ends, only the ends are written down.
  const link = (pack, row, name) => {
    if (!pack) return null;
    const own = pack.rest[row];
    if (own === null) return null;
    return own === 0 ? pack.before + name.split("/").map(encodeURIComponent).join("/") + pack.after : own;
  };
  // kinds: [[name, label, key]]; the sounds of a row that there are.
  const soundsOf = (data, kinds, row) => kinds
    .map(([name, label, key]) => ({ name, label, key, href: link(data.sounds[name], row, data.names[row]), lufs: data.sounds[name]?.lufs ? data.sounds[name].lufs[row] : null }))
    .filter((sound) => sound.href);
  const factsOf = (data, row) => Object.entries(data.facts || {}).map(([label, pack]) => [label, pack.words[pack.at[row]]]).filter(([, words]) => words);

  function tips() {
    const tip = element("div", { class: "tip", role: "tooltip", id: "tip", hidden: "" });
    document.body.append(tip);
    let owner = null;
    const hide = () => { tip.hidden = true; if (owner) owner.removeAttribute("aria-describedby"); owner = null; };
    const show = (event) => {
      const asked = event.target.closest && event.target.closest("[data-tip]");
      if (asked === owner) return;
      hide();
      if (!asked) return;
      owner = asked;
      owner.setAttribute("aria-describedby", "tip");
      tip.textContent = asked.dataset.tip;
      tip.hidden = false;
      const box = asked.getBoundingClientRect();
      tip.style.left = `${Math.max(8, Math.min(box.left, innerWidth - tip.offsetWidth - 8))}px`;
      tip.style.top = `${box.bottom + tip.offsetHeight + 8 < innerHeight ? box.bottom + 6 : box.top - tip.offsetHeight - 6}px`;
    };
    document.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") show(event); });
    document.addEventListener("focusin", (event) => { if (event.target.matches(":focus-visible")) show(event); else hide(); });
    document.addEventListener("focusout", hide);
    document.addEventListener("scroll", hide, { capture: true, passive: true });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  }

  // kinds: [[name, label, key]] of the sounds a row may have; title, facts, searched: what is said of a row.
  function start({ data, kinds, columns, searched, facts, title = (row) => data.names[row], onsort }) {
    const player = new Dock.FilePlayer();
    const anyLevels = Object.values(data.sounds).some((pack) => pack && pack.lufs);
    const bar = new Dock.Bar(player, anyLevels);
    const take = (row, play = null) => {
      bar.take({ id: row, title: title(row), facts: facts(row), report: link(data.reports, row, data.names[row]), sounds: soundsOf(data, kinds, row) }, play);
    };
    const buttons = (row) => soundsOf(data, kinds, row).map((sound) => {
      const button = element("button", { type: "button", class: "hear", "data-source": sound.name, "aria-label": `${sound.label} of ${title(row)}`, title: sound.label }, sound.key.toUpperCase());
      button.addEventListener("click", () => {
        const again = bar.row && bar.row.id === row && player.playing && player.current === sound.name;
        if (again) return void player.pause();
        table.select(row, { scroll: false });
        take(row, sound.name);
      });
      return button;
    });
    // Which of the buttons drawn is heard just now.
    const mark = () => {
      for (const button of document.querySelectorAll(".hear")) {
        const heard = player.playing && bar.row !== null && Number(button.closest("tr").dataset.row) === bar.row.id && button.dataset.source === player.current;
        if (button.getAttribute("aria-pressed") !== String(heard)) button.setAttribute("aria-pressed", String(heard));
      }
    };
    // The first column is as wide as its longest name wants, within bounds.
    const longest = data.names.reduce((most, name) => Math.max(most, name.length), 4);
    $("list").style.setProperty("--wanted", `${(2.4 * kinds.length + 0.54 * longest + (data.levels || data.settings ? 6 : 0) + (data.reports ? 4 : 0) + 4).toFixed(1)}rem`);
    const table = new Table($("list"), { columns, count: data.names.length, searched, buttons, mark, onsort, report: (row) => link(data.reports, row, data.names[row]), onselect: (row) => take(row) });
    bar.onchange = mark;
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (event.target.matches("input:not([type=checkbox]):not([type=range]), select, textarea")) {
        if (event.key === "Escape") event.target.blur();
        return;
      }
      const inList = event.target.closest(".list") && !event.target.closest("thead");
      const by = { j: 1, k: -1, J: 10, K: -10, ...(inList ? { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -data.names.length, End: data.names.length } : {}) }[event.key];
      if (by) table.step(by);
      else if (event.key === "/") $("search").focus();
      else if (event.key === "o" && !$("dock-report").hidden) $("dock-report").click();
      else if (!bar.keys(event)) return;
      event.preventDefault();
    });
    // After a click with the mouse the space bar should play, not press the same button again.
    document.addEventListener("click", (event) => { if (event.detail > 0 && event.target.closest("button, input[type=checkbox]")) document.activeElement.blur(); });
    tips();
    return { player, bar, table, take };
  }

  // Search box, families and a range of one metric, which together say what rows are shown.
  function filters(table, data, { noun, onchange = () => {} }) {
    const state = { family: null, range: null }; // the name of a family, which may be empty; null is all
    const families = data.families;
    const order = families.map((_, at) => at).sort((a, b) => families[a].localeCompare(families[b], undefined, { numeric: true }));
    for (const at of order) $("family").append(element("option", { value: String(at) }, families[at] || "(none)"));
    $("family-switch").hidden = families.length < 2;
    const apply = () => {
      const at = state.family === null ? -1 : families.indexOf(state.family);
      const { range } = state;
      table.filter({
        text: $("search").value,
        accepts: (row) => (at < 0 || data.family_of[row] === at) && (!range || (range.value(row) !== null && range.value(row) >= range.low && range.value(row) < range.high)),
      });
      $("count").textContent = table.order.length === data.names.length ? `${table.order.length} ${noun}` : `${table.order.length} of ${data.names.length} ${noun}`;
      $("clear").hidden = !$("search").value && at < 0 && !range;
      $("range-words").textContent = range ? range.words : "";
      onchange();
    };
    const choose = (family) => { state.family = family; $("family").value = family === null ? "" : String(families.indexOf(family)); apply(); };
    $("search").addEventListener("input", apply);
    $("family").addEventListener("change", (event) => choose(event.target.value === "" ? null : families[Number(event.target.value)]));
    $("clear").addEventListener("click", () => { state.range = null; $("search").value = ""; choose(null); });
    return { state, apply, choose, setRange(range) { state.range = range; apply(); } };
  }

  return { $, link, start, filters, factsOf };
})();
