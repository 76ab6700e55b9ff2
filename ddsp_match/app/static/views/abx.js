// A blind test: X is the target or the match, drawn anew for each trial. Can they be told apart at all?
import { html, useEffect, useRef, useState } from "../lib.js";
import { say } from "../store.js";
import { useKeys } from "../keys.js";
import { Icon, Segments } from "./parts.js";
import { PlayButton, Seek } from "./transport.js";
import { verdictWords } from "../audio/binomial.js";
import { stem } from "../format.js";

const draw = () => crypto.getRandomValues(new Uint8Array(1))[0] & 1; // 0: X is A, 1: X is B
const LEAST = 5;

function save(trials, facts, what) {
  const rows = trials.map((one, i) => [i + 1, one.x, one.answer, Number(one.right), one.seconds.toFixed(1)].join(","));
  const text = `# ABX of ${stem(facts.name).replace(/[\r\n]/g, " ")}: A is the target, B is the ${what}; level-matched\ntrial,x,answer,correct,seconds\n${rows.join("\n")}\n`;
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: `${stem(facts.name)}.abx.csv` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export function Abx({ facts, deck, edits }) {
  const [other, setOther] = useState("match");
  const [count, setCount] = useState(10);
  const [trials, setTrials] = useState([]);
  const [running, setRunning] = useState(false);
  const [playing, setPlaying] = useState("A");
  const secret = useRef(draw()), begun = useRef(0), whole = useRef(false);
  const nameOf = (button) => (button === "A" ? "target" : button === "B" ? other : secret.current ? other : "target");
  const choose = (button) => { setPlaying(button); deck.choose("abx", { [nameOf(button)]: 1 }, nameOf(button)); };

  useEffect(() => {
    deck.pause();
    deck.setLevelled(true);
    return () => { deck.pause(); if (whole.current) deck.setRegion(null); deck.choose("match"); };
  }, []);
  const begin = async () => {
    secret.current = draw();
    begun.current = performance.now();
    setTrials([]);
    setRunning(true);
    choose("A");
    deck.setLoop(true);
    if (!deck.region) { // other versions on the deck may be longer than these two
      whole.current = true;
      deck.setRegion([0, Math.max(deck.buffer("target").duration, deck.buffer(other).duration)]);
    }
    await deck.play();
  };
  const answer = (button) => {
    const x = secret.current ? "B" : "A";
    const next = [...trials, { x, answer: button, right: x === button, seconds: (performance.now() - begun.current) / 1000 }];
    setTrials(next);
    secret.current = draw();
    begun.current = performance.now();
    if (next.length >= count) { setRunning(false); deck.pause(); say("The test is over."); } else { choose("A"); say(`Trial ${next.length + 1} of ${count}`); }
  };
  useKeys(running ? {
    a: () => choose("A"), b: () => choose("B"), x: () => choose("X"), 1: () => answer("A"), 2: () => answer("B"),
    " ": () => deck.toggle(), l: () => {}, e: () => {},
  } : { e: () => {} });
  const right = trials.filter((one) => one.right).length;

  if (!running && trials.length >= LEAST) {
    const result = verdictWords(right, trials.length);
    return html`<section class="card abx result" aria-live="polite">
      <p class="big-number"><b class="number">${right}</b> of <b class="number">${trials.length}</b> right</p>
      <h2>${result.headline}</h2><p class="quiet">${result.text}</p>
      <p class="quiet small">p = <span class="number">${result.p < 0.001 ? "< 0.001" : result.p.toPrecision(2)}</span>, exact binomial test, one-sided; below 0.05 counts as heard.</p>
      <ol class="trials" aria-label="Trials">${trials.map((one, i) => html`<li class=${one.right ? "right" : "wrong"} title=${`Trial ${i + 1}: X was ${one.x}, you said ${one.answer}`}>${one.right ? "✓" : "✗"}</li>`)}</ol>
      <div class="row"><button type="button" class="primary" onClick=${begin}>Once more</button><button type="button" onClick=${() => save(trials, facts, other === "edited" ? "edited match" : "match")}><${Icon} name="download" />Save as CSV</button>
        <button type="button" onClick=${() => setTrials([])}>Other settings</button></div></section>`;
  }
  if (!running) return html`<section class="card abx intro"><h2>Can you tell the match from the target?</h2>
      <p>In each trial <b>A</b> is the target, <b>B</b> is the match, and <b>X</b> is one of the two, drawn at random. Switch as often as you like, all equally loud, then say which one X is. The result is shown at the end.</p>
      <div class="row"><span class="choice"><span class="label">Trials</span><${Segments} label="Trials" value=${count} onChange=${setCount} options=${[5, 10, 16, 25].map((value) => ({ value, label: String(value) }))} /></span>
        ${edits.made && html`<span class="choice"><span class="label">B is</span><${Segments} label="B is" value=${other} onChange=${setOther} options=${[{ value: "match", label: "the match" }, { value: "edited", label: "the edited match" }]} /></span>`}</div>
      ${deck.region && !whole.current && html`<p class="small quiet">The part marked in the player is looped (${deck.region.map((t) => t.toFixed(2)).join(" to ")} s).</p>`}
      <p class="small quiet">Headphones help. Guessing gets half of them right; 9 of 10 happen by chance once in a hundred tests. To test one part alone, drag over it under Listen first.</p>
      <button type="button" class="primary big" disabled=${!deck.buffer("match") || !deck.buffer("target")} onClick=${begin}>Begin</button></section>`;
  return html`<section class="card abx" aria-label="Blind test">
    <div class="card-head"><h2>Trial ${trials.length + 1} of ${count}</h2><button type="button" class="plain" onClick=${() => { setRunning(false); deck.pause(); if (trials.length < LEAST) setTrials([]); }}>End the test</button></div>
    <div class="progress" aria-hidden="true"><span style=${{ width: `${(100 * trials.length) / count}%` }}></span></div>
    <div class="abx-buttons" role="group" aria-label="Listen to">${["A", "X", "B"].map((button) => html`<button type="button" key=${button} aria-pressed=${String(playing === button)} onClick=${() => choose(button)}>
      <b>${button}</b><span class="small">${{ A: "the target", X: "which one?", B: other === "edited" ? "the edited match" : "the match" }[button]}</span></button>`)}</div>
    <div class="transport"><${PlayButton} deck=${deck} /><${Seek} deck=${deck} /></div>
    <div class="abx-answers"><button type="button" class="primary big" onClick=${() => answer("A")}><kbd aria-hidden="true">1</kbd>X is A</button><button type="button" class="primary big" onClick=${() => answer("B")}><kbd aria-hidden="true">2</kbd>X is B</button></div>
    <p class="hint small quiet wide-only"><kbd>A</kbd> <kbd>B</kbd> <kbd>X</kbd> switch, <kbd>1</kbd> <kbd>2</kbd> answer, <kbd>space</kbd> pauses.</p></section>`;
}
