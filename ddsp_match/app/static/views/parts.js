// Small parts that every view is put together from.
import { html, useRef, useState } from "../lib.js";

const PATHS = {
  play: "M8 5.5v13l11-6.5z", pause: "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z", stop: "M6.5 6.5h11v11h-11z",
  plus: "M12 5v14M5 12h14", close: "M6 6l12 12M18 6L6 18", mic: "M12 15a3 3 0 003-3V7a3 3 0 00-6 0v5a3 3 0 003 3zM6 11.5a6 6 0 0012 0M12 17.5V21",
  file: "M12 16V5M7.5 9.5L12 5l4.5 4.5M5 15v3.5A1.5 1.5 0 006.5 20h11a1.5 1.5 0 001.5-1.5V15", download: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 19.5h14",
  undo: "M9 7L5 11l4 4M5 11h9a5 5 0 010 10h-2", redo: "M15 7l4 4-4 4M19 11h-9a5 5 0 000 10h2", menu: "M4 7h16M4 12h16M4 17h16", spark: "M12 4l1.8 5.2L19 11l-5.2 1.8L12 18l-1.8-5.2L5 11l5.2-1.8z",
  pen: "M5 19l1-4L16 5l3 3L9 18zM14 7l3 3", cut: "M6 4v16M18 4v16M6 12h3M15 12h3M10 9v6M14 9v6",
  open: "M14 5h5v5M19 5l-8 8M10 6H6.5A1.5 1.5 0 005 7.5v10A1.5 1.5 0 006.5 19h10a1.5 1.5 0 001.5-1.5V14",
};
const SOLID = new Set(["play", "pause", "stop"]);

export const Icon = ({ name }) => html`<svg viewBox="0 0 24 24" aria-hidden="true" fill=${SOLID.has(name) ? "currentColor" : "none"}
  stroke=${SOLID.has(name) ? "none" : "currentColor"} stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d=${PATHS[name]} /></svg>`;

let names = 0;
export const useName = (prefix) => { const ref = useRef(null); ref.current ||= `${prefix}-${++names}`; return ref.current; };

// One of a few: options [{value, label, title}].
export function Segments({ label, value, options, onChange, disabled }) {
  const name = useName("segments");
  return html`<div class="segments" role="radiogroup" aria-label=${label}>${options.map((option) => html`
    <label key=${option.value} title=${option.title || ""}><input type="radio" name=${name} value=${option.value} disabled=${disabled}
      checked=${option.value === value} onChange=${() => onChange(option.value)} />${option.label}</label>`)}</div>`;
}

export const Switch = ({ label, checked, onChange, disabled, title }) => html`<label class="switch" title=${title}>
  <input type="checkbox" role="switch" checked=${checked} disabled=${disabled} onChange=${(e) => onChange(e.target.checked)} />${label}</label>`;

// A knob: double click or Delete brings its default back.
export function Knob({ label, value, low, high, step, unit = "", rest, onInput, format, title, set }) {
  const id = useName("knob");
  const words = format ? format(value) : `${+value.toPrecision(4)}${unit ? ` ${unit}` : ""}`.replace("-", "−");
  const reset = () => onInput(rest);
  return html`<div class=${`knob${set ? " set" : ""}`} title=${title || null}>
    <label for=${id}>${label}</label><output for=${id}>${words}</output>
    <input id=${id} type="range" min=${low} max=${high} step=${step || "any"} value=${value} aria-valuetext=${words}
      onInput=${(e) => onInput(Number(e.target.value))} onDblClick=${reset}
      onKeyDown=${(e) => { if (e.key === "Delete" || e.key === "Backspace") { e.preventDefault(); reset(); } }} /></div>`;
}

// Tabs: [{id, label}]; arrows move, as in every other program.
export function Tabs({ label, tabs, chosen, onChoose }) {
  const move = (event) => {
    const at = tabs.findIndex((tab) => tab.id === chosen);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length];
    onChoose(next.id);
    document.getElementById(`tab-${next.id}`)?.focus();
  };
  return html`<div class="tabs" role="tablist" aria-label=${label} onKeyDown=${move}>${tabs.map((tab) => html`
    <button key=${tab.id} id=${`tab-${tab.id}`} role="tab" type="button" aria-selected=${tab.id === chosen ? "true" : "false"}
      aria-controls="panel" tabindex=${tab.id === chosen ? 0 : -1} onClick=${() => onChoose(tab.id)}>${tab.label}</button>`)}</div>`;
}

export const Problem = ({ trouble }) => html`${trouble.about && html`<p class="about">${trouble.about}</p>`}<dl>
  <dt>Found</dt><dd>${trouble.found}</dd>
  ${trouble.needed && html`<dt>Needed</dt><dd>${trouble.needed}</dd>`}
  ${(trouble.hint || trouble.try) && html`<dt>Try</dt><dd>${trouble.hint || trouble.try}</dd>`}</dl>`;

// A button that asks once more before it does what cannot be undone.
export function Ask({ label, question, yes, onYes }) {
  const [asked, setAsked] = useState(false);
  if (!asked) return html`<button type="button" class="plain danger" onClick=${() => setAsked(true)}>${label}</button>`;
  return html`<span class="row tight ask" role="alertdialog" aria-label=${question}><span class="small">${question}</span>
    <button type="button" class="danger" onClick=${onYes}>${yes}</button><button type="button" onClick=${() => setAsked(false)}>Keep it</button></span>`;
}

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
