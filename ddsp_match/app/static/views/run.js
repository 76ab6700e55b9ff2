// A finished match: the verdict, and five things to do with it.
import { html, useEffect, useState } from "../lib.js";
import { complain, say } from "../store.js";
import { get } from "../api.js";
import { Tabs } from "./parts.js";
import { useDeck } from "./transport.js";
import { useEdits } from "./edits_state.js";
import { Listen } from "./listen.js";
import { Edit } from "./edit.js";
import { Play } from "./play.js";
import { Abx } from "./abx.js";
import { Downloads } from "./downloads.js";
import { ago, hertz, note, seconds, stem } from "../format.js";

const TABS = [{ id: "listen", label: "Listen" }, { id: "edit", label: "Edit" }, { id: "play", label: "Play" }, { id: "abx", label: "Blind test" }, { id: "downloads", label: "Download" }];
const VIEWS = { listen: Listen, edit: Edit, play: Play, abx: Abx, downloads: Downloads };

export function Run({ id }) {
  const [facts, setFacts] = useState(null);
  const [failed, setFailed] = useState(null);
  const [tab, setTab] = useState("listen");
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
  if (failed) return html`<div class="card empty-state"><h1 tabindex="-1">This match cannot be opened</h1><p class="quiet">${failed.found} ${failed.hint}</p><a class="button" href="#">Start anew</a></div>`;
  if (!facts) return html`<p class="quiet" role="status">Opening the match …</p>`;
  const choose = (next) => { setTab(next); say(`${TABS.find((one) => one.id === next).label} is shown`); };
  const View = VIEWS[tab];
  return html`<header class="page-head"><div><h1 tabindex="-1">${stem(facts.name)}</h1>
      <p class="facts">${facts.seconds != null && html`<span>${seconds(facts.seconds)}</span>`}<span>${facts.sample_rate / 1000} kHz ${facts.channels === 1 ? "mono" : "stereo"}</span>
        ${facts.midi != null && html`<span>${note(facts.midi)} · ${hertz(facts.median_f0_hz)}</span>`}<span>${ago(facts.when)}</span></p></div></header>
    <section class=${`verdict ${facts.level}`} aria-label="Verdict"><span class=${`badge ${facts.level}`}>${facts.level}</span><b>${facts.verdict}</b>
      ${edits.active && html`<span class="badge edited">edited</span>`}</section>
    <${Tabs} label="What to do with the match" tabs=${TABS} chosen=${tab} onChoose=${choose} />
    <div id="panel" role="tabpanel" aria-labelledby=${`tab-${tab}`} class="stack"><${View} key=${tab} id=${id} facts=${facts} deck=${deck} edits=${edits} /></div>`;
}
