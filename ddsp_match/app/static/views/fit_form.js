// What a fit is asked for: quality, pitch, room; and the button that starts it.
import { html, useState } from "../lib.js";
import { useStore, complain, go, isOpen } from "../store.js";
import { post } from "../api.js";
import { Segments, Switch, Icon, useName } from "./parts.js";
import { note } from "../format.js";

export const QUALITIES = {
  draft: { label: "Draft", words: "A quick look." },
  default: { label: "Standard", words: "The usual choice: hard to tell from the target on most notes." },
  best: { label: "Best", words: "More partials and many more steps." },
};
const PITCHES = {
  tracked: { label: "Tracked", words: "Follows whatever pitch there is." },
  near_midi: { label: "Near a note", words: "Follows the pitch within a fifth of this note: where the wrong octave is tracked." },
  midi: { label: "One note", words: "Stays on this note throughout." },
};
const A3 = 57, PIANO = Array.from({ length: 88 }, (_, key) => 21 + key);

// order: what is fitted, {sound} or {run}; midi: the note that is offered first; estimate: seconds by quality.
export function FitForm({ order, midi, estimate, settings = {}, label = "Fit" }) {
  const qualities = useStore((s) => s.qualities), effects = useStore((s) => s.effects), jobs = useStore((s) => s.jobs);
  const [quality, setQuality] = useState(settings.quality || "default");
  const [pitch, setPitch] = useState("tracked");
  const [picked, setPicked] = useState(null);
  const [room, setRoom] = useState(Boolean(settings.effects?.length));
  const [busy, setBusy] = useState(false);
  const id = useName("note");
  const key = picked ?? Math.min(Math.max(Math.round(midi || A3), PIANO[0]), PIANO.at(-1));
  const waiting = jobs.filter(isOpen).length;
  const start = async () => {
    setBusy(true);
    try {
      const { job } = await post("/api/fits", { ...order, settings: { quality, effects: room ? "reverb" : null, ...(pitch !== "tracked" && { [pitch]: key }) } });
      go("job", job.id);
    } catch (error) { complain(error); }
    setBusy(false);
  };
  const known = qualities.length ? qualities : Object.keys(QUALITIES);
  return html`<section class="card fit-form" aria-label="Fit">
    <div class="fit-choice"><h2>Quality</h2>
      <${Segments} label="Quality" value=${quality} onChange=${setQuality} options=${known.map((value) => ({ value, label: QUALITIES[value]?.label || value }))} />
      <p class="quiet small">${QUALITIES[quality]?.words}${estimate?.[quality] ? html` Takes about <b>${roughly(estimate[quality])}</b> here.` : ""}</p></div>
    <div class="fit-choice"><h2>Pitch</h2>
      <${Segments} label="Pitch" value=${pitch} onChange=${setPitch} options=${Object.entries(PITCHES).map(([value, one]) => ({ value, label: one.label }))} />
      ${pitch !== "tracked" && html`<span class="row tight small"><label for=${id}>Note</label><select id=${id} value=${key} onChange=${(e) => setPicked(Number(e.target.value))}>${PIANO.map((one) => html`<option value=${one}>${note(one)}</option>`)}</select></span>`}
      <p class="quiet small">${PITCHES[pitch].words}</p></div>
    ${effects.includes("reverb") && html`<div class="fit-choice"><h2>Room</h2>
      <${Switch} label="The sound has a room: find it too" checked=${room} onChange=${setRoom} />
      <p class="quiet small">Separates the source from its reverberation, so that you can play it dry. Takes longer.</p></div>`}
    <button type="button" class="primary big" disabled=${busy} onClick=${start}><${Icon} name="spark" />${waiting ? `${label} (joins the queue)` : label}</button>
  </section>`;
}

const roughly = (value) => (value < 90 ? `${Math.max(1, Math.round(value))} s` : `${Math.round(value / 60)} min`);
