// Knobs that edit; match and edited sound side by side, with undo.
import { html, useEffect } from "../lib.js";
import { useStore } from "../store.js";
import { useKeys } from "../keys.js";
import { Icon, Problem } from "./parts.js";
import { Sources, Transport } from "./transport.js";
import { Scope, Wave } from "./scope.js";
import { pairSources } from "./listen.js";
import { EditCard, titleOf, words } from "./edit_card.js";
import { seconds } from "../format.js";

const GROUPS = { pitch: "Pitch", time: "Time", tone: "Tone", level: "Levels" };

// "Transpose 7 semitones, keep"
function inWords(kind, values) {
  const parts = kind.parameters.filter((one) => values[one.name] !== null && (values[one.name] !== one.default || one.required))
    .map((one) => (one.kind === "number" ? `${+Number(values[one.name]).toFixed(2)}${one.unit ? (one.unit === "×" ? "×" : ` ${one.unit}`) : ""}`.replace("-", "−") : String(values[one.name])));
  return `${titleOf(kind)} ${parts.join(", ")}`;
}

export function Edit({ facts, deck, edits }) {
  const kinds = useStore((s) => s.edits);
  const { stack, change } = edits;
  useEffect(() => { if (!["target", "match", "edited"].includes(deck.chosen)) deck.choose(deck.buffer("edited") ? "edited" : "match"); }, []);
  const put = (kind) => (values, knob = "") => change((now) => (now.some((one) => one.name === kind.name)
    ? now.map((one) => (one.name === kind.name ? { ...one, values } : one)) : [...now, { name: kind.name, values }]), knob);
  const drop = (name, knob = "") => change((now) => now.filter((one) => one.name !== name), knob);
  useKeys({ "Mod+z": edits.undo, "Mod+Shift+z": edits.redo, "Mod+y": edits.redo });
  const groups = [...new Set(kinds.map((kind) => kind.group || "more"))];
  const kindOf = (name) => kinds.find((kind) => kind.name === name) || { name, parameters: [] };
  return html`<section class="card player edit-player" aria-label="Player">
      <div class="row"><div class="grow"><${Sources} deck=${deck} sources=${pairSources(edits)} /></div>
        <span class="row tight"><button type="button" class="icon" disabled=${!edits.canUndo} onClick=${edits.undo} title="Undo (Ctrl+Z)"><${Icon} name="undo" /><span class="hidden-words">Undo</span></button>
          <button type="button" class="icon" disabled=${!edits.canRedo} onClick=${edits.redo} title="Redo (Ctrl+Shift+Z)"><${Icon} name="redo" /><span class="hidden-words">Redo</span></button>
          <button type="button" disabled=${!stack.length} onClick=${() => change(() => [])}>Reset</button></span></div>
      <${Transport} deck=${deck} />
      ${deck.durationS > 0 && html`<${Scope} deck=${deck} durationS=${deck.durationS}>
        <${Wave} deck=${deck} name="match" label="Match" />
        ${stack.length > 0 && html`<${Wave} deck=${deck} name="edited" label="Edited" />`}<//>`}
      <p class="row small quiet">${!stack.length ? "Turn a knob: the edited sound appears beside the match, which stays as it is." : html`
        <span class="chips">${stack.map((one) => html`<button type="button" class="chip" key=${one.name} onClick=${() => drop(one.name)} title="Take it back">${inWords(kindOf(one.name), one.values)}<${Icon} name="close" /></button>`)}</span>
        <span>${edits.busy ? "rendering …" : edits.made?.seconds ? `${seconds(edits.made.seconds)}${stack.length > 1 ? ", applied in this order" : ""}` : ""}</span>`}</p>
      ${edits.failed && html`<div class="problem-box" role="alert"><${Problem} trouble=${edits.failed} /></div>`}
    </section>
    ${groups.map((group) => html`<section class="card" key=${group}><h2>${GROUPS[group] || words(group)}</h2>
      <div class="edit-cards">${kinds.filter((kind) => (kind.group || "more") === group).map((kind) => {
        const place = stack.findIndex((one) => one.name === kind.name);
        return html`<${EditCard} key=${kind.name} kind=${kind} edit=${stack[place]} place=${place + 1} facts=${facts} onChange=${put(kind)} onDrop=${(knob) => drop(kind.name, knob)} />`;
      })}</div></section>`)}
    ${!kinds.length && html`<p class="quiet">This server knows no edits.</p>`}`;
}
