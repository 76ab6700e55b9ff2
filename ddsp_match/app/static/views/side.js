// The column beside everything: a new sound, what is running, what was matched before.
import { html, useEffect, useState } from "../lib.js";
import { useStore, href, isOpen } from "../store.js";
import { Icon } from "./parts.js";
import { stageWords } from "../events.js";
import { ago, seconds, stem } from "../format.js";

function JobItem({ job, here }) {
  const words = job.state === "queued" ? `waiting, number ${job.position}` : job.steps && job.step ? `${Math.round((100 * job.step) / job.steps)} % · ${stageWords(job.stage)}` : stageWords(job.stage);
  return html`<li><a class="item" href=${href("job", job.id)} aria-current=${here ? "page" : null}><span class=${`dot ${job.state}`} aria-hidden="true"></span><b>${stem(job.name)}</b><small>${job.state === "stopping" ? "stopping" : words}</small></a></li>`;
}

const RunItem = ({ run, here }) => html`<li><a class="item" href=${href("run", run.id)} aria-current=${here ? "page" : null} title=${run.verdict}>
  <span class=${`dot ${run.level}`} aria-hidden="true"></span><b>${stem(run.name)}</b><small>${run.level || "finished"} · ${ago(run.when)}${run.edited ? " · edited" : ""}</small></a></li>`;

const SoundItem = ({ sound, here }) => html`<li><a class="item" href=${href("sound", sound.id)} aria-current=${here ? "page" : null}>
  <span class="dot fresh" aria-hidden="true"></span><b>${stem(sound.name)}</b><small>${seconds(sound.seconds)}</small></a></li>`;

const FIRST = 60;

export function Side({ onHelp }) {
  const jobs = useStore((s) => s.jobs), runs = useStore((s) => s.runs), route = useStore((s) => s.route);
  const sounds = useStore((s) => s.sounds);
  const version = useStore((s) => s.version), outputs = useStore((s) => s.outputs);
  const [open, setOpen] = useState(false);
  const [all, setAll] = useState(false);
  const [search, setSearch] = useState("");
  useEffect(() => setOpen(false), [route]);
  const running = jobs.filter(isOpen);
  const fresh = sounds.filter((sound) => !sound.runs?.length && !running.some((job) => job.sound === sound.id)).slice(0, 8);
  const here = (kind, id) => route.kind === kind && route.id === id;
  const matching = (runs || []).filter((run) => `${run.name} ${run.folder}`.toLowerCase().includes(search.toLowerCase()));
  return html`<aside class=${`side${open ? " open" : ""}`} aria-label="Sounds and matches">
    <div class="side-head"><a class="brand" href="#"><img src="/static/icon.svg" alt="" />ddsp-match</a>
      <button type="button" class="menu-button" aria-expanded=${String(open)} aria-controls="side-nav" onClick=${() => setOpen(!open)}><${Icon} name="menu" />${running.length ? `${running.length} running` : "Matches"}</button></div>
    <nav id="side-nav" aria-label="Matches">
      <div class="stack new"><a class="button" href="#" aria-current=${route.kind === "home" ? "page" : null}><${Icon} name="plus" />New sound</a>
        <a class="button" href="#effects" aria-current=${route.kind === "effects" ? "page" : null}><${Icon} name="plus" />Dry and wet pair</a></div>
      ${running.length > 0 && html`<section><div class="list-head"><h2>Now</h2></div><ul class="items">${running.map((job) => html`<${JobItem} key=${job.id} job=${job} here=${here("job", job.id)} />`)}</ul></section>`}
      ${fresh.length > 0 && html`<section><div class="list-head"><h2>Not matched yet</h2></div><ul class="items">${fresh.map((sound) => html`<${SoundItem} key=${sound.id} sound=${sound} here=${here("sound", sound.id)} />`)}</ul></section>`}
      <section class="runs"><div class="list-head"><h2>Matches</h2>${runs?.length > 0 && html`<span class="small quiet number">${runs.length}</span>`}</div>
        ${runs?.length > 8 && html`<input type="text" class="search" placeholder="Find …" aria-label="Find a match" value=${search} onInput=${(e) => setSearch(e.target.value)} />`}
        ${runs === null ? html`<p class="empty">looking into ${outputs} …</p>` : !runs.length ? html`<p class="empty">None yet. What you fit here or with <code>ddsp-match fit</code> is listed here and kept in <code>${outputs}</code>.</p>` : html`
          <ul class="items">${(all ? matching : matching.slice(0, FIRST)).map((run) => html`<${RunItem} key=${run.id} run=${run} here=${here("run", run.id)} />`)}</ul>
          ${!all && matching.length > FIRST && html`<button type="button" class="plain small" onClick=${() => setAll(true)}>All ${matching.length}</button>`}
          ${!matching.length && html`<p class="empty">No match has that name.</p>`}`}</section>
    </nav>
    <footer><span>${version && `version ${version}`}</span><button type="button" class="plain icon" onClick=${onHelp} aria-label="Keys and help" title="Keys and help (?)">?</button></footer>
  </aside>`;
}
