// The player's buttons: which version is heard, play, where, loop, equal loudness.
import { html, useEffect, useRef, useState } from "../lib.js";
import { Icon, Switch } from "./parts.js";
import { clock, decibels } from "../format.js";
import { complain } from "../store.js";
import { useKeys } from "../keys.js";
import { Deck } from "../audio/deck.js";

// One deck for as long as `key` stays the same.
export function useDeck(key) {
  const owned = useRef({});
  if (owned.current.key !== key) { owned.current.deck?.dispose(); owned.current = { key, deck: new Deck() }; }
  const { deck } = owned.current;
  globalThis.ddspMatchDeck = deck; // for the console, and for tests
  const [, draw] = useState(0);
  useEffect(() => {
    const off = deck.watch(() => draw((n) => n + 1));
    const quiet = (event) => { if (event.detail !== deck) deck.pause(); };
    document.addEventListener("ddsp-playing", quiet);
    return () => { off(); document.removeEventListener("ddsp-playing", quiet); };
  }, [deck]);
  useEffect(() => () => owned.current.deck?.dispose(), []);
  return deck;
}

// sources: [{name, label, weights?, as?}]
export function Sources({ deck, sources, numbered = true }) {
  useKeys(numbered ? Object.fromEntries(sources.map((source, i) => [String(i + 1), () => deck.choose(source.name, source.weights, source.as)])) : {});
  return html`<div class="sources" role="group" aria-label="What to listen to">${sources.map((source, i) => html`
    <button key=${source.name} type="button" data-tone=${source.tone || source.name} aria-pressed=${String(deck.chosen === source.name)} title=${source.title || ""}
      onClick=${() => deck.choose(source.name, source.weights, source.as)}>${numbered && html`<kbd aria-hidden="true">${i + 1}</kbd>`}${source.label}</button>`)}</div>`;
}

export function Seek({ deck }) {
  const slider = useRef(), words = useRef();
  useEffect(() => {
    let frame = 0;
    const show = () => {
      const at = deck.position();
      if (!slider.current) return;
      if (!slider.current.dragged) { slider.current.value = at; slider.current.setAttribute("aria-valuetext", `${at.toFixed(2)} seconds`); }
      words.current.textContent = `${clock(at)} / ${clock(deck.durationS)}`;
      frame = deck.playing ? requestAnimationFrame(show) : 0;
    };
    const wake = () => { if (!frame) show(); };
    wake();
    const off = deck.watch(wake);
    return () => { off(); cancelAnimationFrame(frame); };
  }, [deck, deck.durationS]);
  return html`<input ref=${slider} type="range" min="0" max=${deck.durationS || 1} step="any" aria-label="Position"
      onInput=${(e) => { e.target.dragged = true; words.current.textContent = `${clock(Number(e.target.value))} / ${clock(deck.durationS)}`; }}
      onChange=${(e) => { e.target.dragged = false; deck.seek(Number(e.target.value)); }} /><span class="clock" ref=${words}></span>`;
}

export function PlayButton({ deck, disabled }) {
  return html`<button type="button" class="primary play" disabled=${disabled} aria-label=${deck.playing ? "Pause" : "Play"}
    onClick=${() => deck.toggle()?.catch(complain)}><${Icon} name=${deck.playing ? "pause" : "play"} /></button>`;
}

export function Transport({ deck, levels = true }) {
  const step = () => Math.max(0.1, deck.durationS / 40);
  useKeys({
    " ": () => deck.toggle()?.catch(complain),
    l: () => deck.setLoop(!deck.loop),
    ...(levels ? { e: () => deck.setLevelled(!deck.levelled) } : {}),
    ArrowLeft: () => deck.seek(deck.position() - step()),
    ArrowRight: () => deck.seek(deck.position() + step()),
  });
  return html`<div class="transport">
    <${PlayButton} deck=${deck} disabled=${!deck.durationS} /><${Seek} deck=${deck} />
    <span class="row options"><${Switch} label="Loop" checked=${deck.loop} onChange=${(on) => deck.setLoop(on)} />
    ${levels && html`<${Switch} label="Equal loudness" checked=${deck.levelled} onChange=${(on) => deck.setLevelled(on)}
      title="Plays every version as loud as the target, so that the louder one does not seem the better; stems and difference get the gain of the match" />
      <span class="small quiet number">${deck.levelled && deck.chosen ? decibels(deck.gainDb(deck.chosen)) : ""}</span>`}
    ${deck.region && html`<button type="button" class="plain" onClick=${() => deck.setRegion(null)}>Loop all</button>`}</span>
  </div>`;
}
