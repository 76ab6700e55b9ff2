// Metrics in words, and small drawings in SVG that need no width: places are shares of it, in per cent.
const Values = (() => {
  const NS = "http://www.w3.org/2000/svg";
  const INFINITE = 1e300; // what the page's numbers stand for where they were not finite

  function words(column, v, signed = false) {
    if (v === null || v === undefined || Number.isNaN(v)) return "—";
    if (Math.abs(v) >= INFINITE) return v > 0 ? "∞" : "−∞";
    const shown = column.unit === "share" ? 100 * v : v;
    const size = Math.abs(shown);
    const known = column.unit === "share" && column.digits !== null ? Math.max(0, column.digits - 2) : column.digits;
    const text = shown.toFixed(known ?? (size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3));
    const zero = Number(text) === 0;
    return (zero ? text.replace("-", signed ? "±" : "") : text.replace("-", "−")).replace(/^(?=\d)/, signed ? (zero ? "±" : "+") : "");
  }
  const scaleOnly = (column) => /\d/.test(column.unit); // as "1 to 5"
  const unit = (column) => (column.unit === "share" ? "%" : column.unit);
  const behind = (column) => (column.unit && !scaleOnly(column) ? ` ${unit(column)}` : "");
  const full = (column, v, signed) => `${words(column, v, signed)}${v === null || v === undefined ? "" : behind(column)}`;
  const range = (column, one) => (one.low === null ? full(column, one.mean) : `${words(column, one.low)} to ${full(column, one.high)}`);
  const better = (column) => (column.better === "neither" ? "" : `${column.better === "lower" ? "Lower" : "Higher"} is better.`);

  function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) node.setAttribute(key, value);
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }
  function draw(parent, tag, attributes, text) {
    const node = document.createElementNS(NS, tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    if (parent) parent.appendChild(node);
    return node;
  }

  // An axis around values; by decades where they are positive and spread over more than that many times.
  function axis(values, { wide = 40, log = true } = {}) {
    let low = Infinity, high = -Infinity;
    for (const v of values) if (v !== null && Math.abs(v) < INFINITE) { if (v < low) low = v; if (v > high) high = v; }
    if (low > high) [low, high] = [0, 1];
    if (log && low > 0 && high / low > wide) return new Plots.Axis({ low: low / 1.1, high: high * 1.1, log: true });
    const margin = (high - low) * 0.04 || Math.abs(high) * 0.05 || 1;
    return new Plots.Axis({ low: low >= 0 && low < margin * 4 ? 0 : low - margin, high: high + margin });
  }
  const EDGE = 2; // per cent left free at both ends, so that a dot is not cut
  const at = (scale, v) => `${(EDGE + (100 - 2 * EDGE) * Math.min(1, Math.max(0, scale.share(v)))).toFixed(2)}%`;

  // A mean as a dot, its interval as a line, what nine tenths of the sounds lie in as a pale one, and marks to compare with.
  function whisker(scale, one, marks = [], kind = "") {
    const svg = draw(null, "svg", { class: `whisker ${kind}`, "aria-hidden": "true" });
    draw(svg, "line", { class: "track", x1: `${EDGE}%`, x2: `${100 - EDGE}%`, y1: "50%", y2: "50%" });
    if (one.spread) draw(svg, "line", { class: "spread", x1: at(scale, one.spread[0]), x2: at(scale, one.spread[1]), y1: "50%", y2: "50%" });
    for (const [v, name] of marks) if (v !== null && v !== undefined && scale.share(v) > -1e-9 && scale.share(v) < 1 + 1e-9) draw(svg, "line", { class: `mark ${name}`, x1: at(scale, v), x2: at(scale, v), y1: "12%", y2: "88%" });
    if (one.low !== null) draw(svg, "line", { class: "span", x1: at(scale, one.low), x2: at(scale, one.high), y1: "50%", y2: "50%" });
    const beyond = (v) => (v === null ? 0 : scale.share(v) < -1e-9 ? -1 : scale.share(v) > 1 + 1e-9 ? 1 : 0);
    for (const side of [-1, 1]) {
      if (![one.low, one.high, one.mean].some((v) => beyond(v) === side)) continue;
      const inner = draw(svg, "svg", { x: side < 0 ? "0%" : "100%", y: "50%", overflow: "visible", class: "beyond" });
      draw(inner, "path", { d: side < 0 ? "M0 0l7 -5v10z" : "M0 0l-7 -5v10z" });
    }
    if (!beyond(one.mean)) draw(svg, "circle", { class: "dot", cx: at(scale, one.mean), cy: "50%", r: 4.5 });
    return svg;
  }

  // Between what nine tenths of the values lie.
  function spread(values) {
    const sorted = Float64Array.from(values.filter((v) => v !== null && Math.abs(v) < INFINITE)).sort();
    return sorted.length < 3 ? null : [sorted[Math.floor(0.05 * (sorted.length - 1))], sorted[Math.ceil(0.95 * (sorted.length - 1))]];
  }

  // The numbers of an axis under a column of drawings.
  function ticks(scale, column, wanted = 5) {
    const svg = draw(null, "svg", { class: "ticks", "aria-hidden": "true" });
    for (const v of scale.marks(wanted)) draw(svg, "text", { x: at(scale, v), y: 12, "text-anchor": "middle" }, tick(column, v));
    return svg;
  }
  const tick = (column, v) => String(+(column.unit === "share" ? 100 * v : v).toPrecision(4)).replace("-", "−");

  return { words, unit, behind, full, range, better, element, draw, axis, at, whisker, spread, ticks, tick, INFINITE };
})();
