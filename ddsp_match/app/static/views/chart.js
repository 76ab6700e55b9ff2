// Curves, drawn as in the reports.
import { html, useEffect, useRef } from "../lib.js";

/* global Plots */
// series: [{label, tone, kind, values, axis}] over x; kind is a class of report/plots.css, axis the one that is not y.
function Chart({ x, xLabel, y, right, series, label, words, height = 180, read }) {
  const figure = useRef(), plot = useRef(null);
  const options = {
    x: new Plots.Axis({ low: x[0], high: x.at(-1), label: xLabel }), y, right, height, read,
    lines: series.map((one) => ({ x, y: one.values, kind: `curve ${one.kind}`, axis: one.axis })),
  };
  useEffect(() => {
    const made = plot.current = new Plots.Plot(figure.current, options);
    let width = made.stage.clientWidth;
    const watch = new ResizeObserver(() => { if (made.stage.clientWidth !== width) { width = made.stage.clientWidth; made.render(); } });
    watch.observe(made.stage);
    return () => { watch.disconnect(); made.svg.remove(); };
  }, []);
  useEffect(() => plot.current.set(options), [x, series.at(-1).values]);
  return html`<figure class="figure" ref=${figure}><figcaption>${label}<span class="legend">${series.map((one) => html`<span style=${{ "--tone": `var(--${one.tone})` }}><i></i>${one.label}</span>`)}</span></figcaption>
    <div class="stage" role="img" aria-label=${words}></div><p class="readout"></p></figure>`;
}

const nearest = (values, at) => values.reduce((best, v, i) => (Math.abs(v - at) < Math.abs(values[best] - at) ? i : best), 0);

export function Loss({ losses }) {
  const steps = losses.map((one) => one[0]), each = losses.map((one) => one[1]), best = losses.map((one) => one[2] ?? one[1]);
  const known = [...each, ...best].filter((v) => v > 0);
  const joined = losses.some((one, i) => i && one[2] > 1.0001 * losses[i - 1][2]);
  return html`<${Chart} label="Loss: how far the match is from the target" xLabel="step" x=${steps}
    y=${new Plots.Axis({ low: Math.min(...known) / 1.08, high: Math.max(...known) * 1.08, log: true, format: (v) => String(+v.toPrecision(3)) })}
    words=${losses.length ? `Loss after ${steps.at(-1)} steps: best ${best.at(-1).toPrecision(3)}` : "No steps yet"}
    read=${(at) => { const i = nearest(steps, at); return `step ${steps[i]}: loss ${each[i].toPrecision(3)}, best ${best[i].toPrecision(3)}`; }}
    series=${[{ label: "each step", tone: "off", kind: "loss", values: each }, { label: "best so far", tone: "accent", kind: "best", values: best }]} />
    ${joined && html`<p class="small quiet">Matched in several turns: the loss rises where the next piece of the sound, or the sound without its room, joins in.</p>`}`;
}

export function PitchAndLoudness({ curve }) {
  const [low, high] = hzRange(curve), [quiet, loud] = dbRange(curve);
  const right = new Plots.Axis({ low: quiet, high: loud, label: "dB", format: (v) => String(v).replace("-", "−") });
  const read = (at) => {
    const i = nearest(curve.times_s, at), hz = curve.f0_hz[i];
    return `${curve.times_s[i].toFixed(2)} s, ${hz ? `${hz.toFixed(1)} Hz` : "no pitch"}, ${curve.loudness_db[i].toFixed(1).replace("-", "−")} dB`;
  };
  return html`<${Chart} label="Pitch and loudness" words="Pitch and loudness over time" xLabel="s" x=${curve.times_s} right=${right} read=${read}
    y=${new Plots.Axis({ low, high, log: high > 4 * low, label: "Hz", format: (v) => String(+v.toPrecision(4)) })}
    series=${[{ label: "loudness", tone: "off", kind: "loudness", values: curve.loudness_db, axis: right }, { label: "pitch (f0)", tone: "target", kind: "f0", values: curve.f0_hz }]} />`;
}

// At least 24 dB, so that a steady loudness looks steady.
function dbRange(curve) {
  const high = Math.max(...curve.loudness_db), low = Math.max(high - 90, Math.min(...curve.loudness_db)), spare = Math.max(3, (24 - (high - low)) / 2);
  return [low - spare, high + spare];
}

// At least a fifth, so that a steady note looks steady.
function hzRange(curve) {
  const known = curve.f0_hz.filter((hz) => hz);
  if (!known.length) return [50, 2000];
  const low = Math.min(...known), high = Math.max(...known), middle = Math.sqrt(low * high);
  return [Math.min(low * 0.97, middle / 1.25), Math.max(high * 1.03, middle * 1.25)];
}
