// Two matches of a sound, A and B: switch between them at once, and see which figure is the better one.
import { html, useEffect, useState } from "../lib.js";
import { complain, href } from "../store.js";
import { get, query } from "../api.js";
import { Sources, Transport, useDeck } from "./transport.js";
import { Scope, Wave } from "./scope.js";
import { ago } from "../format.js";

function value(x, unit = "") {
  if (x === null || x === undefined) return "–";
  if (typeof x !== "number") return String(x);
  return `${unit === "%" ? +(100 * x).toFixed(2) : +x.toPrecision(3)} ${unit}`.replace("-", "−").trim();
}

function Side({ letter, run }) {
  return html`<section class="card" aria-label=${letter}><h2>${letter}: <a href=${href("run", run.id)}>${run.folder}</a></h2>
    <p class="row"><span class=${`badge ${run.level}`}>${run.level}</span><span class="small quiet">${ago(run.when)}</span></p><p>${run.verdict}</p></section>`;
}

export function Compare({ id }) {
  const [a, b] = id.split(",");
  const [both, setBoth] = useState(null);
  const [failed, setFailed] = useState(null);
  const deck = useDeck(id);
  useEffect(() => {
    const stop = new AbortController();
    setBoth(null); setFailed(null);
    get(`/api/compare${query({ a, b })}`, { signal: stop.signal }).then((answer) => { setBoth(answer); deck.setGains(answer.gains_db); }, (error) => { if (error.name !== "AbortError") setFailed(error); });
    deck.load("target", `/api/runs/${a}/target.wav`).catch(complain);
    for (const [name, run] of [["a", a], ["b", b]]) deck.load(name, `/api/runs/${run}/match.wav`).then(() => { if (name === "a" && !deck.chosen) deck.choose("a"); }, complain);
    return () => stop.abort();
  }, [id]);
  if (failed) return html`<div class="card empty-state"><h1 tabindex="-1">These two cannot be compared</h1><p class="quiet">${failed.found} ${failed.hint}</p><a class="button" href="#">Start anew</a></div>`;
  if (!both) return html`<p class="quiet" role="status">Opening both matches …</p>`;
  const won = (side) => both.metrics.filter((one) => one.winner === side).length;
  const words = { a: `A: ${both.a.folder}`, b: `B: ${both.b.folder}` };
  return html`<header class="page-head"><div><h1 tabindex="-1">${both.a.name}: A against B</h1>
      <p class="facts"><span>A is better in ${won("a")}, B in ${won("b")} of ${both.metrics.length} figures</span>${!both.same_sound && html`<span>These are matches of different sounds: the figures do not compare.</span>`}</p></div>
      <a class="button" href=${href("compare", `${b},${a}`)}>Swap A and B</a></header>
    <section class="card player" aria-label="Player">
      <${Sources} deck=${deck} sources=${[{ name: "target", label: "Target" }, { name: "a", label: words.a }, { name: "b", label: words.b }]} />
      <${Transport} deck=${deck} />
      ${deck.durationS > 0 && html`<${Scope} deck=${deck} durationS=${deck.durationS}>${[["target", "Target"], ["a", "A"], ["b", "B"]].map(([name, label]) => html`<${Wave} key=${name} deck=${deck} name=${name} label=${label} />`)}<//>`}</section>
    <div class="two"><${Side} letter="A" run=${both.a} /><${Side} letter="B" run=${both.b} /></div>
    <section class="card pair-table"><h2>Figures</h2><table><thead><tr><th scope="col">Figure</th><th scope="col" class="number">A</th><th scope="col" class="number">B</th><th scope="col">Better</th></tr></thead>
      <tbody>${both.metrics.map((one) => html`<tr key=${one.name}><th scope="row">${one.label}</th>
        ${["a", "b"].map((side) => html`<td class="number">${one.winner === side ? html`<b>${value(one[side], one.unit)}</b>` : value(one[side], one.unit)}</td>`)}<td>${one.winner.toUpperCase() || (one.a === one.b ? "equal" : "–")}</td></tr>`)}</tbody></table>
      <details class="small"><summary>What the figures mean</summary><dl>${both.metrics.filter((one) => one.words).map((one) => html`<div key=${one.name}><dt><b>${one.label}</b></dt><dd class="quiet">${one.words}</dd></div>`)}</dl></details></section>
    ${both.settings.length > 0 && html`<section class="card pair-table"><h2>Settings that differ</h2><table><thead><tr><th scope="col">Setting</th><th scope="col" class="number">A</th><th scope="col" class="number">B</th></tr></thead>
      <tbody>${both.settings.map((one) => html`<tr key=${one.name}><th scope="row"><code>${one.name}</code></th><td class="number">${value(one.a)}</td><td class="number">${value(one.b)}</td></tr>`)}</tbody></table></section>`}`;
}
