// A finished match: the verdict, and five things to do with it.
import { html, useEffect, useState } from "../lib.js";
import { complain, go, say, useStore } from "../store.js";
import { get, patch, remove } from "../api.js";
import { Ask, Icon, Tabs, useName } from "./parts.js";
import { FitForm } from "./fit_form.js";
import { Title } from "./title.js";
import { useDeck } from "./transport.js";
import { useEdits } from "./edits_state.js";
import { Listen } from "./listen.js";
import { Edit } from "./edit.js";
import { Play } from "./play.js";
import { Abx } from "./abx.js";
import { Downloads } from "./downloads.js";
import { ago, hertz, midiOf, note, seconds } from "../format.js";

const TABS = [{ id: "listen", label: "Listen" }, { id: "edit", label: "Edit" }, { id: "play", label: "Play" }, { id: "abx", label: "Blind test" }, { id: "downloads", label: "Download" }];
const VIEWS = { listen: Listen, edit: Edit, play: Play, abx: Abx, downloads: Downloads };

// Other matches of the same sound, to put beside this one.
function CompareWith({ facts, sound }) {
  const runs = useStore((s) => s.runs), id = useName("compare");
  const others = (runs || []).filter((run) => run.id !== facts.id && (sound?.runs?.includes(run.id) || run.name === facts.name));
  if (!others.length) return null;
  return html`<span class="row tight"><label class="hidden-words" for=${id}>Compare with</label><select id=${id} value="" onChange=${(e) => go("compare", `${facts.id},${e.target.value}`)}>
    <option value="">Compare with …</option>${others.map((run) => html`<option value=${run.id}>${run.folder}, ${run.level}</option>`)}</select></span>`;
}

export function Run({ id }) {
  const [facts, setFacts] = useState(null);
  const [failed, setFailed] = useState(null);
  const [tab, setTab] = useState("listen");
  const [again, setAgain] = useState(false);
  const deck = useDeck(id);
  const edits = useEdits(id, deck);
  useEffect(() => {
    const stop = new AbortController();
    const options = { signal: stop.signal };
    setFacts(null); setFailed(null); setTab("listen");
    get(`/api/runs/${id}`, options).then(setFacts, (error) => { if (error.name !== "AbortError") setFailed(error); });
    get(`/api/runs/${id}/level`, options).then(({ gains_db }) => deck.setGains(gains_db), complain);
    for (const name of ["target", "match"]) deck.load(name, `/api/runs/${id}/${name}.wav`).then(() => { if (name === "match" && !deck.chosen) deck.choose("match"); }, complain);
    return () => stop.abort();
  }, [id]);
  const sound = useStore((s) => s.sounds.find((one) => one.id === facts?.sound));
  if (failed) return html`<div class="card empty-state"><h1 tabindex="-1">This match cannot be opened</h1><p class="quiet">${failed.found} ${failed.hint}</p><a class="button" href="#">Start anew</a></div>`;
  if (!facts) return html`<p class="quiet" role="status">Opening the match …</p>`;
  const choose = (next) => { setTab(next); say(`${TABS.find((one) => one.id === next).label} is shown`); };
  const View = VIEWS[tab], { numbers_per_second: numbers, kbit_per_second: kbit } = facts.metrics || {};
  const size = [Number.isFinite(numbers) && `${Math.round(numbers).toLocaleString("en")} numbers a second`, Number.isFinite(kbit) && `${+kbit.toPrecision(3)} kbit/s`].filter(Boolean);
  return html`<header class="page-head"><div><${Title} name=${facts.name} onRename=${sound && (async (name) => { await patch(`/api/sounds/${sound.id}`, { name }); setFacts({ ...facts, name }); })} />
      <p class="facts">${facts.seconds != null && html`<span>${seconds(facts.seconds)}</span>`}<span>${facts.sample_rate / 1000} kHz ${facts.channels === 1 ? "mono" : "stereo"}</span>
        ${facts.pitch_hz != null && html`<span>${note(midiOf(facts.pitch_hz))} · ${hertz(facts.pitch_hz)}</span>`}<span>${ago(facts.when)}</span></p></div>
      <div class="row tight"><button type="button" aria-expanded=${String(again)} onClick=${() => setAgain(!again)}><${Icon} name="spark" />Fit again</button><${CompareWith} facts=${facts} sound=${sound} />
        <${Ask} label="Delete" question="Delete this match and its files?" yes="Delete it" onYes=${() => remove(`/api/runs/${id}`).then(() => go("home"), complain)} /></div></header>
    ${again && html`<${FitForm} order=${{ run: id }} midi=${facts.pitch_hz && midiOf(facts.pitch_hz)} settings=${facts.settings} estimate=${sound?.estimate_s} label="Fit again" />`}
    <section class=${`verdict ${facts.level}`} aria-label="Verdict"><span class=${`badge ${facts.level}`}>${facts.level}</span><b>${facts.verdict}</b>
      ${size.length > 0 && html`<span class="small quiet">${size.join(", ")}</span>`}
      ${edits.active && html`<span class="badge edited">edited</span><span class="small quiet">The verdict and the figures are of the match before your edits.</span>`}</section>
    <${Tabs} label="What to do with the match" tabs=${TABS} chosen=${tab} onChoose=${choose} />
    <div id="panel" role="tabpanel" aria-labelledby=${`tab-${tab}`} class="stack"><${View} key=${tab} id=${id} facts=${facts} deck=${deck} edits=${edits} /></div>`;
}
