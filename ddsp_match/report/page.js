// Puts the page's numbers into plots and its sounds into the player.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { Axis, Plot } = Plots;
  const { $, hertz, hertzWords, minus, complain, bar, nearest } = Common;
  const { axis: time, clock } = Common.timeAxis(data.duration_s);

  const player = new Player(data.players, data.duration_s);
  window.ddspMatchPlayer = player; // for the curious, and for tests
  const plots = [];

  const readSpectrum = Common.spectrumReader(clock);
  const add = Common.adder(Plot, player, time, plots);

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
  const spectrumView = (name) => ({
    ...Common.spectrumView(spectrum),
    lines: name === "difference" ? [] : harmonicLines(), // lines would hide what the harmonics miss
  });
  const spectra = [["target", spectrum.scale], ["match", spectrum.scale], ["difference", spectrum.difference_scale]].map(([name, scale]) =>
    add(`spectrum-${name}`, {
      x: time, height: name === "difference" ? 160 : 230, bar: bar(scale), ...spectrumView(name),
      read: readSpectrum,
    }));
  for (const id of ["overlay", "linear"]) $(id).addEventListener("change", () => spectra.forEach((plot) => plot.set(spectrumView(plot.figure.dataset.plot.slice("spectrum-".length)))));

  // ---- pitch --------------------------------------------------------------------------------------------------
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
      const state = !features.voiced[i] ? ", no pitch" : features.doubt[i] ? ", in doubt" : "";
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
  const both = levels.harmonic_db.concat(levels.noise_db);
  const loudest = both.reduce((a, b) => Math.max(a, b));
  const quietest = both.reduce((a, b) => Math.min(a, b));
  const levelHigh = 10 * Math.ceil((loudest + 1) / 10), levelLow = Math.max(levelHigh - 90, 10 * Math.floor((quietest - 1) / 10));
  const levelPlot = add("levels", {
    x: time, y: new Axis({ low: levelLow, high: levelHigh, label: "dB", format: (v) => minus(v, 0) }), height: 150,
    lines: [
      { x: levels.time_s, y: levels.noise_db, kind: "curve noise" },
      { x: levels.time_s, y: levels.harmonic_db, kind: "curve harmonic" },
    ],
    read: (x) => { const i = nearest(levels.time_s, x); return `${clock(x)}, harmonic stem ${minus(levels.harmonic_db[i])} dB, noise stem ${minus(levels.noise_db[i])} dB`; },
  });
  const timbre = data.timbre && Timbre.show(data, player, levelPlot, add, clock);
  if (noise) {
    const half = noise.high_hz / Math.max(1, noise.count - 1) / 2;
    add("noise", {
      x: time, y: new Axis({ low: 0, high: noise.high_hz, label: "Hz", format: hertz }), height: 180,
      image: { x0: noise.first_s, x1: noise.last_s, y0: -half, y1: noise.high_hz + half }, grain: true, bar: bar(noise.scale),
      read: readSpectrum,
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

  // ---- numbers: those of the first guess, and at the end the match's own -------------------------------------------
  if (data.sizes) {
    const { per_second, steady_db } = data.sizes, most = Math.max(...steady_db), own = per_second.length - 1;
    add("sizes", {
      x: new Axis({ low: Math.min(...per_second) / 1.2, high: Math.max(...per_second) * 1.2, log: true, label: "a second" }),
      y: new Axis({ low: 0, high: 1.1 * most, label: "dB" }), height: 150,
      lines: [{ x: per_second.slice(0, -1), y: steady_db.slice(0, -1), kind: "curve best" }, { x: [per_second[own]], y: [steady_db[own]], kind: "curve best" }],
      read: (x) => { const i = nearest(per_second.slice(0, -1), x); return `${Math.round(per_second[i]).toLocaleString("en")} numbers a second: ${steady_db[i].toFixed(2)} dB before the descent`; },
    });
  }

  Common.attach(player, data, plots, clock);
  if (timbre) {
    const { onchange } = player;
    player.onchange = () => { if (player.playing) timbre.release(); onchange(); };
  }
})();
