// A sound before its fit: what it looks like, where its pitch is, which part of it is meant, and the form that starts.
import { html, useEffect, useState } from "../lib.js";
import { useStore, complain, go, href, say, addSounds } from "../store.js";
import { get, patch, post, remove } from "../api.js";
import { Ask, Icon, useName } from "./parts.js";
import { FitForm } from "./fit_form.js";
import { Title } from "./title.js";
import { Transport, useDeck } from "./transport.js";
import { Scope, Wave, Spectrogram } from "./scope.js";
import { ago, hertz, midiOf, note, seconds } from "../format.js";


// The part that is marked, in figures too, and the button that makes a sound of it.
function Trim({ sound, deck }) {
  const from = useName("trim"), to = useName("trim");
  const [busy, setBusy] = useState(false);
  const [first, last] = deck.region || [0, sound.seconds];
  const mark = (start, end) => {
    const region = [Math.min(Math.max(start, 0), sound.seconds), Math.min(Math.max(end, 0), sound.seconds)];
    deck.setRegion(region[1] - region[0] < 0.03 || region[1] - region[0] > sound.seconds - 0.005 ? null : region);
  };
  const cut = async () => {
    setBusy(true);
    try {
      const part = await post(`/api/sounds/${sound.id}/trim`, { start_s: first, end_s: last });
      addSounds(part);
      say(`${part.name} is ready.`);
      go("sound", part.id);
    } catch (error) { complain(error); }
    setBusy(false);
  };
  const field = (id, value, turn) => html`<input id=${id} type="number" min="0" max=${sound.seconds} step="0.01" value=${value.toFixed(2)} onChange=${(e) => turn(Number(e.target.value))} />`;
  return html`<div class="row trim"><span class="row tight"><label for=${from}>From</label>${field(from, first, (at) => mark(at, last))}<label for=${to}>to</label>${field(to, last, (at) => mark(first, at))} s</span>
    <button type="button" disabled=${!deck.region || busy} onClick=${cut}><${Icon} name="cut" />Cut out this part</button>
    <span class="small quiet">Drag over the pictures to mark a part. What is cut out becomes a sound of its own.</span></div>`;
}

export function Sound({ id }) {
  const sound = useStore((s) => s.sounds.find((one) => one.id === id));
  const loaded = useStore((s) => s.limits !== null), runs = useStore((s) => s.runs);
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
    <p class="quiet">It was deleted, or it is older than the app keeps them. Drop the file again; finished matches are in the list.</p><a class="button" href="#">Start anew</a></div>`;
  const pitch = curve?.pitch_hz;
  const matches = (runs || []).filter((run) => sound.runs?.includes(run.id));
  return html`<header class="page-head"><div><${Title} name=${sound.name} onRename=${async (name) => addSounds(await patch(`/api/sounds/${id}`, { name }))} />
      <p class="facts"><span>${seconds(sound.seconds)}</span><span>${sound.sample_rate / 1000} kHz</span><span>${sound.channels === 1 ? "mono" : "stereo"}</span>
        ${curve ? html`<span>${pitch ? html`pitch ${note(midiOf(pitch))} · ${hertz(pitch)}` : "no steady pitch: it is matched on a fixed grid of partials"}</span>` : html`<span>${late ? "" : "tracking the pitch …"}</span>`}</p></div>
      <${Ask} label="Delete" question="Delete this sound? Its matches stay." yes="Delete it" onYes=${() => remove(`/api/sounds/${id}`).then(() => go("home"), complain)} /></header>
    ${sound.notes?.length > 0 && html`<ul class="notes small quiet">${sound.notes.map((text) => html`<li>${text}</li>`)}</ul>`}
    <${FitForm} order=${{ sound: id }} midi=${pitch && midiOf(pitch)} estimate=${sound.estimate_s} />
    <section class="card player" aria-label="The sound">
      <${Transport} deck=${deck} levels=${false} />
      <${Scope} deck=${deck} durationS=${sound.seconds}>
        <${Wave} deck=${deck} name="target" label="Waveform" durationS=${sound.seconds} />
        <${Spectrogram} url=${`/api/sounds/${id}/spectrogram.png`} picture=${sound.picture} curve=${curve} durationS=${sound.seconds} label=${pitch ? "Spectrogram and pitch (f0)" : "Spectrogram"} />
      <//>
      <${Trim} sound=${sound} deck=${deck} />
    </section>
    ${matches.length > 0 && html`<section class="card"><h2>Its matches</h2><ul class="items">${matches.map((run) => html`<li key=${run.id}><a class="item" href=${href("run", run.id)}>
      <span class=${`dot ${run.level}`} aria-hidden="true"></span><b>${run.folder}</b><small>${run.level} · ${ago(run.when)}</small></a></li>`)}</ul>
      ${matches.length > 1 && html`<a class="button" href=${href("compare", `${matches[1].id},${matches[0].id}`)}>Compare the last two</a>`}</section>`}`;
}
