// Puts an effect's numbers into plots and its sounds into the player.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { Axis, Plot } = Plots;
  const { $, hertz, hertzWords, minus, complain, bar, nearest } = Common;
  const { axis: time, clock } = Common.timeAxis(data.duration_s);
  const player = new Player(data.players, data.duration_s);
  window.ddspMatchPlayer = player; // for the curious, and for tests
  const plots = [];

  // Beside what any plot draws: bands of a kind, a ribbon between two curves, names inside the plot.
  class EffectPlot extends Plot {
    // Names stand to the right of the lines' ends: where there is room for them, the axis goes on beyond.
    render() {
      const { names, x } = this.options;
      if (names) {
        this.end = this.end || x.high;
        const width = this.stage.clientWidth - 120; // of the plot, its margins taken off
        const share = (7 * Math.max(...names.map(({ text }) => text.length)) - 20) / width;
        this.roomy = width > 440 && share < 0.45;
        x.high = this.roomy ? this.end ** (1 / (1 - Math.max(0.03, share))) : this.end;
        x.ticks = null;
        x.ticks = x.marks(this.stage.clientWidth / 110).filter((v) => Number.isInteger(v) && v <= this.end);
      }
      super.render();
    }

    content() {
      const box = { y: 6, height: this.height };
      const inside = this.node("g", { "clip-path": `url(#${this.id})` });
      for (const { from, to, kind } of this.options.stripes || []) this.node("rect", { class: kind, x: this.px(from), width: Math.max(0, this.px(to) - this.px(from)), ...box }, inside);
      if (this.options.ribbon) this.ribbon(this.options.ribbon, inside);
      super.content();
      if (this.options.names && this.roomy) this.names(this.options.names);
    }

    node(tag, attributes, parent = this.svg) {
      const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      parent.appendChild(made);
      return made;
    }

    ribbon({ x, low, high }, parent) {
      for (let i = 0; i < x.length; i++) {
        const first = i;
        while (i < x.length && low[i] !== null) i++;
        if (i - first < 2) continue;
        const points = [];
        for (let k = first; k < i; k++) points.push(`${this.px(x[k]).toFixed(1)} ${this.py(high[k]).toFixed(1)}`);
        for (let k = i - 1; k >= first; k--) points.push(`${this.px(x[k]).toFixed(1)} ${this.py(low[k]).toFixed(1)}`);
        this.node("path", { class: "ribbon", d: `M${points.join("L")}Z` }, parent);
      }
    }

    // Names at the ends of lines, pushed apart so that none covers another.
    names(list) {
      const spots = list.map(({ y, text, kind }) => ({ from: this.py(y), at: this.py(y) + 4, text, kind })).sort((a, b) => a.at - b.at);
      const [top, bottom] = [16, 6 + this.height - 4];
      const end = this.px(this.end);
      for (let i = 0; i < spots.length; i++) spots[i].at = Math.max(spots[i].at, i ? spots[i - 1].at + 15 : top);
      for (let i = spots.length - 1; i >= 0; i--) spots[i].at = Math.min(spots[i].at, i < spots.length - 1 ? spots[i + 1].at - 15 : bottom);
      for (const { from, at, text, kind } of spots) {
        this.node("path", { class: `leader ${kind}`, d: `M${end + 2} ${from}L${end + 14} ${at - 4}` });
        this.node("text", { class: `name ${kind}`, x: end + 17, y: at }).textContent = text;
      }
    }
  }

  const readSpectrum = Common.spectrumReader(clock);
  const add = Common.adder(EffectPlot, player, time, plots);
  const decibels = (v) => (v === null || v === undefined ? "–" : `${minus(v)} dB`);
  const hide = (name) => { document.querySelector(`figure[data-plot="${name}"]`).hidden = true; };

  // ---- frequency response -------------------------------------------------------------------------------------
  const { response } = data;
  const unsure = [];
  response.hz.forEach((hz, i) => {
    if (response.coherence[i] !== null && response.coherence[i] >= 0.5) return;
    const edge = (k) => (k <= 0 ? response.span_hz[0] : k >= response.hz.length ? response.span_hz[1] : Math.sqrt(response.hz[k - 1] * response.hz[k]));
    const last = unsure[unsure.length - 1];
    if (last && last.end === i) { last.to = edge(i + 1); last.end = i + 1; } else unsure.push({ from: edge(i), to: edge(i + 1), end: i + 1, kind: "unsure" });
  });
  add("response", {
    x: new Axis({ low: response.span_hz[0], high: response.span_hz[1], log: true, label: "Hz", format: hertz }),
    y: new Axis({ low: response.span_db[0], high: response.span_db[1], label: "dB", format: (v) => String(v).replace("-", "−") }),
    height: 280, stripes: unsure, ribbon: { x: response.hz, low: response.low_db, high: response.high_db },
    lines: [{ x: response.hz, y: response.measured_db, kind: "curve measured" }, { x: response.hz, y: response.found_db, kind: "curve found" }],
    read: (x) => { const i = nearest(response.hz, x); return `${hertzWords(response.hz[i])}: measured ${decibels(response.measured_db[i])}, found ${decibels(response.found_db[i])}, coherence ${response.coherence[i] === null ? "–" : response.coherence[i].toFixed(2)}`; },
  });

  // ---- waveshape ----------------------------------------------------------------------------------------------
  const { shape } = data;
  const { measured, found } = shape.curves;
  const number = (v) => String(+v.toPrecision(3)).replace("-", "−");
  for (const name of ["measured", "found"]) {
    const reach = Math.min(shape.x_limit, shape.y_limit);
    add(`shape-${name}`, {
      x: new Axis({ low: -shape.x_limit, high: shape.x_limit, label: "in", format: number }),
      y: new Axis({ low: -shape.y_limit, high: shape.y_limit, label: name === "measured" ? "wet" : "output", format: number }),
      height: 340, bar: bar(shape.scale), image: { x0: -shape.x_limit, x1: shape.x_limit, y0: -shape.y_limit, y1: shape.y_limit },
      lines: [
        { x: [-reach, reach], y: [-reach, reach], kind: "same" },
        ...(name === "found" ? [{ x: found.x, y: found.low, kind: "over-edge" }, { x: found.x, y: found.high, kind: "over-edge" }] : []),
        { x: measured.x, y: measured.middle, kind: "over-measured" }, { x: found.x, y: found.middle, kind: "over-found" },
      ],
      read: (x, y, db) => `in ${number(x)}, out ${number(y)}${db === null ? "" : `, ${minus(db, 0)} dB`}`,
    });
  }

  // ---- gain over time -----------------------------------------------------------------------------------------
  const { gain } = data;
  add("gain", {
    x: time, y: new Axis({ low: gain.span_db[0], high: gain.span_db[1], label: "dB", format: (v) => String(v).replace("-", "−") }), height: 190,
    stripes: [{ from: gain.seen_s[0], to: gain.seen_s[1], kind: "seen" }],
    lines: [{ x: gain.time_s, y: gain.measured_db, kind: "curve measured" }, { x: gain.time_s, y: gain.found_db, kind: "curve found" }],
    read: (x) => { const i = nearest(gain.time_s, x); return `${clock(gain.time_s[i])}: wet ${decibels(gain.measured_db[i])}, output ${decibels(gain.found_db[i])}`; },
  });

  // ---- the search ---------------------------------------------------------------------------------------------
  const { knobs, loss } = data;
  const stepAxis = (steps) => new Axis({ low: 1, high: Math.max(2, steps[steps.length - 1] + 1 - steps[0]), log: true, label: "step" });
  const places = (steps) => steps.map((step) => step + 1 - steps[0]); // a logarithmic axis has no zero
  if (knobs.lines.length && knobs.step.length > 1) {
    const x = places(knobs.step);
    const kind = (i) => (i < knobs.named ? `curve k${i}` : "knob");
    const end = (line) => line.position[line.position.length - 1];
    const named = knobs.lines.slice(0, knobs.named);
    add("knobs", {
      x: stepAxis(knobs.step), y: new Axis({ low: -0.02, high: 1.02, label: "place in range", ticks: [0, 0.25, 0.5, 0.75, 1] }), height: 280,
      lines: knobs.lines.map((line, i) => ({ x, y: line.position, kind: kind(i) })).reverse(), // those that are named lie on top
      names: named.map((line, i) => ({ y: end(line), text: line.name, kind: `k${i}` })),
      read: (at, y) => {
        const i = nearest(x, at);
        const line = knobs.lines.reduce((a, b) => (Math.abs(b.position[i] - y) < Math.abs(a.position[i] - y) ? b : a));
        return `step ${knobs.step[i]}: ${line.name} ${+line.value[i].toPrecision(4)} ${line.unit}`.trim();
      },
    });
    named.forEach((line, i) => {
      const item = document.createElement("span");
      item.innerHTML = `<i class="line-key k${i}"></i>`;
      item.append(Object.assign(document.createElement("code"), { textContent: line.name }));
      $("knob-names").append(item);
    });
    const others = knobs.lines.length - named.length + knobs.left_out;
    if (others) $("knob-names").append(Object.assign(document.createElement("span"), { className: "quiet", textContent: `${others} that moved less in grey${knobs.left_out ? `, ${knobs.left_out} of them left out` : ""}` }));
  } else hide("knobs");
  if (loss.step.length > 1) {
    const values = loss.loss.concat(loss.best);
    const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
    const x = places(loss.step);
    const decades = Math.log10(high / low), every = Math.ceil(decades / 7);
    const powers = Array.from({ length: 41 }, (_, k) => k - 30).filter((k) => k % every === 0).map((k) => +`1e${k}`);
    add("loss", {
      x: stepAxis(loss.step),
      y: new Axis({ low: low / 1.3, high: high * 1.3, log: true, ticks: decades > 3 ? powers.filter((v) => v > low / 1.3 && v < high * 1.3) : null, format: (v) => (v >= 0.001 && v < 1e4 ? String(+v.toPrecision(3)) : v.toExponential(0).replace("e-", "e−").replace("e+", "e")) }), height: 300,
      lines: [{ x, y: loss.loss, kind: "curve loss" }, { x, y: loss.best, kind: "curve best" }],
      read: (at) => { const i = nearest(x, at); return `step ${loss.step[i]}: loss ${loss.loss[i].toPrecision(4)}, best ${loss.best[i].toPrecision(4)}`; },
    });
  } else hide("loss");

  // A looping picture can be stopped, and stands still where the system asks for that.
  const moving = document.querySelector(".approach");
  if (moving) {
    const film = moving.src;
    const set = (on) => { $("moving").checked = on; moving.src = on ? film : moving.dataset.still; };
    $("moving").addEventListener("change", (event) => set(event.target.checked));
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) set(false);
  } else $("moving-switch").hidden = true;

  // ---- spectrograms -------------------------------------------------------------------------------------------
  const { spectrum } = data;
  const spectra = ["target", "match", "difference"].map((name) => add(`spectrum-${name}`, {
    x: time, height: name === "difference" ? 180 : 230, bar: bar(spectrum.scales[name]), ...Common.spectrumView(spectrum),
    read: readSpectrum,
  }));
  $("linear").addEventListener("change", () => spectra.forEach((plot) => plot.set(Common.spectrumView(spectrum))));
  $("lowered").textContent = spectrum.lowered_db > 0 ? `The difference is so faint that its scale ends ${spectrum.lowered_db} dB lower.` : "The difference is on the same scale.";

  Common.attach(player, data, plots, clock);
})();
