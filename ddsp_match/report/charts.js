// Charts over many sounds: their differences in order, and one figure against another.
const Charts = (() => {
  const { draw, full, tick } = Values;
  const HEIGHT = 220, FOOT = 34, LEFT = 9; // LEFT in per cent of the width, for the numbers of the y axis

  const py = (scale, v) => 8 + (1 - Math.min(1, Math.max(0, scale.share(v)))) * (HEIGHT - 16);
  const px = (share) => LEFT + (99 - LEFT) * share;

  function frame(root, y, yColumn, label) {
    const svg = draw(null, "svg", { class: "plot", height: HEIGHT + FOOT, role: "img", "aria-label": label });
    root.replaceChildren(svg);
    for (const v of y.marks(5)) {
      draw(svg, "line", { class: "grid", x1: `${LEFT}%`, x2: "99%", y1: py(y, v), y2: py(y, v) });
      draw(svg, "text", { x: `${LEFT - 1}%`, y: py(y, v) + 4, "text-anchor": "end" }, tick(yColumn, v));
    }
    return svg;
  }

  const empty = (root) => {
    const svg = draw(null, "svg", { class: "plot", height: HEIGHT + FOOT, role: "img", "aria-label": "Nothing to draw" });
    draw(svg, "text", { x: "50%", y: HEIGHT / 2, "text-anchor": "middle" }, "Nothing to draw.");
    root.replaceChildren(svg);
  };

  // Bars of rows in order of their difference, the best first; as wide as there is room.
  function sorted(root, column, rows, value, { way, name, onpick }) {
    if (!rows.length) return empty(root);
    const order = [...rows].sort((a, b) => way * (value(b) - value(a)));
    const most = order.reduce((top, row) => Math.max(top, Math.abs(value(row))), 1e-12);
    const flat = new Plots.Axis({ low: -most * 1.05, high: most * 1.05 });
    const better = order.filter((row) => way * value(row) > 0).length, worse = order.filter((row) => way * value(row) < 0).length;
    const svg = frame(root, flat, column, `${better} better, ${worse} worse, from ${full(column, value(order[order.length - 1]), true)} to ${full(column, value(order[0]), true)}`);
    // The axis points to the better side, so that up is always better.
    for (const text of svg.querySelectorAll("text")) if (way < 0) text.textContent = text.textContent.startsWith("−") ? text.textContent.slice(1) : text.textContent === "0" ? "0" : `−${text.textContent}`;
    const place = new Map(order.map((row, i) => [row, `${LEFT + ((99 - LEFT) / order.length) * (i + 0.5)}%`]));
    // A path a side, in a coordinate system of its own: ten thousand bars are two nodes.
    const inner = draw(svg, "svg", { x: `${LEFT}%`, y: 0, width: `${99 - LEFT}%`, height: HEIGHT, viewBox: `0 0 ${order.length} ${HEIGHT}`, preserveAspectRatio: "none" });
    const zero = py(flat, 0), gap = order.length > 200 ? 0 : 0.12;
    for (const [kind, keep] of [["gain", (v) => v > 0], ["loss", (v) => v < 0]]) {
      const path = order.map((row, i) => [way * value(row), i]).filter(([v]) => keep(v)).map(([v, i]) => `M${i + gap} ${zero.toFixed(1)}V${py(flat, v).toFixed(1)}H${(i + 1 - gap).toFixed(2)}V${zero.toFixed(1)}Z`);
      if (path.length) draw(inner, "path", { class: kind, d: path.join("") });
    }
    draw(svg, "line", { class: "axis", x1: `${LEFT}%`, x2: "99%", y1: zero, y2: zero });
    const readout = draw(svg, "text", { x: "99%", y: HEIGHT + 20, "text-anchor": "end" }, `${better} better, ${worse} worse`);
    const usual = readout.textContent;
    const field = draw(svg, "rect", { class: "field plain", x: `${LEFT}%`, width: `${99 - LEFT}%`, y: 0, height: HEIGHT });
    const which = (event) => { const box = field.getBoundingClientRect(); return order[Math.min(order.length - 1, Math.max(0, Math.floor((order.length * (event.clientX - box.left)) / box.width)))]; };
    const cross = draw(svg, "line", { class: "cross", y1: 4, y2: HEIGHT, visibility: "hidden", "pointer-events": "none" });
    field.addEventListener("pointermove", (event) => {
      const row = which(event), x = place.get(row);
      readout.textContent = `${name(row)}: ${full(column, value(row), true)}`;
      cross.setAttribute("x1", x); cross.setAttribute("x2", x); cross.setAttribute("visibility", "visible");
    });
    field.addEventListener("pointerleave", () => { readout.textContent = usual; cross.setAttribute("visibility", "hidden"); });
    field.addEventListener("click", (event) => onpick(which(event)));
  }

  // points: [{row, x, y, words, kind}]; x may be words, which then stand side by side. A curve joins the dots in order of x.
  function scatter(root, points, { x, y, diagonal = false, curve = false, onpick }) {
    if (!points.length) return empty(root);
    const named = points.some((point) => typeof point.x !== "number");
    const names = named ? [...new Set(points.map((point) => String(point.x)))] : [];
    const scaleY = Values.axis(points.map((point) => point.y).concat(diagonal ? points.map((point) => point.x) : []));
    const scaleX = named ? null : diagonal ? scaleY : Values.axis(points.map((point) => point.x), { wide: 7 });
    const share = (v) => (named ? (names.indexOf(String(v)) + 0.5) / names.length : scaleX.share(v));
    const svg = frame(root, scaleY, y.column, `${y.label} over ${x.label}, ${points.length} dots`);
    const marks = named ? names : [...new Set(points.map((point) => point.x))].length <= 8 && !diagonal ? [...new Set(points.map((point) => point.x))] : scaleX.marks(Math.max(3, root.clientWidth / 90));
    for (const v of marks) {
      draw(svg, "line", { class: "grid", x1: `${px(share(v))}%`, x2: `${px(share(v))}%`, y1: 8, y2: HEIGHT - 8 });
      draw(svg, "text", { x: `${px(share(v))}%`, y: HEIGHT + 8, "text-anchor": "middle" }, named ? v : tick(x.column || { unit: "" }, v));
    }
    if (diagonal) draw(svg, "line", { class: "diagonal", x1: `${px(0)}%`, x2: `${px(1)}%`, y1: HEIGHT - 8, y2: 8 });
    const usual = diagonal ? `${x.label} →, ${y.label} ↑` : x.label;
    const readout = draw(svg, "text", { x: "99%", y: HEIGHT + 27, "text-anchor": "end" }, usual);
    const inner = draw(svg, "svg", { x: `${LEFT}%`, y: 0, width: `${99 - LEFT}%`, height: HEIGHT, viewBox: `0 0 1000 ${HEIGHT}`, preserveAspectRatio: "none", overflow: "visible" });
    const places = points.map((point) => [1000 * share(point.x), py(scaleY, point.y)]);
    if (curve) draw(inner, "path", { class: "curve", "vector-effect": "non-scaling-stroke", d: [...places].sort((a, b) => a[0] - b[0]).map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("") });
    // All dots of a kind are one path of lines without length, whose round ends are the dots: ten thousand are one node.
    const dots = (kind, at, size) => draw(inner, "path", { class: `point ${kind}`, d: at.map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`).join(""), "stroke-width": size });
    const size = points.length > 400 ? 5 : 10;
    for (const kind of ["", "best"]) { const at = places.filter((_, i) => (points[i].kind || "") === kind); if (at.length) dots(kind, at, size); }
    const ring = dots("here", [], size + 5);
    const field = draw(svg, "rect", { class: "field plain", x: `${LEFT}%`, width: `${99 - LEFT}%`, y: 0, height: HEIGHT });
    const nearest = (event) => {
      const box = field.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      let best = null, least = 30 ** 2;
      places.forEach(([px, y1], i) => { const away = ((px / 1000) * box.width - x) ** 2 + (y1 - y) ** 2; if (away < least) { least = away; best = i; } });
      return best;
    };
    const point = (event) => {
      const i = nearest(event);
      readout.textContent = i === null ? usual : points[i].words;
      ring.setAttribute("d", i === null ? "" : `M${places[i][0]} ${places[i][1]}h0`);
    };
    field.addEventListener("pointermove", point);
    field.addEventListener("pointerleave", () => { readout.textContent = usual; ring.setAttribute("d", ""); });
    field.addEventListener("click", (event) => { const i = nearest(event); if (i !== null) onpick(points[i].row); });
  }
  return { sorted, scatter };
})();
