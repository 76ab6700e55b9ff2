// A fit while it runs: how far it is, and the best so far, to hear against the target.
import { html, useEffect, useRef, useState } from "../lib.js";
import { useStore, complain, go, isOpen, setJob, jobOf } from "../store.js";
import { post } from "../api.js";
import { stageWords, stageNumber } from "../events.js";
import { Icon, Problem, Switch } from "./parts.js";
import { Sources, Transport, useDeck } from "./transport.js";
import { Scope, Wave } from "./scope.js";
import { Loss } from "./chart.js";
import { QUALITIES } from "./fit_form.js";
import { seconds, stem } from "../format.js";

const STAGES = ["Pitch", "First guess", "Improve", "Write"];

function Stages({ job }) {
  const at = job.state === "done" ? 4 : stageNumber(job.stage);
  return html`<ol class="stages" aria-hidden="true">${STAGES.map((name, i) => html`<li class=${i < at ? "over" : i === at ? "now" : ""}><i></i>${name}</li>`)}</ol>`;
}

function Status({ job }) {
  const share = stageNumber(job.stage) === 2 && job.steps ? job.step / job.steps : job.progress;
  const known = Number.isFinite(share) && share !== null;
  if (job.state === "queued") return html`<p>Waiting: <b>${job.position === 1 ? "next in the queue" : `number ${job.position} in the queue`}</b>. One fit runs at a time; it starts by itself.</p>`;
  return html`${job.kind !== "effect" && html`<${Stages} job=${job} />`}
    <div class=${`progress${known ? "" : " unknown"}`} role="progressbar" aria-label=${stageWords(job.stage)} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${known ? Math.round(100 * share) : null}>
      <span style=${known ? { width: `${100 * share}%` } : {}}></span></div>
    <p class="row small quiet"><b class="grow ink">${job.state === "stopping" ? "Stopping, and keeping the best so far" : stageWords(job.stage)}</b>
      ${job.steps > 0 && html`<span class="number">step ${job.step} of ${job.steps}</span>`}
      ${job.best != null && html`<span class="number">loss ${job.best.toPrecision(3)}</span>`}
      <${Elapsed} job=${job} /></p>`;
}

function Elapsed({ job }) {
  const [now, setNow] = useState(performance.now());
  const base = useRef(null);
  if (base.current?.elapsed !== job.elapsed_s) base.current = { elapsed: job.elapsed_s, at: performance.now() };
  useEffect(() => { const timer = setInterval(() => setNow(performance.now()), 500); return () => clearInterval(timer); }, []);
  if (job.elapsed_s == null) return null;
  return html`<span class="number">${(job.elapsed_s + Math.max(0, now - base.current.at) / 1000).toFixed(0)} s</span>`;
}

function BestSoFar({ job }) {
  const deck = useDeck(job.id);
  const [follow, setFollow] = useState(true);
  useEffect(() => { if (job.sound) deck.load("target", `/api/sounds/${job.sound}/sound.wav`).then(() => { if (!deck.chosen) deck.choose("target"); }, complain); }, [job.sound]);
  useEffect(() => {
    if (!job.version || (!follow && deck.buffer("best"))) return;
    const first = !deck.buffer("best");
    deck.load("best", `/api/fits/${job.id}/best.wav?v=${job.version}`).then(() => first && deck.choose("best"), () => {}); // the next version comes soon
  }, [job.version, follow]);
  const sources = [{ name: "target", label: "Target" }, ...(deck.buffer("best") ? [{ name: "best", label: "Best so far" }] : [])];
  return html`<section class="card player" aria-label="Listen">
    <div class="card-head"><h2>${job.version ? "Hear the best so far" : "The target, meanwhile"}</h2>
      ${job.version > 0 && html`<span class="row small quiet"><span class="number">version ${job.version}${job.best_seconds ? `, after ${seconds(job.best_seconds)}` : ""}</span>
        <${Switch} label="Follow" title="Plays each better version as soon as there is one" checked=${follow} onChange=${setFollow} /></span>`}</div>
    <${Sources} deck=${deck} sources=${sources} />
    <${Transport} deck=${deck} levels=${false} />
    ${deck.durationS > 0 && html`<${Scope} deck=${deck} durationS=${deck.durationS}>
      <${Wave} deck=${deck} name="target" label="Target" />
      ${deck.buffer("best") && html`<${Wave} deck=${deck} name="best" tone="match" label="Best so far" />`}<//>`}
  </section>`;
}

export function Job({ id }) {
  const job = useStore(jobOf(id));
  const known = useStore((s) => s.limits !== null);
  useEffect(() => { if (job?.state === "done" && (job.run || job.effect)) go(job.run ? "run" : "effect", job.run || job.effect); }, [job?.state, job?.run, job?.effect]);
  if (!job) return known && html`<div class="card empty-state"><h1 tabindex="-1">This fit is no longer here</h1><p class="quiet">If it came to its end, its match is in the list. If not, drop the sound again.</p><a class="button" href="#">Start anew</a></div>`;
  const cancel = async () => {
    try { setJob(id, (await post(`/api/fits/${id}/cancel`)).job); if (job.state === "queued") isFit ? go("sound", job.sound) : go("effects"); } catch (error) { complain(error); }
  };
  const open = isOpen(job), isFit = job.kind !== "effect";
  return html`<header class="page-head"><div><h1 tabindex="-1">${stem(job.name)}</h1><p class="facts"><span>${isFit ? `${QUALITIES[job.quality]?.label || job.quality} quality${job.effects ? ", with its room" : ""}` : "what lies between the dry and the wet sound"}</span></p></div>
      ${open && html`<button type="button" disabled=${job.state === "stopping"} onClick=${cancel}><${Icon} name="stop" />${job.state === "queued" ? "Leave the queue" : job.version ? "Stop and keep the best" : "Stop"}</button>`}</header>
    ${job.state === "failed" && html`<section class="card problem" role="alert"><h2>The fit did not work out</h2><${Problem} trouble=${job.error || { found: "No reason was given." }} />
      ${job.sound && html`<a class="button" href=${`#sound=${job.sound}`}>Back to the sound</a>`}</section>`}
    ${job.state === "cancelled" && html`<section class="card"><p>Stopped before there was anything to keep.</p><p>${job.sound && html`<a class="button" href=${`#sound=${job.sound}`}>Back to the sound</a>`}</p></section>`}
    ${open && html`<section class="card status" aria-label="Progress"><${Status} job=${job} /></section>`}
    ${open && isFit && html`<${BestSoFar} job=${job} />`}
    ${job.losses?.length > 1 && html`<section class="card"><${Loss} losses=${job.losses} /></section>`}`;
}
