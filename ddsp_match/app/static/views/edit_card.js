// One edit with its knobs, built from the server's description of it.
import { html, useState } from "../lib.js";
import { Icon, Segments, Switch, useName } from "./parts.js";

export const words = (name) => { const text = name.replaceAll("_", " ").replace(/ (db|s|hz|cents)$/, ""); return text[0].toUpperCase() + text.slice(1); };
export const titleOf = (kind) => kind.label || words(kind.name);

// What a slider spans, by unit; the field beside it takes all that the server allows.
const SPANS = { semitones: [-24, 24], dB: [-24, 24], "dB/octave": [-6, 6], cents: [0, 200], "×": [0.25, 4], Hz: [0.1, 12] };
const LONGER = 4; // times the sound's length

function spanOf(kind, parameter, facts) {
  const { name, unit, low, high } = parameter;
  if (unit === "s") return [low, Math.min(high, ["hold", "freeze"].includes(kind.name) && name === "seconds" ? LONGER * facts.seconds : /delay/.test(name) ? 2 : facts.seconds)];
  if (unit === "Hz" && high > 100) return [Math.max(low, 27.5), Math.min(high, 4186)];
  const [from, to] = SPANS[unit] || [low, high];
  return [Math.max(low, from), Math.min(high, to)];
}

// A value for a knob that has none: the sound's own.
function own(kind, { name, unit }, facts) {
  if (unit === "Hz") return +(facts.pitch_hz || 440).toFixed(1);
  if (/^at_/.test(name)) return +(facts.seconds / 2).toFixed(2);
  return unit === "s" ? +facts.seconds.toFixed(2) : 0;
}

export const resting = (kind, facts) => Object.fromEntries(kind.parameters.map((one) => [one.name, one.default ?? (one.optional || !one.required ? null : own(kind, one, facts))]));

function NumberField({ kind, parameter, value, facts, set, onChange }) {
  const id = useName("edit");
  const { name, unit, low, high, step } = parameter, log = parameter.curve === "log";
  const [from, to] = spanOf(kind, parameter, facts);
  const rest = parameter.default ?? own(kind, parameter, facts);
  const now = value ?? rest;
  const place = (v) => (log ? Math.log2(Math.max(v, low || 1e-6)) : v);
  const settle = (v) => Math.min(Math.max(step >= 0.01 ? +(Math.round(v / step) * step).toFixed(4) : v, low), high);
  const turn = (text) => { const v = settle(log ? 2 ** Number(text) : Number(text)); onChange(parameter.optional && v >= to - 1e-9 && /stop/.test(name) ? null : v); };
  const type = (event) => { const v = Number(event.target.value); if (event.target.value !== "" && Number.isFinite(v)) onChange(settle(v)); else event.target.value = now; };
  const alone = kind.parameters.filter((one) => one.kind === "number").length === 1;
  const label = alone && ["db", "hz", "seconds", "factor", "depth", "db_per_octave", "semitones"].includes(name) ? (unit === "s" ? "Length" : unit === "Hz" ? "Frequency" : { semitones: "By", factor: "Factor", depth: "Depth" }[name] || "Level") : words(name);
  return html`<div class=${`knob${set ? " set" : ""}`} title=${parameter.meaning}>
    <label for=${id}>${kind.name === "brightness" ? "Tilt" : label}</label>
    <span class="value"><input type="number" aria-label=${`${titleOf(kind)}: ${label}${unit ? ` in ${unit}` : ""}, exactly`} min=${low} max=${high} step="any" value=${+now.toFixed(3)} onChange=${type} /> ${unit}</span>
    <input id=${id} type="range" min=${place(from)} max=${place(to)} step=${log ? "any" : step || "any"} value=${place(now)} aria-valuetext=${`${+now.toFixed(3)} ${unit}`}
      onInput=${(e) => turn(e.target.value)} onDblClick=${() => onChange(parameter.default ?? rest)}
      onKeyDown=${(e) => { if (e.key === "Delete" || e.key === "Backspace") { e.preventDefault(); onChange(parameter.default ?? rest); } }} /></div>`;
}

function Field(props) {
  const { parameter, value, onChange, kind } = props;
  const label = words(parameter.name);
  if (parameter.kind === "number") return html`<${NumberField} ...${props} />`;
  if (parameter.kind === "switch") return html`<${Switch} label=${label} checked=${Boolean(value)} onChange=${onChange} title=${parameter.meaning} />`;
  if (parameter.kind === "choice" && parameter.choices.length > 2) return html`<label class="choice-row" title=${parameter.meaning}><span class="label">${label}</span>
    <select value=${value} onChange=${(e) => onChange(e.target.value)}>${parameter.choices.map((one) => html`<option value=${one}>${words(one)}</option>`)}</select></label>`;
  if (parameter.kind === "choice") return html`<div class="choice" title=${parameter.meaning}><span class="label">${label}</span>
    <${Segments} label=${`${titleOf(kind)}: ${label}`} value=${value} options=${parameter.choices.map((one) => ({ value: one, label: words(one) }))} onChange=${onChange} /></div>`;
  return null; // curves are given in files
}

export function EditCard({ kind, edit, place, facts, onChange, onDrop }) {
  const [draft, setDraft] = useState(null); // what its knobs show while it is not applied
  const rest = resting(kind, facts);
  const values = { ...rest, ...(edit ? edit.values : draft) };
  const needsAsking = kind.parameters.some((one) => one.required);
  const turn = (name, value) => {
    const next = { ...values, [name]: value };
    setDraft(next);
    if (!needsAsking && kind.parameters.every((one) => next[one.name] === rest[one.name])) { if (edit) onDrop(`${kind.name}.${name}`); return; }
    // A choice alone changes nothing: it waits for a knob.
    if (!edit && kind.parameters.find((one) => one.name === name).kind === "choice") return;
    onChange(next, `${kind.name}.${name}`);
  };
  return html`<section class=${`edit-card${edit ? " on" : ""}`} aria-label=${titleOf(kind)}>
    <header><h3>${titleOf(kind)}</h3>
      ${edit ? html`<button type="button" class="plain reset" onClick=${() => onDrop()} title="Back to how it was"><span class="place">${place}</span><${Icon} name="close" /><span class="hidden-words">Take back ${titleOf(kind)}</span></button>`
        : needsAsking && html`<button type="button" class="plain reset" onClick=${() => onChange(values)}>Apply<span class="hidden-words"> ${titleOf(kind)}</span></button>`}</header>
    ${kind.words && html`<p class="small quiet">${kind.words}</p>`}
    ${kind.parameters.map((one) => html`<${Field} key=${one.name} kind=${kind} parameter=${one} value=${values[one.name]} facts=${facts}
      set=${Boolean(edit) && values[one.name] !== rest[one.name]} onChange=${(value) => turn(one.name, value)} />`)}
  </section>`;
}
