// The match beside its target: switch at once, solo and mix its stems, see where it differs.
import { html, useEffect, useState } from "../lib.js";
import { complain } from "../store.js";
import { get, query } from "../api.js";
import { Sources, Transport } from "./transport.js";
import { Scope, Wave, Spectrogram } from "./scope.js";
import { Loss, PitchAndLoudness } from "./chart.js";
import { Mixer, mixOf, START } from "./mixer.js";
import { Figures } from "./figures.js";

const LABELS = { target: "Target", match: "Match", edited: "Edited", harmonic: "Harmonic stem", noise: "Noise stem", dry: "Dry", difference: "Difference", stems: "Stem mix" };

// What the player offers in every tab.
export function pairSources(edits) {
  return ["target", "match", ...(edits.made ? ["edited"] : [])].map((name) => ({ name, label: LABELS[name] }));
}

export function useF0(id, edit) {
  const [curve, setCurve] = useState(null);
  useEffect(() => {
    const stop = new AbortController();
    setCurve(null);
    get(`/api/runs/${id}/f0.json${query({ edit })}`, { signal: stop.signal }).then(setCurve, complain);
    return () => stop.abort();
  }, [id, edit]);
  return curve;
}

const SINGLE = new Set(["target", "match", "edited", "harmonic", "noise", "dry", "difference"]);

export function Listen({ id, facts, deck, edits }) {
  const [mixer, setMixer] = useState(START);
  const edit = edits.query.edit;
  const plain = useF0(id), turned = useF0(id, edit), curve = edit ? turned : plain;
  const parts = ["harmonic", "noise", ...(facts.has_effects ? ["dry"] : [])];
  useEffect(() => {
    for (const name of parts) deck.load(name, `/api/runs/${id}/${name}.wav${query({ edit })}`).catch(complain);
    if (!edit) deck.load("difference", `/api/runs/${id}/difference.wav`).catch(() => {}); // a match of another length has none
    else if (deck.buffer("difference")) deck.drop("difference");
  }, [id, edit]);
  const mix = { name: "stems", weights: mixOf(mixer), as: edit ? "edited" : "match" };
  const sources = [...pairSources(edits), ...[...parts, ...(edit ? [] : ["difference"])].map((name) => ({ name, label: LABELS[name], as: mix.as })),
    { ...mix, label: LABELS.stems, title: "The stems as the mixer below sets them" }];
  const turn = (next) => { setMixer(next); deck.choose("stems", mixOf(next), mix.as); };
  useEffect(() => { if (deck.chosen === "stems") deck.choose("stems", mixOf(mixer), mix.as); }, [edit]);
  const name = SINGLE.has(deck.chosen) ? deck.chosen : edit ? "edited" : "match"; // what the second lane and the picture show
  const ofEdit = Boolean(edit) && !["target", "match"].includes(name);
  const picture = ofEdit && edits.made.seconds ? { ...facts.picture, last_s: facts.picture.last_s + edits.made.seconds - facts.seconds } : facts.picture;
  return html`<section class="card player" aria-label="Player">
      <${Sources} deck=${deck} sources=${sources} />
      <${Transport} deck=${deck} />
      ${deck.durationS > 0 && html`<${Scope} deck=${deck} durationS=${deck.durationS}>
        <${Wave} deck=${deck} name="target" label="Target" />
        ${name !== "target" && html`<${Wave} key="second" deck=${deck} name=${name} label=${LABELS[name]} />`}
        <${Spectrogram} url=${`/api/runs/${id}/spectrogram.png${query({ which: name === "edited" ? "match" : name, edit: ofEdit ? edit : null })}`} picture=${picture} label=${LABELS[name]}
          curve=${name === "noise" || name === "difference" ? null : ofEdit ? turned : plain} durationS=${deck.durationS} />
      <//>`}
      <p class="hint small quiet">Click to go there, drag to loop a part. <kbd>space</kbd> plays, the number keys switch.</p>
    </section>
    <div class="two"><div class="stack"><section class="card"><h2>Stems</h2><${Mixer} mixer=${mixer} onChange=${turn} playing=${deck.chosen === "stems"} /></section>
      ${curve && html`<section class="card"><${PitchAndLoudness} curve=${curve} /></section>`}</div>
      <div class="stack"><section class="card"><${Figures} facts=${facts} id=${id} edited=${edits.active} /></section>
        ${facts.losses?.length > 1 && html`<section class="card"><${Loss} losses=${facts.losses} /></section>`}</div></div>`;
}
