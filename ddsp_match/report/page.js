// Puts the page's numbers into plots and its sounds into the player.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { Axis, Plot } = Plots;
  const $ = (id) => document.getElementById(id);
  const hertz = (v) => (v >= 1000 ? `${+(v / 1000).toFixed(2)}k` : String(+v.toPrecision(4)));
  const hertzWords = (v) => (v >= 1000 ? `${+(v / 1000).toFixed(2)} kHz` : `${+v.toPrecision(4)} Hz`);
  const minus = (v, digits = 1) => v.toFixed(digits).replace("-", "−");
  const clock = (v) => (data.duration_s < 60 ? `${v.toFixed(2)} s` : `${Math.floor(v / 60)}:${(v % 60).toFixed(1).padStart(4, "0")}`);
  const timeTick = (v) => (data.duration_s < 60 ? String(v) : `${Math.floor(v / 60)}:${String(Math.round(v % 60)).padStart(2, "0")}`);

  const player = new Player(data.players, data.duration_s);
  window.ddspMatchPlayer = player; // for the curious, and for tests
  const plots = [];

  // Time axes of a minute or more are marked at times a clock would show.
  function timeTicks() {
    if (data.duration_s < 60) return null;
    const step = [10, 20, 30, 60, 120, 300, 600].find((s) => data.duration_s / s <= 8) || 1200;
    return Array.from({ length: Math.floor(data.duration_s / step) + 1 }, (_, k) => k * step);
  }
  const time = new Axis({ low: 0, high: data.duration_s, label: data.duration_s < 60 ? "s" : "", format: timeTick, ticks: timeTicks() });

  function add(name, options) {
    const figure = document.querySelector(`figure[data-plot="${name}"]`);
    if (!figure) return null;
    const seek = options.x === time ? (seconds) => player.seek(seconds).catch(complain) : null;
    const plot = new Plot(figure, { ...options, seek });
    plots.push(plot);
    return plot;
  }

  function complain(error) {
    $("trouble").textContent = `The sound could not be played: ${error.message || error}`;
    $("trouble").hidden = false;
  }

  function bar(scale) {
    const palette = new Map(scale.colours.map((colour, i) => [parseInt(colour, 16), i]));
    const stops = scale.colours.filter((_, i) => i % 17 === 0).map((colour) => `#${colour}`);
    return { low: scale.low_db, high: scale.high_db, stops, palette };
  }

  // ---- spectrograms -------------------------------------------------------------------------------------------
  const { features, spectrum } = data;
  function harmonicLines() {
    if (!$("overlay").checked || !data.pitched) return [];
    const lines = [];
    for (let k = 1; k <= 8; k++) {
      const kind = k === 1 ? "over f0" : "over";
      const y = features.f0_hz.map((f) => (k * f < spectrum.high_hz ? k * f : null));
      lines.push({ x: features.time_s, y: y.map((v, i) => (features.voiced[i] ? v : null)), kind });
      if (k === 1) lines.push({ x: features.time_s, y: y.map((v, i) => (features.voiced[i] ? null : v)), kind: "over dim" });
    }
    return lines;
  }
  function spectrumView(name) {
    const linear = $("linear").checked;
    const low = linear ? 0 : spectrum.low_hz;
    return {
      y: new Axis({ low, high: spectrum.high_hz, log: !linear, label: "Hz", format: hertz }),
      image: { x0: spectrum.first_s, x1: spectrum.last_s, y0: low, y1: spectrum.high_hz, shown: linear ? "linear" : "log" },
      lines: name === "difference" ? [] : harmonicLines(), // lines would hide what the harmonics miss
    };
  }
  const spectra = [["target", spectrum.scale], ["match", spectrum.scale], ["difference", spectrum.difference_scale]].map(([name, scale]) =>
    add(`spectrum-${name}`, {
      x: time, height: name === "difference" ? 160 : 230, bar: bar(scale), ...spectrumView(name),
      read: (x, y, db) => `${clock(x)}, ${hertzWords(y)}${db === null ? "" : `, ${minus(db, 0)} dB`}`,
    }));
  for (const id of ["overlay", "linear"]) $(id).addEventListener("change", () => spectra.forEach((plot) => plot.set(spectrumView(plot.figure.dataset.plot.slice("spectrum-".length)))));

  // ---- pitch --------------------------------------------------------------------------------------------------
  const nearest = (times, x) => {
    let low = 0, high = times.length - 1;
    while (high - low > 1) { const middle = (low + high) >> 1; if (times[middle] <= x) low = middle; else high = middle; }
    return Math.abs(times[high] - x) < Math.abs(times[low] - x) ? high : low;
  };
  const NAMES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
  const midiOf = (hz) => 69 + 12 * Math.log2(hz / 440);
  const hzOf = (midi) => 440 * 2 ** ((midi - 69) / 12);
  const noteName = (midi) => NAMES[((midi % 12) + 12) % 12] + (Math.floor(midi / 12) - 1);
  function notes(low, high) {
    const [first, last] = [Math.ceil(midiOf(low)), Math.floor(midiOf(high))];
    const step = [1, 2, 3, 6, 12, 24].find((s) => (last - first) / s <= 7) || 24;
    const marks = [];
    for (let midi = first; midi <= last; midi++) if (midi % step === 0) marks.push([hzOf(midi), noteName(midi)]);
    return marks;
  }
  const dt = features.time_s.length > 1 ? features.time_s[1] - features.time_s[0] : 0.01;
  const doubts = [];
  features.doubt.forEach((on, i) => {
    if (!on) return;
    const [a, b] = [features.time_s[i] - dt / 2, features.time_s[i] + dt / 2];
    const last = doubts[doubts.length - 1];
    if (last && a - last[1] < dt / 2) last[1] = b; else doubts.push([a, b]);
  });
  const voicedHz = features.f0_hz.filter((_, i) => features.voiced[i]);
  const range = voicedHz.length ? voicedHz : features.f0_hz;
  const f0Low = range.reduce((a, b) => Math.min(a, b)) / 2 ** (2 / 12), f0High = range.reduce((a, b) => Math.max(a, b)) * 2 ** (2 / 12);
  add("f0", {
    x: time, y: new Axis({ low: f0Low, high: f0High, log: true, label: "Hz", format: hertz }), height: 170, bands: doubts, notes: notes(f0Low, f0High),
    lines: [
      { x: features.time_s, y: features.f0_hz.map((f, i) => (features.voiced[i] ? null : f)), kind: "curve f0-off" },
      { x: features.time_s, y: features.f0_hz.map((f, i) => (features.voiced[i] ? f : null)), kind: "curve f0" },
    ],
    read: (x) => {
      const i = nearest(features.time_s, x);
      const midi = Math.round(midiOf(features.f0_hz[i])), cents = Math.round(100 * (midiOf(features.f0_hz[i]) - midi));
      const state = !features.voiced[i] ? ", no pitch heard" : features.doubt[i] ? ", in doubt" : "";
      return `${clock(x)}, ${features.f0_hz[i].toFixed(1)} Hz, ${noteName(midi)} ${cents < 0 ? "−" : "+"}${Math.abs(cents)} cents${state}`;
    },
  });
  add("periodicity", {
    x: time, y: new Axis({ low: 0, high: 1, label: "", ticks: [0, 0.5, 1] }), height: 70, bands: doubts,
    areas: [{ x: features.time_s, y: features.periodicity, kind: "periodicity" }],
    lines: [{ x: features.time_s, y: features.periodicity, kind: "curve periodicity" }],
    read: (x) => `${clock(x)}, ${features.periodicity[nearest(features.time_s, x)].toFixed(2)}`,
  });

  // ---- controls -----------------------------------------------------------------------------------------------
  const { harmonics, noise, levels } = data;
  if (harmonics) {
    const [low, top] = [0.5, harmonics.count + 0.5].map((partial) => partial / harmonics.divisions);
    add("harmonics", {
      x: time, y: new Axis({ low, high: top, label: "harmonic", ticks: harmonics.ticks }), height: Math.min(260, Math.max(120, harmonics.count * 6)),
      image: { x0: harmonics.first_s, x1: harmonics.last_s, y0: low, y1: top }, grain: true, bar: bar(harmonics.scale),
      read: (x, y, db) => `${clock(x)}, harmonic ${Math.round(y * harmonics.divisions) / harmonics.divisions}${db === null ? "" : `, ${minus(db, 0)} dB`}`,
    });
  }
  const both = levels.amplitude_db.concat(levels.noise_db);
  const loudest = both.reduce((a, b) => Math.max(a, b));
  const quietest = both.reduce((a, b) => Math.min(a, b));
  const levelHigh = 10 * Math.ceil((loudest + 1) / 10), levelLow = Math.max(levelHigh - 90, 10 * Math.floor((quietest - 1) / 10));
  add("levels", {
    x: time, y: new Axis({ low: levelLow, high: levelHigh, label: "dB", format: (v) => minus(v, 0) }), height: 150,
    lines: [
      { x: levels.time_s, y: levels.noise_db, kind: "curve noise" },
      { x: levels.time_s, y: levels.amplitude_db, kind: "curve harmonic" },
    ],
    read: (x) => { const i = nearest(levels.time_s, x); return `${clock(x)}, amplitude ${minus(levels.amplitude_db[i])} dB, noise ${minus(levels.noise_db[i])} dB`; },
  });
  if (noise) {
    const half = noise.high_hz / Math.max(1, noise.count - 1) / 2;
    add("noise", {
      x: time, y: new Axis({ low: 0, high: noise.high_hz, label: "Hz", format: hertz }), height: 180,
      image: { x0: noise.first_s, x1: noise.last_s, y0: -half, y1: noise.high_hz + half }, grain: true, bar: bar(noise.scale),
      read: (x, y, db) => `${clock(x)}, ${hertzWords(y)}${db === null ? "" : `, ${minus(db, 0)} dB`}`,
    });
  }

  // ---- loss ---------------------------------------------------------------------------------------------------
  const { loss } = data;
  if (loss.step.length) {
    const values = loss.loss.concat(loss.best);
    const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
    const x = loss.step.map((step) => step + 1 - loss.step[0]); // a logarithmic axis has no zero
    const end = Math.max(2, x[x.length - 1]);
    add("loss", {
      x: new Axis({ low: 1, high: end, log: true, label: "step" }),
      y: new Axis({ low: low / 1.08, high: high * 1.08, log: true, label: "loss", format: (v) => String(+v.toPrecision(3)) }), height: 190,
      lines: [{ x, y: loss.loss, kind: "curve loss" }, { x, y: loss.best, kind: "curve best" }],
      read: (at) => { const i = nearest(x, at); return `step ${loss.step[i]}: loss ${loss.loss[i].toPrecision(4)}, best ${loss.best[i].toPrecision(4)}`; },
    });
  }

  // ---- player -------------------------------------------------------------------------------------------------
  const buttons = [...document.querySelectorAll("[data-source]")];
  function gainWords() {
    const chosen = data.players.find((one) => one.name === player.current);
    if (!player.levelled) return `${chosen.label} plays at its own level.`;
    if (chosen.silent) return `${chosen.label} is silent.`;
    const db = chosen.gain_db - data.players[0].gain_db;
    if (chosen.name === "target") return "All sounds are played as loud as the target.";
    return `${chosen.label} is played ${Math.abs(db) < 0.05 ? "at its own level" : `${minus(Math.abs(db))} dB ${db > 0 ? "louder" : "softer"} than it is`}${chosen.limited ? ", and still softer than the target" : ", as loud as the target"}.`;
  }
  let seeking = false;
  function show() {
    const at = player.position();
    if (!seeking) $("seek").value = Math.round((1000 * at) / data.duration_s);
    $("seek").setAttribute("aria-valuetext", `${at.toFixed(2)} seconds`);
    $("clock").textContent = `${clock(at)} / ${clock(data.duration_s)}`;
    for (const plot of plots) if (plot.head) plot.moveHead(at);
  }
  let ticking = false;
  function tick() { show(); ticking = player.playing; if (ticking) requestAnimationFrame(tick); }
  player.onchange = () => {
    $("play").textContent = player.playing ? "Pause" : "Play";
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.source === player.current));
    $("gain-words").textContent = gainWords();
    if (ticking) show(); else tick();
  };
  const toggle = () => { if (player.playing) player.pause(); else player.play().catch(complain); };
  const loop = (on) => { $("loop").checked = on; player.setLoop(on).catch(complain); };
  const level = (on) => { $("levelled").checked = on; player.setLevelled(on); };
  buttons.forEach((button) => button.addEventListener("click", () => player.choose(button.dataset.source)));
  // After a click with the mouse the space bar should play, not press the same button again.
  document.querySelector("main").addEventListener("click", (event) => { if (event.detail > 0 && event.target.matches("button, input[type=checkbox]")) event.target.blur(); });
  $("play").addEventListener("click", toggle);
  $("loop").addEventListener("change", (event) => loop(event.target.checked));
  $("levelled").addEventListener("change", (event) => level(event.target.checked));
  $("seek").addEventListener("input", (event) => { seeking = true; $("clock").textContent = clock((event.target.value / 1000) * data.duration_s); });
  $("seek").addEventListener("change", (event) => { seeking = false; player.seek((event.target.value / 1000) * data.duration_s).catch(complain); });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const inside = event.target.closest("button, summary, a, input[type=checkbox], pre");
    const number = Number(event.key);
    if (number >= 1 && number <= buttons.length) player.choose(buttons[number - 1].dataset.source);
    else if (event.key === " " && !inside) toggle();
    else if (event.key.toLowerCase() === "l") loop(!player.loop);
    else if (event.key.toLowerCase() === "e") level(!player.levelled);
    else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && !inside) player.seek(player.position() + (event.key === "ArrowLeft" ? -1 : 1) * Math.max(0.1, data.duration_s / 40)).catch(complain);
    else return;
    event.preventDefault();
  });
  $("copy").addEventListener("click", async () => {
    const text = $("command").textContent;
    try { await navigator.clipboard.writeText(text); } catch {
      const selection = getSelection(); // pages from disk may not reach the clipboard: select it and copy
      selection.selectAllChildren($("command"));
      document.execCommand("copy");
    }
    $("copy").textContent = "Copied";
    setTimeout(() => { $("copy").textContent = "Copy"; }, 1500);
  });
  new ResizeObserver(() => plots.forEach((plot) => plot.render())).observe(document.querySelector("main"));
  player.onchange();
})();
