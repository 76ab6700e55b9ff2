// How close the match is, in numbers with their words.
import { html } from "../lib.js";
import { bytes, seconds } from "../format.js";

const ENDS = { interrupted: "stopped by you, the best so far kept" };
const KNOWN = {
  mrstft: ["Multi-resolution STFT loss", "how far the spectra are apart; 0 is identical", (v) => v.toPrecision(3)],
  mel_db: ["Mel difference", "weighs like the ear; below 1 dB is hard to hear", (v) => `${v.toPrecision(2)} dB`],
  mel_steady_db: ["Steady mel difference", "the same over 100 ms, fair to noise", (v) => `${v.toPrecision(2)} dB`],
  loudness_l1_db: ["Loudness error", "mean over time", (v) => `${v.toPrecision(2)} dB`],
  f0_cents: ["Pitch difference", "of the two, re-tracked", (v) => `${v.toPrecision(2)} cents`],
  harmonic_share: ["Harmonic share", "of the energy; the rest is the noise stem’s", (v) => `${+(100 * v).toFixed(v > 0.95 ? 2 : 0)} %`],
  numbers_per_second: ["Numbers a second", "that the patch holds", (v) => Math.round(v).toLocaleString("en")],
  kbit_per_second: ["Size of the patch", "a second of sound", (v) => `${v.toPrecision(3)} kbit`],
  mos: ["Zimtohrli", "predicted opinion of a listener, 1 to 5", (v) => v.toFixed(2)],
};

export function Figures({ facts, id, edited }) {
  const metrics = facts.metrics || {};
  const shown = Object.entries(KNOWN).filter(([name]) => Number.isFinite(metrics[name]));
  const rest = Object.entries(metrics).filter(([name, value]) => !KNOWN[name] && typeof value === "number" && Number.isFinite(value));
  const spent = Object.values(facts.fit_seconds || {}).filter(Number.isFinite);
  const total = facts.fit_seconds?.total ?? spent.reduce((sum, value) => sum + value, 0);
  return html`<div class="card-head"><h2>How close ${edited ? "the match is, before your edits" : "it is"}</h2><a class="small" href=${`/api/runs/${id}/report.html`} target="_blank" rel="noopener">Full report</a></div>
    <table><tbody>${shown.map(([name, value]) => html`<tr key=${name}><th scope="row">${KNOWN[name][0]}<br /><span class="small quiet">${KNOWN[name][1]}</span></th>
      <td class="number">${KNOWN[name][2](metrics[name])}</td></tr>`)}</tbody></table>
    ${facts.notes?.length > 0 && html`<ul class="points">${facts.notes.map((text) => html`<li>${text}</li>`)}</ul>`}
    <p class="small quiet">${facts.steps ? `${facts.steps} steps` : ""}${total ? ` in ${seconds(total)}` : ""}${facts.stop_reason ? `; ended: ${ENDS[facts.stop_reason] || facts.stop_reason}` : ""}${facts.patch?.n_bytes ? ` · patch of ${bytes(facts.patch.n_bytes)}` : ""}</p>
    ${rest.length > 0 && html`<details class="small"><summary>All figures</summary><table><tbody>${rest.map(([name, value]) => html`<tr key=${name}><th scope="row"><code>${name}</code></th>
      <td class="number">${+value.toPrecision(4)}</td></tr>`)}</tbody></table></details>`}`;
}
