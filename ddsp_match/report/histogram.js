// How often which value comes: bars that narrow the table to their range when pressed.
const Histogram = (() => {
  const { draw, at, tick } = Values;
  const HEIGHT = 130, FOOT = 20, HEAD = 14;

  // marks: [[value, name, words]]; onpick({low, high}).
  function show(root, column, values, { marks = [], picked = null, onpick }) {
    const finite = values.filter((v) => v !== null && Math.abs(v) < Values.INFINITE);
    const svg = draw(null, "svg", { class: "histogram", height: HEIGHT + FOOT + HEAD, role: "img" });
    root.replaceChildren(svg);
    if (!finite.length) {
      draw(svg, "text", { x: "50%", y: HEIGHT / 2, "text-anchor": "middle" }, "No sound has this figure.");
      svg.setAttribute("aria-label", "No sound has this figure.");
      return;
    }
    const scale = Values.axis(finite);
    const sorted = Float64Array.from(finite).sort();
    const n = Math.min(40, Math.max(8, Math.ceil(3 * Math.cbrt(finite.length))));
    const counts = new Array(n).fill(0);
    for (const v of finite) counts[Math.min(n - 1, Math.max(0, Math.floor(scale.share(v) * n)))]++;
    const most = Math.max(...counts);
    const say = (v) => Values.full(column, v);
    svg.setAttribute("aria-label", `Distribution of ${column.label} over ${finite.length} sounds: from ${say(sorted[0])} to ${say(sorted[sorted.length - 1])}, median ${say(sorted[sorted.length >> 1])}.`);
    counts.forEach((count, i) => {
      const low = scale.value(i / n), high = i === n - 1 ? Infinity : scale.value((i + 1) / n);
      const tall = count ? Math.max(2, (HEIGHT * count) / most) : 0;
      const left = parseFloat(at(scale, low)), right = parseFloat(at(scale, scale.value((i + 1) / n)));
      const words = `${count} ${count === 1 ? "sound" : "sounds"} from ${say(low)} to ${say(scale.value((i + 1) / n))}`;
      const here = picked && picked.low === low;
      draw(svg, "rect", { class: `bin${here ? " picked" : picked ? " faded" : ""}`, x: `${left + 0.12}%`, width: `${right - left - 0.24}%`, y: HEAD + HEIGHT - tall, height: tall });
      if (!count) return;
      const field = draw(svg, "rect", { class: "field", x: `${left}%`, width: `${right - left}%`, y: HEAD, height: HEIGHT });
      draw(field, "title", {}, words);
      field.addEventListener("click", () => onpick(here ? null : { low, high, words: `${column.label}: ${say(low)} to ${say(scale.value((i + 1) / n))}` }));
    });
    draw(svg, "line", { class: "axis", x1: "2%", x2: "98%", y1: HEAD + HEIGHT, y2: HEAD + HEIGHT });
    for (const v of scale.marks(Math.max(3, root.clientWidth / 110))) draw(svg, "text", { x: at(scale, v), y: HEAD + HEIGHT + 15, "text-anchor": "middle" }, tick(column, v));
    for (const [v, name] of marks) {
      if (v === null || v === undefined || scale.share(v) < 0 || scale.share(v) > 1) continue;
      draw(svg, "line", { class: `mark ${name}`, x1: at(scale, v), x2: at(scale, v), y1: 2, y2: HEAD + HEIGHT });
    }
  }
  return { show };
})();
