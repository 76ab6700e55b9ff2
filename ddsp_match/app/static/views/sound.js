// A sound before its fit: what it looks like, where its pitch is, and the button that starts.
import { html, useEffect, useState } from "../lib.js";
import { useStore, complain, go, isOpen } from "../store.js";
import { get, post } from "../api.js";
import { Segments, Switch, Icon } from "./parts.js";
import { Transport, useDeck } from "./transport.js";
import { Scope, Wave, Spectrogram } from "./scope.js";
import { hertz, note, seconds, stem } from "../format.js";

export const QUALITIES = {
  draft: { label: "Draft", words: "A quick look: a few seconds." },
  default: { label: "Standard", words: "The usual choice: hard to tell from the original on most notes, in seconds to a minute." },
  best: { label: "Best", words: "More partials and many more steps: minutes for a long sound." },
};

const midiOf = (hz) => 69 + 12 * Math.log2(hz / 440);

export function FitForm({ sound }) {
  const qualities = useStore((s) => s.qualities), effects = useStore((s) => s.effects), jobs = useStore((s) => s.jobs);
  const [quality, setQuality] = useState("default");
  const [room, setRoom] = useState(false);
  const [busy, setBusy] = useState(false);
  const waiting = jobs.filter(isOpen).length;
  const start = async () => {
    setBusy(true);
    try {
      const { job } = await post("/api/fits", { sound, settings: { quality, effects: room ? "reverb" : null } });
      go("job", job.id);
    } catch (error) { complain(error); }
    setBusy(false);
  };
  const known = qualities.length ? qualities : ["draft", "default", "best"];
  return html`<section class="card fit-form" aria-label="Fit">
    <div class="fit-choice"><h2>Quality</h2>
      <${Segments} label="Quality" value=${quality} onChange=${setQuality} options=${known.map((value) => ({ value, label: QUALITIES[value]?.label || value }))} />
      <p class="quiet small">${QUALITIES[quality]?.words}</p></div>
    ${effects.includes("reverb") && html`<div class="fit-choice"><h2>Room</h2>
      <${Switch} label="The sound has a room: find it too" checked=${room} onChange=${setRoom} />
      <p class="quiet small">Parts the source from its reverberation, so that you can play it dry. Takes longer.</p></div>`}
    <button type="button" class="primary big" disabled=${busy} onClick=${start}><${Icon} name="spark" />${waiting ? "Fit (joins the queue)" : "Fit"}</button>
  </section>`;
}

export function Sound({ id }) {
  const sound = useStore((s) => s.sounds.find((one) => one.id === id));
  const loaded = useStore((s) => s.limits !== null);
  const deck = useDeck(id);
  const [curve, setCurve] = useState(null);
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!sound) return undefined;
    const stop = new AbortController();
    setCurve(null);
    setLate(false);
    deck.load("target", `/api/sounds/${id}/sound.wav`).then(() => deck.choose("target")).catch(complain);
    get(`/api/sounds/${id}/f0.json`, { signal: stop.signal }).then(setCurve, (error) => { setLate(true); complain(error); });
    return () => stop.abort();
  }, [id, Boolean(sound)]);
  if (!sound) return loaded && html`<div class="card empty-state"><h1 tabindex="-1">This sound is no longer here</h1>
    <p class="quiet">Uploads are kept while the app runs. Drop the file again; finished matches are in the list.</p><a class="button" href="#">Start anew</a></div>`;
  const pitch = curve?.median_hz;
  return html`<header class="page-head"><div><h1 tabindex="-1">${stem(sound.name)}</h1>
      <p class="facts"><span>${seconds(sound.seconds)}</span><span>${sound.sample_rate / 1000} kHz</span><span>${sound.channels === 1 ? "mono" : "stereo"}</span>
        ${curve ? html`<span>${pitch ? html`pitch ${note(midiOf(pitch))} · ${hertz(pitch)}` : "no steady pitch: it is matched on a fixed grid of partials"}</span>` : html`<span>${late ? "" : "listening for the pitch …"}</span>`}</p></div></header>
    ${sound.notes?.length > 0 && html`<ul class="notes small quiet">${sound.notes.map((text) => html`<li>${text}</li>`)}</ul>`}
    <${FitForm} sound=${id} />
    <section class="card player" aria-label="The sound">
      <${Transport} deck=${deck} levels=${false} />
      <${Scope} deck=${deck} durationS=${sound.seconds}>
        <${Wave} buffer=${deck.buffer("target")} tone="target" label="Waveform" durationS=${sound.seconds} />
        <${Spectrogram} url=${`/api/sounds/${id}/spectrogram.png`} picture=${sound.picture} curve=${curve} durationS=${sound.seconds} label=${pitch ? "Spectrogram and f0" : "Spectrogram"} />
      <//>
    </section>`;
}
