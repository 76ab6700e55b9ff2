// Everything that can be taken along: the patch, sounds, and the formats of other instruments.
import { html, useState } from "../lib.js";
import { useStore, complain, say } from "../store.js";
import { request, query } from "../api.js";
import { Icon, Segments, Switch, useName } from "./parts.js";
import { bytes } from "../format.js";

const TITLES = { sfz: "SFZ instrument", wavetable: "Wavetable (WAV)", wt: "Wavetable (Surge XT)", midi: "MIDI file", csv: "Tables (CSV)", json: "Numbers (JSON)", html: "Page that plays", ir: "Room (impulse response)" };
const label = (name) => { const text = name.replaceAll("_", " ").replace(/ (db|s|hz)$/, ""); return text[0].toUpperCase() + text.slice(1); };

function Option({ parameter, value, onChange }) {
  const id = useName("option");
  const { name, kind, unit, choices, low, high, step } = parameter, words = label(parameter.meaning || name);
  if (kind === "switch") return html`<${Switch} label=${words} checked=${Boolean(value)} onChange=${onChange} />`;
  if (kind === "choice") return html`<div class="choice"><span class="label">${words}</span><${Segments} label=${words} value=${value} onChange=${onChange} options=${choices.map((one) => ({ value: one, label: String(one) }))} /></div>`;
  return html`<div class="knob"><label for=${id}>${words}</label><span class="value"><input id=${id} type=${kind === "number" ? "number" : "text"} min=${low} max=${high} step=${step || "any"} value=${value ?? ""}
    placeholder="auto" onChange=${(e) => onChange(e.target.value === "" ? null : e.target.value)} /> ${unit}</span></div>`;
}

function Export({ id, kind, edit, room, missing }) {
  const options = kind.options.filter((one) => room || one.name !== "dry");
  const [values, setValues] = useState(() => Object.fromEntries(kind.options.map((one) => [one.name, one.default])));
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState("");
  const fetchIt = async () => {
    setBusy(true);
    setDone("");
    say(`Making ${TITLES[kind.name] || kind.name}`);
    try {
      const changed = Object.fromEntries(kind.options.filter((one) => values[one.name] !== one.default).map((one) => [one.name, values[one.name]]));
      const answer = await request(`/api/runs/${id}/export/${kind.name}${query({ edit, ...changed })}`);
      const blob = await answer.blob();
      const disposition = answer.headers.get("Content-Disposition") || "";
      const [, coded] = disposition.match(/filename\*=UTF-8''([^;]+)/i) || [];
      const [, quoted] = disposition.match(/filename="?([^";]+)"?/i) || [];
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: coded ? decodeURIComponent(coded) : quoted || `match${kind.suffix}` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
      setDone(`${link.download}, ${bytes(blob.size)}`);
      say(`${link.download} is ready.`);
    } catch (error) { complain(error); }
    setBusy(false);
  };
  return html`<section class="export" aria-label=${TITLES[kind.name] || kind.name}>
    <header><h3>${TITLES[kind.name] || label(kind.name)}</h3><button type="button" disabled=${busy || Boolean(missing)} onClick=${fetchIt}><${Icon} name="download" />${busy ? "Making it …" : kind.suffix}</button></header>
    <p class="small quiet">${missing || kind.words}</p>
    ${options.length > 0 && html`<details class="small"><summary>Options</summary><div class="options">${options.map((one) => html`<${Option} key=${one.name} parameter=${one} value=${values[one.name]}
      onChange=${(value) => setValues({ ...values, [one.name]: value })} />`)}</div></details>`}
    <p class="small made" role="status">${done && html`✓ ${done}`}</p></section>`;
}

export function Downloads({ id, facts, edits }) {
  const kinds = useStore((s) => s.exports);
  const outputs = useStore((s) => s.outputs);
  const { edit } = edits.query;
  const sound = (name) => `/api/runs/${id}/${name}.wav${query({ edit: name === "target" ? null : edit, download: 1 })}`;
  const sounds = [["match", edit ? "Edited match" : "Match"], ["harmonic", "Harmonic stem"], ["noise", "Noise stem"], ...(facts.has_effects ? [["dry", "Dry"]] : []), ["target", "Target"]];
  return html`${edits.active && html`<p class="banner small">${edit ? html`These are made of the <b>edited</b> sound. Reset the edits to take the match itself.` : "The edited sound is not ready yet: these are made of the match."}</p>`}
    <section class="card"><h2>Sounds and patch</h2><div class="links">
      <a class="button" href=${`/api/runs/${id}/patch${query({ edit })}`} download><${Icon} name="download" />Patch <span class="quiet small">${facts.patch?.n_bytes ? bytes(facts.patch.n_bytes) : ""}</span></a>
      ${sounds.map(([name, text]) => html`<a class="button" key=${name} href=${sound(name)} download><${Icon} name="download" />${text} <span class="quiet small">WAV</span></a>`)}
      <a class="button" href=${`/api/runs/${id}/report.html`} target="_blank" rel="noopener"><${Icon} name="open" />Report</a></div>
      <p class="small quiet">The patch is what the command line works with.${!edit && html` Everything is also in <code>${outputs}/${facts.folder || ""}</code>.`}</p>
      ${!edit && html`<dl class="commands small">${facts.next_steps.map((step) => html`<div key=${step.command}><dt>${step.words}</dt><dd><code>${step.command}</code> <button type="button" class="small" aria-label=${`Copy: ${step.words}`} onClick=${() => navigator.clipboard.writeText(step.command).then(() => say("Copied"), complain)}>Copy</button></dd></div>`)}</dl>`}</section>
    <section class="card"><h2>For other instruments and programs</h2><div class="exports">${kinds.filter((kind) => kind.name !== "ir" || facts.has_effects).map((kind) => html`<${Export} key=${kind.name} id=${id} kind=${kind} edit=${edit} room=${facts.has_effects} missing=${kind.needs_pitch && !facts.follows_pitch && (facts.pitch_hz == null ? "this sound has no pitch" : "the partials of this match lie on a steady grid, not at its pitch")} />`)}</div></section>`;
}
