// What lies between a dry and a wet sound: the form that asks, and the settings that were found.
import { html, useEffect, useRef, useState } from "../lib.js";
import { useStore, complain, go, refreshPairs, set } from "../store.js";
import { get, post, remove, query } from "../api.js";
import { Ask, Icon, Segments, useName } from "./parts.js";
import { take } from "./drop.js";
import { Sources, Transport, useDeck } from "./transport.js";
import { Scope, Wave, Spectrogram } from "./scope.js";
import { ago, seconds, stem } from "../format.js";

const SLOTS = { dry: ["Dry", "before the effects"], wet: ["Wet", "the same sound after them"] };

function Slot({ name, sound, onSound }) {
  const sounds = useStore((s) => s.sounds), limits = useStore((s) => s.limits);
  const input = useRef(), id = useName(name);
  const [label, words] = SLOTS[name];
  return html`<section class="drop small-drop" data-tone=${name === "dry" ? "dry" : "target"} aria-label=${label}>
    <p class="drop-words">${label} <span class="quiet small">${words}</span></p>
    ${sound && html`<p><b>${stem(sound.name)}</b> <span class="quiet small">${seconds(sound.seconds)}</span></p>`}
    <div class="row"><button type="button" onClick=${() => input.current.click()}><${Icon} name="file" />${sound ? "Another file" : "Choose a file"}<span class="hidden-words"> for ${label}</span></button>
      <input ref=${input} type="file" accept="audio/*" hidden onChange=${(e) => { const [file] = e.target.files; if (file) take(file, file.name, limits, undefined, onSound); e.target.value = ""; }} /></div>
    ${sounds.length > 0 && html`<span class="row tight small"><label for=${id}>or a sound that is here</label><select id=${id} value=${sound?.id || ""} onChange=${(e) => onSound(sounds.find((one) => one.id === e.target.value))}>
      <option value="">–</option>${sounds.map((one) => html`<option value=${one.id}>${stem(one.name)}</option>`)}</select></span>`}</section>`;
}

// Usual chains to begin with: which effects there were is not guessed, their settings are.
const CHAINS = { "Drive pedal": ["highpass", "soft_clip", "gain", "lowpass"], Filter: ["iir", "gain"], Compressor: ["compressor", "gain"], Echo: ["delay", "gain"], Room: ["reverb", "gain"] };

function Chain({ chain, onChange }) {
  const processors = useStore((s) => s.processors), id = useName("chain");
  const usual = Object.keys(CHAINS).find((name) => CHAINS[name].join() === chain.join()) || "";
  const titleOf = (name) => processors.find((one) => one.name === name)?.title || name;
  return html`<section class="card"><h2>Effects</h2>
    <${Segments} label="A usual chain" value=${usual} onChange=${(name) => onChange(CHAINS[name])} options=${Object.keys(CHAINS).map((value) => ({ value, label: value }))} />
    <p class="quiet small">Begin with a usual chain, or name the effects that you know of, in the order in which the sound goes through them. Their settings are searched, not which effects there were.</p>
    <p class="row"><span class="chips">${chain.map((name, i) => html`<button type="button" class="chip" key=${`${name} ${i}`} title="Leave it out" onClick=${() => onChange(chain.filter((_, j) => j !== i))}>${i + 1}. ${titleOf(name)}<${Icon} name="close" /></button>`)}</span>
      <span class="row tight"><label for=${id}>Add</label><select id=${id} value="" onChange=${(e) => { if (e.target.value) onChange([...chain, e.target.value]); e.target.value = ""; }}>
        <option value="">an effect …</option>${processors.map((one) => html`<option value=${one.name}>${one.title}</option>`)}</select></span></p></section>`;
}

export function Effects() {
  const limits = useStore((s) => s.limits), pairs = useStore((s) => s.pairs);
  const [pair, setPair] = useState({ dry: null, wet: null });
  const [chain, setChain] = useState(CHAINS["Drive pedal"]);
  const [busy, setBusy] = useState(false);
  useEffect(() => { refreshPairs().catch(complain); }, []);
  const put = (name) => (sound) => setPair((now) => ({ ...now, [name]: sound || null }));
  useEffect(() => { // dropped on this page: the first is the dry one, unless there is one
    set({ takeFiles: async ([first, second]) => {
      const free = pair.dry ? ["wet", "dry"] : ["dry", "wet"];
      for (const [i, file] of [first, second].entries()) if (file) await take(file, file.name, limits, undefined, put(free[i]));
    } });
    return () => set({ takeFiles: null });
  }, [limits, pair.dry]);
  const start = async () => {
    setBusy(true);
    try {
      const { job } = await post("/api/effects", { dry: pair.dry.id, wet: pair.wet.id, effects: chain });
      go("job", job.id);
    } catch (error) { complain(error); }
    setBusy(false);
  };
  return html`<header><h1 tabindex="-1">What lies between a dry and a wet sound?</h1>
      <p class="lead">Drop the same recording before and after a chain of effects, and ddsp-match estimates the settings of the effects.</p></header>
    <div class="two">${Object.keys(SLOTS).map((name) => html`<${Slot} key=${name} name=${name} sound=${pair[name]} onSound=${put(name)} />`)}</div>
    <p class="row"><button type="button" class="plain" disabled=${!pair.dry && !pair.wet} onClick=${() => setPair({ dry: pair.wet, wet: pair.dry })}>Swap the two</button></p>
    <${Chain} chain=${chain} onChange=${setChain} />
    <p><button type="button" class="primary big" disabled=${!pair.dry || !pair.wet || !chain.length || busy} onClick=${start}><${Icon} name="spark" />Find the settings</button></p>
    ${pairs?.length > 0 && html`<section class="card"><h2>Found before</h2><ul class="items">${pairs.map((one) => html`<li key=${one.id}><a class="item" href=${`#effect=${encodeURIComponent(one.id)}`}>
      <span class=${`dot ${one.level}`} aria-hidden="true"></span><b>${one.name}</b><small>${one.effects.join(", ")} · ${ago(one.when)}</small></a></li>`)}</ul></section>`}`;
}

const SOUNDS = { dry: "Dry", wet: "Wet (target)", output: "Output", difference: "Difference" };
const TONES = { dry: "dry", wet: "target", output: "match", difference: "difference" };

// A number with its unit; of many (an equaliser's bands, a response) the range.
function reading({ value, unit }) {
  const plain = (x) => String(+Number(x).toPrecision(4)).replace("-", "−");
  if (!Array.isArray(value)) return typeof value === "number" ? `${plain(value)} ${unit}`.trim() : String(value);
  const all = value.flat(Infinity);
  return all.length < 5 ? `${all.map(plain).join(", ")} ${unit}`.trim() : `${plain(Math.min(...all))} to ${plain(Math.max(...all))} ${unit} (${all.length} values)`;
}

export function Effect({ id }) {
  const [facts, setFacts] = useState(null);
  const [failed, setFailed] = useState(null);
  const deck = useDeck(`effect ${id}`);
  const address = `/api/effects/${encodeURIComponent(id)}`;
  useEffect(() => {
    const stop = new AbortController();
    setFacts(null); setFailed(null);
    get(address, { signal: stop.signal }).then(setFacts, (error) => { if (error.name !== "AbortError") setFailed(error); });
    for (const name of Object.keys(SOUNDS)) deck.load(name, `${address}/${name}.wav`).then(() => { if (name === "output" && !deck.chosen) deck.choose("output"); }, complain);
    return () => stop.abort();
  }, [id]);
  if (failed) return html`<div class="card empty-state"><h1 tabindex="-1">This cannot be opened</h1><p class="quiet">${failed.found} ${failed.hint}</p><a class="button" href="#effects">Start anew</a></div>`;
  if (!facts) return html`<p class="quiet" role="status">Opening the effects …</p>`;
  const shown = SOUNDS[deck.chosen] ? deck.chosen : "output";
  return html`<header class="page-head"><div><h1 tabindex="-1">${facts.name}</h1>
      <p class="facts">${facts.seconds && html`<span>${seconds(facts.seconds)}</span>`}<span>${facts.effects.join(" → ")}</span>${facts.latency_samples ? html`<span>latency ${facts.latency_samples} samples</span>` : ""}<span>${ago(facts.when)}</span></p></div>
      <${Ask} label="Delete" question="Delete this and its files?" yes="Delete it" onYes=${() => remove(address).then(() => go("effects"), complain)} /></header>
    <section class=${`verdict ${facts.level}`} aria-label="Verdict">${facts.level && html`<span class=${`badge ${facts.level}`}>${facts.level}</span>`}<b>${facts.verdict}</b></section>
    <section class="card player" aria-label="Player">
      <${Sources} deck=${deck} sources=${Object.entries(SOUNDS).map(([name, label]) => ({ name, label, tone: TONES[name] }))} />
      <${Transport} deck=${deck} levels=${false} />
      ${deck.durationS > 0 && html`<${Scope} deck=${deck} durationS=${deck.durationS}>
        ${["dry", "wet"].map((name) => html`<${Wave} key=${name} deck=${deck} name=${name} tone=${TONES[name]} label=${SOUNDS[name]} />`)}
        ${!["dry", "wet"].includes(shown) && html`<${Wave} key="shown" deck=${deck} name=${shown} tone=${TONES[shown]} label=${SOUNDS[shown]} />`}
        ${facts.picture && html`<${Spectrogram} url=${`${address}/spectrogram.png${query({ which: shown })}`} picture=${facts.picture} label=${SOUNDS[shown]} durationS=${deck.durationS} />`}<//>`}</section>
    <div class="two"><section class="card"><h2>Settings</h2><table><tbody>${facts.knobs.map((knob) => html`<tr key=${knob.name}><th scope="row"><code>${knob.name}</code>${knob.ambiguous && html`<br /><span class="small quiet">sounds the same at other values</span>`}</th>
        <td class="number">${reading(knob)}</td></tr>`)}</tbody></table></section>
      <section class="card"><div class="card-head"><h2>How close it is</h2>${facts.has_report && html`<a class="small" href=${`${address}/report.html`} target="_blank" rel="noopener">Full report</a>`}</div>
        <table><tbody>${[["Error-to-signal ratio", facts.esr], ["on the held-out part", facts.esr_unseen]].filter(([, x]) => Number.isFinite(x)).map(([label, x]) => html`<tr key=${label}><th scope="row">${label}</th><td class="number">${x.toPrecision(3)}</td></tr>`)}</tbody></table>
        ${facts.notes?.length > 0 && html`<ul class="points">${facts.notes.map((text) => html`<li>${text}</li>`)}</ul>`}
        <div class="links"><a class="button" href=${`${address}/patch`} download><${Icon} name="download" />Settings</a>${["output", "difference"].map((name) => html`<a class="button" key=${name} href=${`${address}/${name}.wav?download=1`} download><${Icon} name="download" />${SOUNDS[name]} <span class="quiet small">WAV</span></a>`)}</div></section></div>`;
}
