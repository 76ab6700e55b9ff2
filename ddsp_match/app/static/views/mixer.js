// Two strips: the partials and the noise, each with level, mute and solo.
import { html } from "../lib.js";
import { Knob } from "./parts.js";
import { decibels } from "../format.js";

const STEMS = [["harmonic", "Harmonic stem", "the partials: pitch and colour"], ["noise", "Noise stem", "breath, bow, knock, hiss"]];
const LOW_DB = -40;
export const START = Object.freeze({ harmonic: { db: 0, mute: false, solo: false }, noise: { db: 0, mute: false, solo: false } });

// Linear gains of the stems.
export function mixOf(mixer) {
  const anySolo = STEMS.some(([name]) => mixer[name].solo);
  return Object.fromEntries(STEMS.map(([name]) => {
    const { db, mute, solo } = mixer[name];
    return [name, mute || (anySolo && !solo) || db <= LOW_DB ? 0 : 10 ** (db / 20)];
  }));
}

export function Mixer({ mixer, onChange, playing }) {
  const change = (name, part) => onChange({ ...mixer, [name]: { ...mixer[name], ...part } });
  return html`<div class="mixer">${STEMS.map(([name, label, words]) => html`<div class="strip" data-tone=${name} key=${name}>
      <${Knob} label=${html`<b>${label}</b> <span class="quiet small">${words}</span>`} value=${mixer[name].db} low=${LOW_DB} high=${12} step=${0.5} rest=${0}
        format=${(db) => (db <= LOW_DB ? "off" : decibels(db))} onInput=${(db) => change(name, { db })} />
      <div class="row">
        <button type="button" class="toggle" aria-pressed=${String(mixer[name].solo)} onClick=${() => change(name, { solo: !mixer[name].solo })}>Solo<span class="hidden-words"> ${label}</span></button>
        <button type="button" class="toggle" aria-pressed=${String(mixer[name].mute)} onClick=${() => change(name, { mute: !mixer[name].mute })}>Mute<span class="hidden-words"> ${label}</span></button></div></div>`)}
    <p class="small quiet">${playing ? "You hear this mix, with the gain of the match." : "Turn one to hear the mix. To keep it, use the levels under Edit."}</p></div>`;
}
